package corpus_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "github.com/lib/pq"              // the driver "postgres"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestReader: old lines stay readable, new ones are read strictly.
func TestReader(t *testing.T) {
	t.Parallel()
	lines, err := corpus.ReadAll(strings.NewReader("# note\n\n" + `{"operation":"query","table":"users"}
{"title":"all","definition":{"table":"users"}}
{"v":1,"time":"2026-11-26T07:00:00Z","conn":"3","kind":"query","sql":"select $1","args":[{"go":"int64","text":"5"},{}]}
{"v":1,"lost":{"why":3}}`))
	if err != nil || len(lines) != 4 || lines[0].Title != "line 3" || lines[1].Title != "all" || string(lines[1].Definition) != `{"table":"users"}` || *lines[2].Args[0].Text != "5" || lines[3].Lost["why"] != 3 || lines[3].Number != 6 {
		t.Errorf("%+v, %v", lines, err)
	}
	for line, want := range map[string]string{
		`x`:                                "is not a JSON object",
		`[1]`:                              "is not a JSON object",
		`{"v":2,"sql":"select 1"}`:         "version 2",
		`{"v":1}`:                          "one of them",
		`{"v":1,"sql":"x","lost":{"a":1}}`: "one of them",
		`{"v":1,"sql":"x","query":"x"}`:    "unknown field",
		`{"v":1,"sql":"x","kind":"odd"}`:   "is none",
		`{"v":1,"sql":"x","args":[{"hex":"zz"}]}`:         "argument 1",
		`{"v":1,"sql":"x","args":[{"hex":"","text":""}]}`: "more than one",
		`{"v":1,"kind":"begin","args":[{}]}`:              "without SQL",
		`{"v":1,"sql":"x","settings":{"a b":"c"}}`:        "run-time parameter",
		`{"v":1,"lost":{"a":1},"settings":{"a":"c"}}`:     "settings go with",
	} {
		if _, err := corpus.ReadAll(strings.NewReader("# first\n" + line)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	var b bytes.Buffer
	w := corpus.NewWriter(&b)
	text := "a<b>\xff"
	in := corpus.Line{Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("x", 3600)), SQL: "select '<>'", Args: []corpus.Arg{corpus.TextArg("ü"), corpus.TextArg(text), corpus.BytesArg([]byte{0}), {}}}
	if err := errors.Join(w.Write(in), w.Flush()); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(corpus.Line{SQL: "\xff"}); err == nil {
		t.Error("SQL that is not UTF-8 was written")
	}
	out, err := corpus.ReadAll(&b)
	if err != nil || len(out) != 1 || !out[0].Time.Equal(in.Time) {
		t.Fatalf("%+v, %v", out, err)
	}
	var values []any
	for _, a := range out[0].Args {
		v, err := a.Value()
		if err != nil {
			t.Error(err)
		}
		values = append(values, v)
	}
	if diff := cmp.Diff([]any{"ü", text, []byte{0}, nil}, values); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// application is what runs while the server logs.
func application(t *testing.T, driver, dsn string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	do := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, query, args...); err != nil {
			t.Fatal(err)
		}
	}
	do("create table if not exists notes (id int primary key, body text, at timestamptz)")
	do("insert into notes values ($1, $2, $3)", 1, "it's\ta\nnote, $2 = 'x'", time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
	do("insert into notes\n  values ($1, $2, $3)", 2, nil, nil)
	var n int
	if err := db.QueryRowContext(ctx, "select count(*) from notes where id < $1 -- all", 10).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "delete from notes where id = $1", 2); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "insert into notes values (1)"); err == nil {
		t.Error("a duplicate key")
	}
	do("set application_name = 'x'")
	do("listen here")
	do("drop table notes")
}

// TestImportLog runs both drivers under each way to log, and imports what the server
// wrote in each format.
func TestImportLog(t *testing.T) {
	t.Parallel()
	const prefix = "%m [%p] %q%u@%d %e "
	for name, settings := range map[string][2]string{"log_statement": {"all", "-1"}, "log_min_duration_statement": {"none", "0"}, "both": {"all", "0"}} {
		for _, driver := range []string{"postgres", "pgx"} {
			t.Run(name+" "+driver, func(t *testing.T) {
				t.Parallel()
				s := pgtest.Dedicated(t, pgembed.WithSetting("log_statement", settings[0]), pgembed.WithSetting("log_min_duration_statement", settings[1]), pgembed.WithSetting("log_line_prefix", prefix),
					pgembed.WithSetting("logging_collector", "on"), pgembed.WithSetting("log_destination", "stderr,csvlog,jsonlog"), pgembed.WithSetting("log_directory", "logs"), pgembed.WithSetting("log_filename", "all.log"))
				application(t, driver, s.DSN("postgres"))
				for format, ending := range map[corpus.Format]string{corpus.FormatStderr: "log", corpus.FormatCSV: "csv", corpus.FormatJSON: "json"} {
					got, stats := importUntil(t, filepath.Join(s.Dir(), "*", "logs", "all."+ending), corpus.Log{Format: format, Prefix: prefix, Database: "postgres"})
					want := []string{
						"exec create table if not exists notes (id int primary key, body text, at timestamptz)",
						"exec insert into notes values ($1, $2, $3) | 1 | it's\ta\nnote, $2 = 'x' | 2020-01-02 03:04:05+00",
						"exec insert into notes\n  values ($1, $2, $3) | 2 | NULL | NULL",
						"query select count(*) from notes where id < $1 -- all | 10",
						"begin", "exec delete from notes where id = $1 | 2 in tx", "rollback",
						"exec insert into notes values (1) failed",
						"exec set application_name = 'x'",
						"exec drop table notes",
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s: -want +got:\n%s", format, diff)
					}
					if stats.Lines != int64(len(want)) || stats.Unusable["LISTEN is bound to a connection"] != 1 || stats.Unusable["an empty statement, such as a ping"] > 1 || len(stats.Unusable) > 2 {
						t.Errorf("%s: %+v", format, stats)
					}
				}
			})
		}
	}
}

// importUntil imports the log that the collector writes, until the last statement is
// in it.
func importUntil(t *testing.T, pattern string, l corpus.Log) (got []string, stats corpus.Imported) {
	t.Helper()
	for wait := time.Now(); time.Since(wait) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) != 1 {
			if files, _ = filepath.Glob(strings.Replace(pattern, "/*/", "/", 1)); len(files) != 1 {
				continue
			}
		}
		data, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		stats, err = corpus.ImportLog(bytes.NewReader(data), l, func(l corpus.Line) error {
			got = append(got, brief(l))
			if l.Time.IsZero() || l.Conn == "" {
				t.Errorf("%+v", l)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > 0 && strings.Contains(got[len(got)-1], "drop table") {
			return got, stats
		}
	}
	t.Fatalf("the log %s has no last statement: %v", pattern, got)
	return nil, stats
}

func brief(l corpus.Line) string {
	s := string(l.Kind)
	if l.Kind == corpus.KindExec || l.Kind == corpus.KindQuery {
		s += " " + l.SQL
		for _, a := range l.Args {
			if a.Text == nil {
				s += " | NULL"
			} else {
				s += " | " + *a.Text
			}
		}
		if l.Tx != 0 {
			s += " in tx"
		}
	}
	if l.Outcome != "" && l.Outcome != "ok" {
		s += " failed"
	}
	return s
}

// TestImportLogRefuses what can't be told apart.
func TestImportLogRefuses(t *testing.T) {
	t.Parallel()
	none := func(corpus.Line) error { return nil }
	for prefix, want := range map[string]string{"%m ": "neither", "%p %": "ends in", "%p %Z": "not known"} {
		if _, err := corpus.ImportLog(strings.NewReader(""), corpus.Log{Format: corpus.FormatStderr, Prefix: prefix}, none); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	if _, err := corpus.ImportLog(strings.NewReader(""), corpus.Log{Format: "syslog"}, none); err == nil {
		t.Error("syslog was taken")
	}
	stats, err := corpus.ImportLog(strings.NewReader("[1] LOG:  statement: copy t from stdin\n[1] LOG:  execute <unnamed>: select $1\n[1] LOG:  execute a/b: select $1\n[1] DETAIL:  parameters: $1 = 'x\n"+
		"[1] ERROR:  no\n[1] STATEMENT:  select $1::int\n[1] LOG:  fastpath function call: \"f\" (OID 1)\n[1] LOG:  execute fetch from p: select 1\nnoise\n[1] LOG:  statement: fetch c\n"),
		corpus.Log{Format: corpus.FormatStderr, Prefix: "[%p] "}, none)
	if err != nil || stats.Lines != 0 || len(stats.Unusable) != 8 {
		t.Errorf("%+v, %v: want 8 reasons", stats, err)
	}
}

// TestStatStatements: what the extension knows can be described on both drivers.
func TestStatStatements(t *testing.T) {
	t.Parallel()
	s := pgtest.Dedicated(t, pgembed.WithSetting("shared_preload_libraries", "pg_stat_statements"))
	dsn := s.DSN("postgres")
	pgtest.Exec(t, dsn, "create extension pg_stat_statements")
	for _, driver := range []string{"postgres", "pgx"} {
		application(t, driver, dsn)
	}
	pgtest.Exec(t, dsn, "create table notes (id int primary key, body text, at timestamptz)")
	control, candidate := openPool(t, "postgres", dsn), openPool(t, "pgx", dsn)
	var b bytes.Buffer
	w := corpus.NewWriter(&b)
	stats, err := corpus.ImportStatStatements(t.Context(), control, w.Write)
	if err = errors.Join(err, w.Flush()); err != nil || stats.Lines < 4 || len(stats.Unusable) == 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
	h := parity.NewHarness()
	out, err := corpus.NewReplayer(nil, corpus.WithDescribe(func(ctx context.Context, l corpus.Line) error {
		return corpus.Describe(ctx, h, control, candidate, l)
	})).Replay(t.Context(), corpus.NewReader(&b))
	if err != nil || out.Ran != stats.Lines || out.Mismatches != 0 || !h.Summary().Passed() {
		t.Errorf("%+v, %v, %+v", out, err, h.Summary())
	}
}

func openPool(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestReplay runs raw lines, transactions and definitions on both backends.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, d := range [][2]string{{"pq/default", "pgx/cache_statement"}, {"pgx/exec", "pq/default"}} {
		dsn := pgtest.Sample(t)
		pgtest.Exec(t, dsn, "create table notes (id int generated always as identity primary key, body text, data bytea)", "create sequence s")
		control, candidate := openDB(t, d[0], dsn), openDB(t, d[1], dsn)
		cat, err := catalog.Load(t.Context(), control.Pool())
		if err != nil {
			t.Fatal(err)
		}
		schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var seen []parity.Report
		h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) { seen = append(seen, r) })))
		const file = `{"operation":"query","table":"users","pagination":{"limit":2}}
{"v":1,"conn":"1","kind":"query","sql":"select id, name from users where id <= $1 order by id","args":[{"go":"int","text":"3"}]}
{"v":1,"conn":"1","kind":"query","sql":"select nextval('s')"}
{"v":1,"conn":"1","tx":4,"kind":"begin"}
{"v":1,"conn":"2","kind":"exec","sql":"insert into notes (body, data) values ($1, $2)","args":[{"text":"two"},{"hex":"00ff"}]}
{"v":1,"conn":"1","tx":4,"kind":"exec","sql":"insert into notes (body) values ($1)","args":[{"text":"one"}]}
{"v":1,"conn":"1","tx":4,"kind":"query","sql":"select body from notes order by id"}
{"v":1,"conn":"1","tx":4,"kind":"commit"}
{"v":1,"conn":"1","tx":5,"kind":"begin"}
{"v":1,"conn":"1","tx":5,"kind":"exec","sql":"delete from notes"}
{"v":1,"conn":"1","tx":5,"kind":"rollback"}
{"v":1,"conn":"1","kind":"exec","sql":"insert into nowhere values (1)","outcome":"42P01"}
{"v":1,"conn":"1","kind":"exec","sql":"set search_path = x"}
{"v":1,"conn":"1","kind":"query","sql":"select $1","args":[{"go":"T","unknown":"no text"}]}
{"v":1,"lost":{"the queue was full":2}}
{"v":1,"conn":"1","tx":6,"kind":"begin"}
`
		out, err := corpus.NewReplayer(parity.NewRunner(h, control, candidate), corpus.WithSchema(schema)).Replay(t.Context(), corpus.NewReader(strings.NewReader(file)))
		if err != nil {
			t.Fatal(err)
		}
		want := corpus.Replayed{Lines: 15, Ran: 12, Failed: 1, Followed: 1, Lost: map[string]int64{"the queue was full": 2}, Unusable: map[string]int64{
			"an argument whose value was not captured": 1, "its transaction has no end in the source": 1,
		}}
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, r := range seen {
			// A Runner gives both sides numbers of one sequence: nextval is noise.
			if !r.Verdict.Pass() && r.Verdict != parity.Noise {
				t.Errorf("%s: %v, %s, %v", r.Operation, r.Verdict, r.Reason, r.Diffs)
			}
		}
		var notes string
		if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select string_agg(body || coalesce(data::text, ''), ' ' order by body) from notes").Scan(&notes); err != nil || notes != `one two\x00ff` {
			t.Errorf("notes %q, %v", notes, err)
		}
	}
}

// TestReplayDescribes: what may write is described, in and out of transactions, and a
// function whose text does not show that it writes; none of it runs.
func TestReplayDescribes(t *testing.T) {
	t.Parallel()
	for _, d := range [][2]string{{"pq/default", "pgx/cache_statement"}, {"pgx/exec", "pq/default"}} {
		dsn := pgtest.Sample(t)
		pgtest.Exec(t, dsn, "create table notes (id int, body text)", "create sequence s")
		control, candidate := openDB(t, d[0], dsn), openDB(t, d[1], dsn)
		var reasons []string
		h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
			reasons = append(reasons, r.Verdict.String()+" "+r.Reason)
		})))
		r := parity.NewRunner(h, control, candidate)
		const file = `{"v":1,"conn":"1","kind":"query","sql":"select id from users where id = $1","args":[{"text":"3"}]}
{"v":1,"conn":"1","kind":"exec","sql":"insert into notes values ($1, $2)","args":[{"text":"1"},{"text":"x"}]}
{"v":1,"conn":"1","kind":"query","sql":"select nextval('s')"}
{"v":1,"conn":"1","tx":1,"kind":"begin","sql":"begin"}
{"v":1,"conn":"1","tx":1,"kind":"exec","sql":"create table later (id int)"}
{"v":1,"conn":"1","tx":1,"kind":"exec","sql":"insert into later values (1)"}
{"v":1,"conn":"1","tx":1,"kind":"query","sql":"select count(*) from notes"}
{"v":1,"conn":"1","tx":1,"kind":"commit","sql":"commit"}
`
		out, err := corpus.NewReplayer(r, corpus.WithDescribedWrites(r.DescribeTx)).Replay(t.Context(), corpus.NewReader(strings.NewReader(file)))
		if err != nil || out.Mismatches != 0 || len(out.Unusable) != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		const described = "equal described, not executed"
		// The second is the read that the server has refused in a read-only transaction.
		want := []string{"equal ", described, "equal ", described, described, "not compared both refuse to describe it (42P01)", described}
		if diff := cmp.Diff(want, reasons); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		var left string
		if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select (select count(*) from notes) || ' ' || (select is_called from s) || ' ' || (to_regclass('later') is null)").Scan(&left); err != nil || left != "0 false true" {
			t.Errorf("left %q, %v", left, err)
		}
	}
}

func openDB(t *testing.T, mode, dsn string) *executor.DB {
	t.Helper()
	for _, b := range all.Modes(codec.HasBinary) {
		if backend.ModeOf(b) != mode {
			continue
		}
		cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		db, err := executor.Open(t.Context(), b, cfg, executor.WithMinIdle(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	t.Fatal(fmt.Sprint("no mode ", mode))
	return nil
}
