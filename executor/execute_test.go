package executor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// blog is a database of u users; user n has n%4 posts, post n has n%3 comments.
func blog(t testing.TB, u int) string {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, fmt.Sprintf(`
		create table users (id int8 primary key, name text not null, boss int8);
		create table posts (id int8 primary key, user_id int8 not null references users, title text not null);
		create table comments (id int8 primary key, post_id int8 not null references posts, body text not null);
		insert into users select i, 'user ' || i, nullif(i / 10, 0) from generate_series(1, %d) i;
		insert into posts select row_number() over (), u.id, 'post ' || u.id || '.' || n from users u, generate_series(1, (u.id %% 4)::int) n;
		insert into comments select row_number() over (), p.id, 'say "' || n || '"' from posts p, generate_series(1, (p.id %% 3)::int) n;
		create index on posts (user_id); create index on comments (post_id); analyze`, u))
	return dsn
}

func member(key string, column int) builder.Member {
	return builder.Member{Key: key, Column: column, Child: -1}
}

func nested(key string, child int) builder.Member { return builder.Member{Key: key, Child: child} }

// blogPlan is users with their posts, with their comments, and each user's boss.
func blogPlan(unbounded bool, where string) *builder.Plan {
	id := column("id", oidInt8)
	key := column("k", oidInt8)
	comments := builder.Child{
		Many: true, Keys: []int{1},
		Node: builder.Node{
			Statement: builder.Statement{
				Name: "query comments", Effect: builder.Read, Ordered: true, Args: []any{nil},
				SQL:     "select p.k, c.body from unnest($1::int8[]) with ordinality p(id, k) join comments c on c.post_id = p.id order by p.k, c.id",
				Columns: []builder.Column{key, column("body", oidText)},
			},
			Members: []builder.Member{member("body", 1)},
		},
	}
	posts := builder.Child{
		Many: true, Keys: []int{0},
		Node: builder.Node{
			Statement: builder.Statement{
				Name: "query posts", Effect: builder.Read, Ordered: true, Args: []any{nil},
				SQL:     "select u.k, p.id, p.title from unnest($1::int8[]) with ordinality u(id, k) join posts p on p.user_id = u.id order by u.k, p.id",
				Columns: []builder.Column{key, id, column("title", oidText)},
			},
			Members:  []builder.Member{member("title", 2), nested("comments", 0)},
			Children: []builder.Child{comments},
		},
	}
	boss := builder.Child{
		Keys: []int{2},
		Node: builder.Node{
			Statement: builder.Statement{
				Name: "query users", Effect: builder.Read, Ordered: true, Args: []any{nil},
				SQL:     "select b.k, u.id, u.name from unnest($1::int8[]) with ordinality b(id, k) join users u on u.id = b.id order by b.k, u.id",
				Columns: []builder.Column{key, id, column("name", oidText)},
			},
			Members: []builder.Member{member("name", 2)},
		},
	}
	return &builder.Plan{
		Kind: builder.Query, MaxAffected: -1, Unbounded: unbounded,
		Root: builder.Node{
			Statement: builder.Statement{
				Name: "query users", Effect: builder.Read, Ordered: true,
				SQL:     "select id, name, boss from users where " + where + " order by id",
				Columns: []builder.Column{id, column("name", oidText), column("boss", oidInt8)},
			},
			Members:  []builder.Member{member("id", 0), nested("posts", 0), member("name", 1), nested("boss", 1)},
			Children: []builder.Child{posts, boss},
		},
	}
}

// blogJSON is what the server builds for blogPlan.
func blogJSON(where string) string {
	return `select '{"data":' || coalesce('[' || string_agg(o, ',' order by id) || ']', '[]') || ',"errors":null}' from (
		select u.id, '{"id":' || to_json(u.id) || ',"posts":[' || coalesce((
			select string_agg('{"title":' || to_json(p.title) || ',"comments":[' || coalesce((
				select string_agg('{"body":' || to_json(c.body) || '}', ',' order by c.id) from comments c where c.post_id = p.id), '') || ']}', ',' order by p.id)
			from posts p where p.user_id = u.id), '') || '],"name":' || to_json(u.name) || ',"boss":' ||
			coalesce((select '{"name":' || to_json(b.name) || '}' from users b where b.id = u.boss), 'null') || '}' as o
		from users u where ` + where + `) x`
}

func serverText(t testing.TB, dsn, sql string) string {
	t.Helper()
	var s string
	if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), sql).Scan(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNestedLevelsEqualTheServersJSON(t *testing.T) {
	t.Parallel()
	dsn := blog(t, 5000)
	for _, c := range []struct{ name, where, why string }{
		{"many batches", "true", "the cursor's batches grow, and each has its own children"},
		{"one batch", "id <= 50", "all levels in one go"},
		{"exact batch", "id <= 100", "the end is only seen by an empty FETCH"},
		{"leaves only", "id % 4 = 0 and id < 10", "no parent has children, and no boss"},
		{"nothing", "false", "no row: no child statement is sent"},
	} {
		want := serverText(t, dsn, blogJSON(c.where))
		for _, unbounded := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/unbounded=%t", c.name, unbounded), func(t *testing.T) {
				eachMode(t, func(t *testing.T, b backend.Backend) {
					db := open(t, b, dsn)
					for range 2 { // the second time with prepared statements
						var got bytes.Buffer
						if err := executor.ExecutePlan(t.Context(), db, blogPlan(unbounded, c.where), &got); err != nil {
							t.Fatal(err)
						}
						if got.String() != want {
							t.Fatalf("%s\n%s", c.why, firstDifference(want, got.String()))
						}
					}
				})
			})
		}
	}
}

func firstDifference(want, got string) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	cut := func(s string) string { return s[max(0, i-40):min(len(s), i+40)] }
	return fmt.Sprintf("differs at byte %d of %d and %d\nwant …%s…\ngot  …%s…", i, len(want), len(got), cut(want), cut(got))
}

func flatPlan(sql string, columns []builder.Column, args ...any) *builder.Plan {
	p := &builder.Plan{Kind: builder.Query, MaxAffected: -1}
	p.Root.Statement = *read(sql, args...)
	p.Root.Statement.Columns = columns
	for i, c := range columns {
		p.Root.Members = append(p.Root.Members, member(c.Name, i))
	}
	return p
}

func numbers(n string) *builder.Plan {
	return flatPlan("select i from generate_series(1, $1::int8) i", []builder.Column{column("i", oidInt8)}, n)
}

func TestAnswerShapes(t *testing.T) {
	t.Parallel()
	dsn := blog(t, 5)
	id, name := column("id", oidInt8), column("name", oidText)
	with := func(p *builder.Plan, f func(*builder.Plan)) *builder.Plan { f(p); return p }
	user := func(id string) *builder.Plan {
		return flatPlan("select id, name from users where id = $1::int8", []builder.Column{{Name: "id", Type: column("", oidInt8).Type}, name}, id)
	}
	remove := func(unique bool, where string) *builder.Plan {
		p := &builder.Plan{Kind: builder.Delete, Result: true, UniqueKey: unique, MaxAffected: -1}
		p.Root.Statement = *write("delete from comments where " + where)
		return p
	}
	single := func(p *builder.Plan) { p.Single = true }
	for _, c := range []struct {
		name, want string
		plan       *builder.Plan
	}{
		{"list", `[{"i":1},{"i":2}]`, numbers("2")},
		{"empty list", `[]`, numbers("0")},
		{"object", `{"id":2,"name":"user 2"}`, with(user("2"), single)},
		{"null", `null`, with(user("99"), single)},
		{"reversed", `[{"i":3},{"i":2},{"i":1}]`, with(numbers("3"), func(p *builder.Plan) { p.Reverse = true })},
		{"no members", `[{},{}]`, with(numbers("2"), func(p *builder.Plan) { p.Root.Members = nil })},
		{"deleted", `{"success":true,"message":"1 row deleted","affected":1}`, remove(true, "id = 1")},
		{"deleted nothing by key", `{"success":false,"message":"no row matched","affected":0}`, remove(true, "id = -1")},
		{"deleted nothing by filter", `{"success":true,"message":"0 rows deleted","affected":0}`, remove(false, "id < 0")},
		{"inserted", `[{"id":100,"name":"x\"y"},{"id":101,"name":""}]`, func() *builder.Plan {
			p := flatPlan(`insert into users values (100, 'x"y'), (101, '') returning id, name`, []builder.Column{id, name})
			p.Kind, p.Root.Statement.Effect = builder.Insert, builder.Write
			return p
		}()},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, m := range modes() {
				if c.plan.Kind != builder.Query && backend.ModeOf(m) != backend.ModeOf(modes()[0]) {
					continue // the rows are there or gone after the first
				}
				var got bytes.Buffer
				if err := executor.ExecutePlan(t.Context(), open(t, m, dsn), c.plan, &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(`{"data":`+c.want+`,"errors":null}`, got.String()); diff != "" {
					t.Errorf("%s: %s", backend.ModeOf(m), diff)
				}
			}
		})
	}
}

// An early error is a clean answer; a late one is cut, and says so.
func TestErrorsWhileStreaming(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	// Row n divides by zero; a row is some 500 bytes of JSON.
	broken := func(n string) *builder.Plan {
		return flatPlan("select repeat('x', 480) as x, 1 / (i - $1::int8) as y from generate_series(1::int8, 5000) i",
			[]builder.Column{column("x", oidText), column("y", oidInt8)}, n)
	}
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn)
		for _, session := range []map[string]string{nil, {"app.user": "7"}} {
			var early bytes.Buffer
			err := executor.ExecutePlan(t.Context(), db, broken("5"), &early, executor.WithSession(session))
			if backend.CodeOf(err) != backend.CodeBadUserInput || executor.Partial(err) || early.Len() != 0 {
				t.Errorf("early: %v, partial %t, %d bytes written", err, executor.Partial(err), early.Len())
			}
			var late bytes.Buffer
			err = executor.ExecutePlan(t.Context(), db, broken("4000"), &late, executor.WithSession(session))
			if backend.CodeOf(err) != backend.CodeBadUserInput || !executor.Partial(err) {
				t.Errorf("late: %v, partial %t", err, executor.Partial(err))
			}
			if late.Len() == 0 || strings.HasSuffix(late.String(), "}]}") || strings.Contains(late.String(), "errors") {
				t.Errorf("late: %d bytes were written, ending %q", late.Len(), late.String()[max(0, late.Len()-20):])
			}
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections are still in use", n)
		}
	})
}

type failingWriter struct{ after int }

var errGone = errors.New("the reader is gone")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, errGone
	}
	return len(p), nil
}

func TestWriterThatFailsEndsTheStatement(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		db := open(t, b, dsn)
		err := executor.ExecutePlan(t.Context(), db, endless(), &failingWriter{after: 100_000})
		if !errors.Is(err, errGone) || !executor.Partial(err) {
			t.Fatalf("got %v", err)
		}
		if got := value(t, db, read("select 1")); got != "1" {
			t.Errorf("the pool answers %q", got)
		}
	})
}

func TestMaxRows(t *testing.T) {
	t.Parallel()
	dsn := blog(t, 50)
	db := open(t, modes()[0], dsn)
	for _, c := range []struct {
		name string
		plan *builder.Plan
		max  int64
		ok   bool
	}{
		{"at the limit", numbers("10"), 10, true},
		{"above", numbers("11"), 10, false},
		{"nested rows count", blogPlan(false, "id <= 10"), 20, false},
		{"nested rows count in a cursor", blogPlan(true, "id <= 10"), 20, false},
		{"no bound", blogPlan(true, "true"), 0, true},
	} {
		var got bytes.Buffer
		err := executor.ExecutePlan(t.Context(), db, c.plan, &got, executor.WithMaxRows(c.max))
		if ok := err == nil; ok != c.ok || !ok && (backend.CodeOf(err) != backend.CodeLimit || got.Len() > 0) {
			t.Errorf("%s: %v, %d bytes", c.name, err, got.Len())
		}
	}
}

func TestMaxAffectedRollsBack(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := blog(t, 9)
		db := open(t, b, dsn)
		update := flatPlan("update users set name = 'changed' returning id", []builder.Column{column("id", oidInt8)})
		update.Kind, update.Root.Statement.Effect, update.MaxAffected = builder.Update, builder.Write, 8
		remove := &builder.Plan{Kind: builder.Delete, Result: true, MaxAffected: 0}
		remove.Root.Statement = *write("delete from comments")
		for _, p := range []*builder.Plan{update, remove} {
			var got bytes.Buffer
			err := executor.ExecutePlan(t.Context(), db, p, &got)
			if backend.CodeOf(err) != backend.CodeLimit || got.Len() != 0 {
				t.Errorf("got %v and %q", err, got.String())
			}
		}
		if n := value(t, db, read("select (select count(*) from users where name = 'changed') || '/' || (select count(*) > 0 from comments)")); n != `"0/true"` {
			t.Errorf("changed users / comments left: %s", n)
		}
		update.MaxAffected = 9
		if err := executor.ExecutePlan(t.Context(), db, update, new(bytes.Buffer)); err != nil {
			t.Error(err)
		}
	})
}

// A column whose type has changed since the catalog was read must never be
// decoded as what it was.
func TestChangedColumnTypeIsRefused(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create table t (id int8 primary key, v int4); insert into t values (1, 2)")
		db := open(t, b, dsn)
		plan := flatPlan("select id, v from t", []builder.Column{column("id", oidInt8), column("v", oidInt4)})
		run := func() error { return executor.ExecutePlan(t.Context(), db, plan, new(bytes.Buffer)) }
		if err := run(); err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, dsn, "alter table t alter v type text")
		err := run()
		if !errors.Is(err, executor.ErrSchemaChanged) || backend.CodeOf(err) != backend.CodeConflict {
			t.Fatalf("got %v", err)
		}
		pgtest.Exec(t, dsn, "alter table t alter v type int4 using v::int4")
		if err := run(); err != nil {
			t.Error(err)
		}
	})
}

func TestCancelMidStreamEndsTheStatement(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	eachMode(t, func(t *testing.T, b backend.Backend) {
		cfg := config(t, dsn)
		cfg.ApplicationName = "cancel " + backend.ModeOf(b)
		db, err := executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
		err = executor.ExecutePlan(ctx, db, endless(), w)
		if backend.CodeOf(err) != backend.CodeCanceled || !executor.Partial(err) {
			t.Errorf("got %v", err)
		}
		waitNone(t, dsn, cfg.ApplicationName, 5*time.Second) // it is far less; what the machine does beside is not tested
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// waitNone waits until no statement of that application runs any more, which the
// server must have seen to within the given time.
func waitNone(t testing.TB, dsn, application string, within time.Duration) {
	t.Helper()
	db := pgtest.Open(t, dsn)
	for until := time.Now().Add(within); ; {
		var active int
		const q = "select count(*) from pg_stat_activity where application_name = $1 and state = 'active' and pid <> pg_backend_pid()"
		if err := db.QueryRowContext(t.Context(), q, application).Scan(&active); err != nil {
			t.Fatal(err)
		}
		if active == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d statements of %q still run after %v", active, application, within)
		}
	}
}

// endless is a query of 100 million rows that the server makes one by one.
func endless() *builder.Plan {
	return flatPlan("select a.i from generate_series(1::int8, 10000) a(i), generate_series(1, 10000) b", []builder.Column{column("i", oidInt8)})
}

// A description that a driver keeps with a prepared FETCH is that of the rows
// before the change, and the server does not say so.
func TestChangedColumnTypeIsRefusedInACursor(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, b backend.Backend) {
		dsn := blog(t, 10)
		db := open(t, b, dsn, executor.WithMaxConns(1), executor.WithMinIdle(0))
		run := func() (string, error) {
			var w bytes.Buffer
			err := executor.ExecutePlan(t.Context(), db, blogPlan(true, "id < 10"), &w) // nobody has a boss: only FETCH sees names
			return w.String(), err
		}
		want, err := run()
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, dsn, "alter table users alter name type int4 using id")
		if got, err := run(); !errors.Is(err, executor.ErrSchemaChanged) {
			t.Errorf("got %v and %.200s", err, got)
		}
		pgtest.Exec(t, dsn, "alter table users alter name type text using 'user ' || id")
		got, err := run()
		if err != nil || got != want {
			t.Errorf("after the change back: %v, %s", err, got)
		}
	})
}
