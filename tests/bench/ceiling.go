package main

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The ceilings are what somebody would write by hand for these requests and
// nothing else: net/http, native pgx, one fixed prepared statement a level. One has
// its JSON built by the server, one reads typed rows and encodes them in Go.

// ceilingRows answers each work's path with typed rows encoded in Go.
func ceilingRows(pool *pgxpool.Pool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /key", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Variables struct {
				ID int64 `json:",string"`
			} `json:"variables"`
		}
		if !decode(w, r, &body) {
			return
		}
		var id int64
		var name, email string
		var created time.Time
		err := pool.QueryRow(r.Context(), `select id, name, email, created_at from users where id = $1`, body.Variables.ID).Scan(&id, &name, &email, &created)
		if failed(w, err) {
			return
		}
		b := append(make([]byte, 0, 256), `{"data":{"user":`...)
		b = appendUser(b, id, name, email, created)
		reply(w, append(b, "}}"...))
	})
	mux.HandleFunc("POST /filter", list(pool, "users", appendWire,
		`select id, name, email, created_at from users where is_active and balance > $1::numeric and name like $2 order by id limit 50`))
	mux.HandleFunc("POST /top", list(pool, "users", appendWire, `select id, name, email, created_at from users order by name, id limit 10`))
	mux.HandleFunc("POST /large", list(pool, "users", appendWire, `select id, name, email, created_at from users`))
	mux.HandleFunc("POST /huge", list(pool, "posts", appendPost, `select id, title, views, created_at from posts order by id limit 100000`))
	mux.HandleFunc("POST /nested", nested(pool))
	mux.HandleFunc("POST /insert", written(pool, "createUser", `insert into users (name, email) values ($1, $2) returning id, name, email, created_at`))
	mux.HandleFunc("POST /update", written(pool, "updateUser", `update users set name = $1 where id = $2::bigint returning id, name, email, created_at`))
	return mux
}

// list is one whose rows go out in pieces of 32 KiB.
func list(pool *pgxpool.Pool, key string, appendRow func([]byte, [][]byte) []byte, query string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Variables struct {
				Balance, Name string
			} `json:"variables"`
		}
		if !decode(w, r, &body) {
			return
		}
		var args []any
		if body.Variables.Name != "" {
			args = []any{body.Variables.Balance, body.Variables.Name + "%"}
		}
		rows, err := pool.Query(r.Context(), query, args...)
		if failed(w, err) {
			return
		}
		defer rows.Close()
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		b := *buf
		b = append(b[:0], `{"data":{"`+key+`":[`...)
		header(w)
		for n := 0; rows.Next(); n++ {
			if n > 0 {
				b = append(b, ',')
			}
			v := rows.RawValues()
			b = appendRow(b, v)
			if len(b) > 32<<10 {
				if _, err := w.Write(b); err != nil {
					return
				}
				b = b[:0]
			}
		}
		if rows.Err() != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(append(b, "]}}"...))
		*buf = b
	}
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// appendWire encodes id, name, email, created_at from pgx's binary values.
func appendWire(b []byte, v [][]byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, int64(be64(v[0])), 10)
	b = append(b, `,"name":`...)
	b = appendText(b, v[1])
	b = append(b, `,"email":`...)
	b = appendText(b, v[2])
	b = append(b, `,"createdAt":"`...)
	b = micros(int64(be64(v[3]))).AppendFormat(b, "2006-01-02T15:04:05.999999-07:00")
	return append(b, `"}`...)
}

// appendPost encodes id, title, views, created_at.
func appendPost(b []byte, v [][]byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, int64(be64(v[0])), 10)
	b = append(b, `,"title":`...)
	b = appendText(b, v[1])
	b = append(b, `,"views":`...)
	b = strconv.AppendInt(b, int64(int32(be64(v[2]))), 10)
	b = append(b, `,"createdAt":"`...)
	b = micros(int64(be64(v[3]))).AppendFormat(b, "2006-01-02T15:04:05.999999-07:00")
	return append(b, `"}`...)
}

func be64(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// micros is PostgreSQL's binary timestamp: microseconds since 2000-01-01.
func micros(us int64) time.Time { return time.UnixMicro(us + 946684800*1e6).UTC() }

func appendText(b, s []byte) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendUser(b []byte, id int64, name, email string, created time.Time) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, id, 10)
	b = append(b, `,"name":`...)
	b = appendText(b, []byte(name))
	b = append(b, `,"email":`...)
	b = appendText(b, []byte(email))
	b = append(b, `,"createdAt":"`...)
	b = created.UTC().AppendFormat(b, "2006-01-02T15:04:05.999999-07:00")
	return append(b, `"}`...)
}

// nested is 20 users, 5 posts each, 3 comments each: a statement a level.
func nested(pool *pgxpool.Pool) http.HandlerFunc {
	type comment struct {
		post int64
		json []byte
	}
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		type post struct {
			id, author int64
			title      string
		}
		type user struct {
			id   int64
			name string
		}
		conn, err := pool.Acquire(ctx)
		if failed(w, err) {
			return
		}
		defer conn.Release()
		rows, err := conn.Query(ctx, `select id, name from users order by id limit 20`)
		if failed(w, err) {
			return
		}
		list, err := jackpgx.CollectRows(rows, func(row jackpgx.CollectableRow) (u user, err error) { err = row.Scan(&u.id, &u.name); return })
		if failed(w, err) {
			return
		}
		var ids []int64
		for _, u := range list {
			ids = append(ids, u.id)
		}
		rows, err = conn.Query(ctx, `select p.id, p.author_id, p.title from unnest($1::int8[]) with ordinality as k (id, ord) join lateral
			(select id, author_id, title from posts where author_id = k.id order by id limit 5) as p on true order by k.ord, p.id`, ids)
		if failed(w, err) {
			return
		}
		posts, err := jackpgx.CollectRows(rows, func(row jackpgx.CollectableRow) (p post, err error) {
			err = row.Scan(&p.id, &p.author, &p.title)
			return
		})
		if failed(w, err) {
			return
		}
		ids = ids[:0]
		for _, p := range posts {
			ids = append(ids, p.id)
		}
		rows, err = conn.Query(ctx, `select c.post_id, c.id, c.body from unnest($1::int8[]) with ordinality as k (id, ord) join lateral
			(select post_id, id, body from comments where post_id = k.id order by id limit 3) as c on true order by k.ord, c.id`, ids)
		if failed(w, err) {
			return
		}
		var comments []comment
		for rows.Next() {
			v := rows.RawValues()
			b := append(make([]byte, 0, 192), `{"id":`...)
			b = strconv.AppendInt(b, int64(be64(v[1])), 10)
			b = append(b, `,"body":`...)
			b = append(appendText(b, v[2]), '}')
			comments = append(comments, comment{int64(be64(v[0])), b})
		}
		if failed(w, rows.Err()) {
			return
		}
		b := append(make([]byte, 0, 64<<10), `{"data":{"users":[`...)
		for i, u := range list {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"id":`...)
			b = strconv.AppendInt(b, u.id, 10)
			b = append(b, `,"name":`...)
			b = appendText(b, []byte(u.name))
			b = append(b, `,"posts":[`...)
			for n := 0; len(posts) > 0 && posts[0].author == u.id; posts, n = posts[1:], n+1 {
				if n > 0 {
					b = append(b, ',')
				}
				b = append(b, `{"id":`...)
				b = strconv.AppendInt(b, posts[0].id, 10)
				b = append(b, `,"title":`...)
				b = appendText(b, []byte(posts[0].title))
				b = append(b, `,"comments":[`...)
				for m := 0; len(comments) > 0 && comments[0].post == posts[0].id; comments, m = comments[1:], m+1 {
					if m > 0 {
						b = append(b, ',')
					}
					b = append(b, comments[0].json...)
				}
				b = append(b, "]}"...)
			}
			b = append(b, "]}"...)
		}
		reply(w, append(b, "]}}"...))
	}
}

// written is an insert or update that returns the row, in a transaction of its own.
func written(pool *pgxpool.Pool, key, query string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Variables struct{ Name, Email, ID string } `json:"variables"`
		}
		if !decode(w, r, &body) {
			return
		}
		second := body.Variables.Email
		if second == "" {
			second = body.Variables.ID
		}
		var id int64
		var name, email string
		var created time.Time
		err := pool.QueryRow(r.Context(), query, body.Variables.Name, second).Scan(&id, &name, &email, &created)
		if failed(w, err) {
			return
		}
		b := append(make([]byte, 0, 256), `{"data":{"`+key+`":`...)
		reply(w, append(appendUser(b, id, name, email, created), "}}"...))
	}
}
