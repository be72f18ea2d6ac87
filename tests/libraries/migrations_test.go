package libraries

import (
	"database/sql"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alexedwards/scs/postgresstore"
	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
)

// TestGoose migrates up, looks at the state, and down again.
func TestGoose(t *testing.T) {
	both(t, "goose", func(t *testing.T, db *sql.DB, _ string) {
		files := fstest.MapFS{
			"00001_users.sql": {Data: []byte("-- +goose Up\ncreate table users (id bigserial primary key, name text not null);\ncreate index on users (name);\n-- +goose Down\ndrop table users;\n")},
			"00002_fill.sql":  {Data: []byte("-- +goose Up\ninsert into users (name) values ('Ada'), ('Grace');\n-- +goose StatementBegin\ncreate function greet(n text) returns text language plpgsql as $$ begin return 'Hello; ' || n; end $$;\n-- +goose StatementEnd\n-- +goose Down\ndrop function greet;\ndelete from users;\n")},
			"00003_index.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\ncreate index concurrently users_lower on users (lower(name));\n-- +goose Down\ndrop index concurrently users_lower;\n")},
			"00004_wrong.sql": {Data: []byte("-- +goose Up\ninsert into users (name) values (null);\n-- +goose Down\nselect 1;\n")},
		}
		p, err := goose.NewProvider(goose.DialectPostgres, db, files)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.UpTo(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Up(t.Context()); err == nil {
			t.Error("the migration that breaks a constraint went through")
		}
		status, err := p.Status(t.Context())
		if err != nil || len(status) != 4 || status[2].State != goose.StateApplied || status[3].State != goose.StatePending {
			t.Errorf("status %v, %v", status, err)
		}
		if v, err := p.GetDBVersion(t.Context()); err != nil || v != 3 {
			t.Errorf("version %d, %v", v, err)
		}
		if _, err := p.DownTo(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSqlx uses its named queries, struct scans, In and prepared statements.
func TestSqlx(t *testing.T) {
	type place struct {
		ID        int64          `db:"id"`
		Country   string         `db:"country"`
		City      sql.NullString `db:"city"`
		Telephone int            `db:"telcode"`
		Made      time.Time      `db:"made"`
		Share     float64        `db:"share"`
		Tags      []byte         `db:"tags"`
	}
	both(t, "sqlx", func(t *testing.T, db *sql.DB, _ string) {
		x := sqlx.NewDb(db, "postgres")
		x.MustExec("create table place (id bigint generated always as identity, country text, city text, telcode integer, made timestamptz default now(), share numeric(6,3) default 0.125, tags jsonb default '[1, 2]')")
		tx := x.MustBegin()
		tx.MustExec("insert into place (country, city, telcode) values ($1, $2, $3)", "United States", "New York", 1)
		tx.MustExec("insert into place (country, telcode) values ($1, $2)", "Hong Kong", 852)
		if _, err := tx.NamedExec("insert into place (country, city, telcode) values (:country, :city, :telcode)", []place{{Country: "Singapore", Telephone: 65}, {Country: "France", City: sql.NullString{String: "Paris", Valid: true}, Telephone: 33}}); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		var places []place
		if err := x.Select(&places, "select * from place order by telcode"); err != nil || len(places) != 4 {
			t.Fatalf("%v, %v", places, err)
		}
		var one place
		if err := x.Get(&one, "select * from place where country = $1", "France"); err != nil || one.City.String != "Paris" {
			t.Errorf("%v, %v", one, err)
		}
		if err := x.Get(&one, "select * from place where made = $1 and telcode = $2", one.Made, 33); err != nil {
			t.Errorf("by the time that the server gave: %v", err)
		}
		query, args, err := sqlx.In("select * from place where telcode in (?) order by id", []int{1, 65})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Select(&places, x.Rebind(query), args...); err != nil || len(places) != 2 {
			t.Errorf("%v, %v", places, err)
		}
		st, err := x.PrepareNamed("select count(*) from place where city is not distinct from :city")
		if err != nil {
			t.Fatal(err)
		}
		var n int
		for _, p := range []place{{}, {City: sql.NullString{String: "Paris", Valid: true}}} {
			if err := st.Get(&n, p); err != nil {
				t.Fatal(err)
			}
		}
		_ = st.Close()
		rows, err := x.Queryx("select * from place")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			m := map[string]any{}
			if err := rows.MapScan(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
	})
}

// TestSCS keeps sessions of a web application.
func TestSCS(t *testing.T) {
	both(t, "scs", func(t *testing.T, db *sql.DB, _ string) {
		if _, err := db.ExecContext(t.Context(), "create table sessions (token text primary key, data bytea not null, expiry timestamptz not null)"); err != nil {
			t.Fatal(err)
		}
		s := postgresstore.NewWithCleanupInterval(db, 0)
		expiry := time.Now().Add(time.Hour)
		for _, token := range []string{"one", "two", "three"} {
			if err := s.Commit(token, []byte("data \x00\xff of "+token), expiry); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Commit("two", []byte{}, expiry.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit("old", []byte("gone"), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		for token, want := range map[string]bool{"one": true, "two": true, "old": false, "none": false} {
			data, found, err := s.Find(token)
			if err != nil || found != want {
				t.Errorf("%s: %q, %v, %v", token, data, found, err)
			}
		}
		all, err := s.All()
		if err != nil || len(all) != 3 {
			t.Errorf("%v, %v", all, err)
		}
		if err := s.Delete("three"); err != nil {
			t.Fatal(err)
		}
	})
}
