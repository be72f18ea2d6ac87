package fraiseql_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func noEnv(string) string { return "" }

func open(t *testing.T, dsn string, change func(*flags.Settings)) *fraiseql.DB {
	t.Helper()
	s := flags.Default()
	s.DatabaseURL = dsn
	if change != nil {
		change(s)
	}
	db, err := fraiseql.Open(t.Context(), "", s, fraiseql.WithEnv(noEnv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

const twoUsers = `{"operation":"query","table":"users","fields":["id","name"],"sort":[{"field":"id","direction":"ASC"}],"pagination":{"limit":2}}`

const twoUsersAnswer = `{"data":[{"id":1,"name":"Ada Lovelace"},{"id":2,"name":"Grace Hopper"}],"errors":null}`

func TestExecuteJSON(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Sample(t)
	for name, change := range map[string]func(*flags.Settings){
		"default":        nil,
		"pq":             func(s *flags.Settings) { s.Backend = flags.BackendPQ },
		"compared":       func(s *flags.Settings) { s.ParityTesting = true },
		"compared on pq": func(s *flags.Settings) { s.ParityTesting, s.Backend = true, flags.BackendPQ },
		"exec":           func(s *flags.Settings) { s.PGXExecMode = "exec" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, dsn, change)
			var w bytes.Buffer
			if err := db.ExecuteJSON(t.Context(), []byte(twoUsers), &w); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(twoUsersAnswer, w.String()); diff != "" {
				t.Error(diff)
			}
			if h := db.Harness(); h != nil && !h.Summary().Passed() {
				t.Errorf("compared: %+v", h.Summary())
			}
			if (db.Harness() != nil) != strings.HasPrefix(name, "compared") {
				t.Errorf("harness is %v", db.Harness())
			}
		})
	}
}

func TestBadRequestIsAnswered(t *testing.T) {
	t.Parallel()
	db := open(t, pgtest.Sample(t), nil)
	for _, request := range []string{``, `{`, `[]`, `{"operation":"query","table":"users","fields":[]}`, `{"transaction":[]}`} {
		var w bytes.Buffer
		err := db.ExecuteJSON(t.Context(), []byte(request), &w)
		if executor.CodeOf(err) != backend.CodeBadUserInput || !strings.HasPrefix(w.String(), `{"data":null,"errors":[{"message":"$`) {
			t.Errorf("%s: %v, answered %s", request, err, w.String())
		}
	}
}

// A table that was altered is read anew, without the caller noticing.
func TestAlteredTable(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table t (id int8 primary key, v int4)", "insert into t values (1, 2)")
	db := open(t, dsn, nil)
	def := &builder.Definition{Kind: builder.Query, Table: "t"}
	get := func() (string, error) {
		var w bytes.Buffer
		err := db.Execute(t.Context(), def, &w)
		return w.String(), err
	}
	if got, err := get(); err != nil || got != `{"data":[{"id":1,"v":2}],"errors":null}` {
		t.Fatal(got, err)
	}
	pgtest.Exec(t, dsn, "alter table t alter v type text")
	if got, err := get(); err != nil || got != `{"data":[{"id":1,"v":"2"}],"errors":null}` {
		t.Error(got, err)
	}
	pgtest.Exec(t, dsn, "alter table t add u int4")
	if err := db.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, dsn, "alter table t drop u")
	if got, err := get(); err != nil || got != `{"data":[{"id":1,"v":"2"}],"errors":null}` {
		t.Error(got, err)
	}
	before := db.Schema()
	pgtest.Exec(t, dsn, "alter table t add w bool default true")
	if err := db.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := get(); err != nil || got != `{"data":[{"id":1,"v":"2","w":true}],"errors":null}` || db.Schema() == before {
		t.Error(got, err)
	}
	same := db.Schema()
	if err := db.Reload(t.Context()); err != nil || db.Schema() != same {
		t.Errorf("a reload that finds nothing new makes a new Schema: %v", err)
	}
}

// A catalog that can't be told in GraphQL is taken by nobody, however often it is
// read, and /readyz says why; the next that can be told is.
func TestReloadTakesBothSchemasOrNone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table t (id int8 primary key)")
	db := open(t, dsn, nil)
	engine, err := db.GraphQL()
	if err != nil {
		t.Fatal(err)
	}
	site, err := db.Site()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	before, served := db.Schema(), engine.Schema()
	pgtest.Exec(t, dsn, "create table mutation (id int8 primary key)")
	for range 2 {
		if err := db.Reload(t.Context()); backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("Reload = %v, want an error of the configuration", err)
		}
		if db.Schema() != before || engine.Schema() != served {
			t.Error("a half of what can't be served was taken")
		}
	}
	report, err := site.Ready(t.Context())
	if err != nil || len(report.Broken) != 1 || !strings.Contains(report.Broken[0].Reason, "table public.mutation") {
		t.Errorf("Ready = %+v, %v, want it to name the table", report, err)
	}
	pgtest.Exec(t, dsn, "drop table mutation", "create table u (id int8 primary key)")
	if err := db.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if db.Schema() == before || engine.Schema() == served {
		t.Error("a schema that can be served was not taken")
	}
	if report, err := site.Ready(t.Context()); err != nil || len(report.Broken) > 0 {
		t.Errorf("Ready = %+v, %v, want nothing broken", report, err)
	}
}

func TestRunner(t *testing.T) {
	t.Parallel()
	db := open(t, pgtest.Sample(t), nil)
	err := db.Runner().InTx(t.Context(), nil, func(ctx context.Context, r executor.Runner) error {
		n, err := r.Exec(ctx, &builder.Statement{Name: "delete", SQL: "delete from comments where id = $1::int8", Args: []any{"1"}})
		if n != 1 {
			t.Errorf("%d rows", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	for name, c := range map[string]struct {
		dsn    string
		change func(*flags.Settings)
	}{
		"no database":      {"", func(*flags.Settings) {}},
		"bad DSN":          {"postgres://localhost/x?sslmode=nonsense", func(*flags.Settings) {}},
		"unknown backend":  {dsn, func(s *flags.Settings) { s.Backend = "odbc" }},
		"unknown mode":     {dsn, func(s *flags.Settings) { s.PGXExecMode = "carrier pigeon" }},
		"no such database": {strings.Replace(dsn, "fraiseql_test", "fraiseql_none", 1), func(*flags.Settings) {}},
	} {
		s := flags.Default()
		c.change(s)
		db, err := fraiseql.Open(t.Context(), c.dsn, s, fraiseql.WithEnv(noEnv))
		if db != nil || backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fraiseql.Open(ctx, dsn, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}
