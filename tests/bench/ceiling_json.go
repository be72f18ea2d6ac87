package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ceilingJSON has PostgreSQL build the whole answer.
func ceilingJSON(pool *pgxpool.Pool) http.Handler {
	row := `json_build_object('id', id, 'name', name, 'email', email, 'createdAt', created_at)`
	mux := http.NewServeMux()
	for path, query := range map[string]string{
		"/key":   `select json_build_object('data', json_build_object('user', (select ` + row + ` from users where id = $1)))::text`,
		"/top":   `select json_build_object('data', json_build_object('users', (select json_agg(` + row + `) from (select * from users order by name, id limit 10) t)))::text`,
		"/large": `select json_build_object('data', json_build_object('users', (select json_agg(` + row + `) from users)))::text`,
		"/huge": `select json_build_object('data', json_build_object('posts', (select json_agg(json_build_object('id', id, 'title', title, 'views', views, 'createdAt', created_at))
			from (select * from posts order by id limit 100000) t)))::text`,
		"/insert": `insert into users (name, email) values ($1, $2) returning json_build_object('data', json_build_object('createUser', ` + row + `))::text`,
		"/update": `update users set name = $1 where id = $2::bigint returning json_build_object('data', json_build_object('updateUser', ` + row + `))::text`,
		"/nested": `select json_build_object('data', json_build_object('users', (select json_agg(json_build_object('id', u.id, 'name', u.name, 'posts',
			(select coalesce(json_agg(json_build_object('id', p.id, 'title', p.title, 'comments',
				(select coalesce(json_agg(json_build_object('id', c.id, 'body', c.body)), '[]') from (select id, body from comments where post_id = p.id order by id limit 3) c))), '[]')
			 from (select id, title from posts where author_id = u.id order by id limit 5) p))) from (select id, name from users order by id limit 20) u)))::text`,
		"/filter": `select json_build_object('data', json_build_object('users', (select coalesce(json_agg(` + row + `), '[]') from
			(select * from users where is_active and balance > $1::numeric and name like $2 order by id limit 50) t)))::text`,
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				Variables struct{ ID, Name, Email, Balance string } `json:"variables"`
			}
			if !decode(w, r, &body) {
				return
			}
			var args []any
			switch path {
			case "/key":
				args = []any{body.Variables.ID}
			case "/filter":
				args = []any{body.Variables.Balance, body.Variables.Name + "%"}
			case "/insert":
				args = []any{body.Variables.Name, body.Variables.Email}
			case "/update":
				args = []any{body.Variables.Name, body.Variables.ID}
			}
			var text pgtype.PreallocBytes
			rows, err := pool.Query(context.WithoutCancel(r.Context()), query, args...)
			if failed(w, err) {
				return
			}
			for rows.Next() {
				text = append(text[:0], rows.RawValues()[0]...)
			}
			if failed(w, rows.Err()) {
				return
			}
			reply(w, text)
		})
	}
	return mux
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(into)
	if err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
	}
	return err == nil
}

func failed(w http.ResponseWriter, err error) bool {
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
	}
	return err != nil
}

func header(w http.ResponseWriter) { w.Header()["Content-Type"] = []string{"application/json"} }

func reply(w http.ResponseWriter, b []byte) {
	header(w)
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(b))}
	_, _ = w.Write(b)
}
