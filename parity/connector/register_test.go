package connector_test

import (
	"bytes"
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

var registered = sync.OnceValue(func() *parity.Harness {
	h := parity.NewHarness()
	connector.Register(h, all.Modes(codec.HasBinary)...)
	return h
})

// TestOpen: code that knows nothing but a driver's name and a DSN.
func TestOpen(t *testing.T) {
	t.Parallel()
	h := registered()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, people)
	for _, names := range [][2]string{{"postgres", "pgx"}, {"pgx", "postgres"}, {"backend:pq/default", "backend:pgx/exec"}, {"backend:pgx", "pgx"}} {
		file := filepath.Join(t.TempDir(), "reports.jsonl")
		q := url.Values{"control": {names[0]}, "candidate": {names[1]}, "url": {dsn}, "mode": {"mirror"}, "file": {file}, "timeout": {"3s"}}
		db, err := sql.Open("fraiseql-parity", "parity:?"+q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		before := h.Summary().Operations
		if rows, err := readAll(t, db, "select name, token from people order by id"); err != nil || len(rows) != 3 {
			t.Errorf("%v, %v", rows, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if n := h.Summary().Operations - before; n != 1 {
			t.Errorf("%d operations, want 1", n)
		}
		data, err := os.ReadFile(file)
		if err != nil || bytes.Count(data, []byte("\n")) != 1 || !strings.Contains(string(data), `"verdict":"equal`) || strings.Contains(string(data), "Ada") {
			t.Errorf("%v: %s, %v", names, data, err)
		}
	}
}

// TestOpenRefuses: a DSN is read strictly, and no error shows a password.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	registered()
	const good = "parity:?control=postgres&candidate=pgx&url=postgres%3A%2F%2Fu%3Asecret%40h%2Fd&mode=mirror"
	for dsn, want := range map[string]string{
		"postgres://u:secret@h/d":                                                  "begins with",
		good + "&mod=mirror":                                                       "is none of",
		good + "&mode=mirror":                                                      "2 times",
		strings.Replace(good, "mode=mirror", "mode=both", 1):                       "mirror or record",
		strings.Replace(good, "mode=mirror", "mode=record&file=x", 1):              "goes with mode=mirror",
		"parity:?control=postgres&url=postgres%3A%2F%2Fu%3Asecret%40h&mode=record": "needs a file",
		strings.Replace(good, "control=postgres", "control=mysql", 1):              `no driver "mysql"`,
		strings.Replace(good, "control=postgres", "control=backend:x", 1):          "no backend",
		strings.Replace(good, "control=postgres", "control=fraiseql-parity", 1):    "no driver",
		strings.Replace(good, "url=postgres", "url=%zz", 1):                        "not escaped",
		strings.Replace(good, "secret%40h", "sec%25zzret%40h", 1):                  "",
		good + "&writes=all":                                                       "it takes skip",
		good + "&types=loose":                                                      "it takes strict",
		good + "&timeout=5":                                                        "a duration",
		good + "&queue=5":                                                          "mode=record",
		good + "&file=/nowhere/x/":                                                 "file",
	} {
		db, err := sql.Open("fraiseql-parity", dsn)
		if err == nil && want == "" {
			err, want = db.PingContext(t.Context()), "refuses the url" // its driver finds out when it connects
		}
		if db != nil {
			_ = db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "zzret") {
			t.Errorf("%s: %v, want %q", dsn, err, want)
		}
	}
}

// memory is a file that tells when it was closed.
type memory struct {
	mu sync.Mutex
	bytes.Buffer
	closed bool
	gate   chan struct{} // while it is open, writing waits
}

func (m *memory) Write(b []byte) (int, error) {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Buffer.Write(b)
}

func (m *memory) Close() error { m.closed = true; return nil }

// TestRecord: what ran is in the corpus, with the transactions and the texts of the
// arguments.
func TestRecord(t *testing.T) {
	t.Parallel()
	for _, d := range []string{"pq", "pgx"} {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, people)
		var file memory
		db := sql.OpenDB(connector.New(plain(t, d, dsn), nil, nil, connector.WithRecord(&file, 0)))
		db.SetMaxOpenConns(1)
		if _, err := readAll(t, db, "select $1::int8, $2::float8, $3::text, $4::timestamptz, $5::bytea, $6::bool, $7::text[], $8::text", 5, 0.1, "it's", time.Date(2020, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 5*3600+1800)), []byte{0, 255}, true, []string{"a", `b"c`}, nil); err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "delete from people"); err == nil {
			t.Error("a read-only transaction writes")
		}
		_ = tx.Rollback()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if !file.closed {
			t.Error("the file is open still")
		}
		lines, err := corpus.ReadAll(&file.Buffer)
		if err != nil || len(lines) != 4 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		var texts []string
		for _, a := range lines[0].Args {
			switch {
			case a.Text != nil:
				texts = append(texts, *a.Text)
			case a.Hex != nil:
				texts = append(texts, `\x`+*a.Hex)
			default:
				texts = append(texts, a.Unknown)
			}
		}
		if got := strings.Join(texts, " | "); got != `5 | 0.1 | it's | 2020-01-02 03:04:05.000006+05:30:00 | \x00ff | true | {"a","b\"c"} | ` {
			t.Errorf("%s: %s", d, got)
		}
		l := lines[0]
		if l.Kind != corpus.KindQuery || l.Outcome != "ok" || *l.Rows != 1 || l.Conn != "1" || l.Tx != 0 || l.Duration <= 0 || l.Args[0].Go != "int" {
			t.Errorf("%+v", l)
		}
		if b := lines[1]; b.Kind != corpus.KindBegin || b.SQL != "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY" || b.Tx == 0 {
			t.Errorf("%+v", b)
		}
		if x := lines[2]; x.Outcome != "25006" || x.Tx != lines[1].Tx || x.Kind != corpus.KindExec {
			t.Errorf("%+v", x)
		}
		if r := lines[3]; r.Kind != corpus.KindRollback || r.Tx != lines[1].Tx {
			t.Errorf("%+v", r)
		}
	}
}

// TestRecordNeverWaits: a file that takes nothing slows nobody, and what was lost is
// counted in it.
func TestRecordNeverWaits(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	file := &memory{gate: make(chan struct{})}
	db := sql.OpenDB(connector.New(plain(t, "pq", dsn), nil, nil, connector.WithRecord(file, 4)))
	long := "select '" + strings.Repeat("x", 70<<10) + "'" // longer than what is buffered
	for range 50 {
		if _, err := db.ExecContext(t.Context(), long); err != nil {
			t.Fatal(err)
		}
	}
	close(file.gate)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	lines, err := corpus.ReadAll(&file.Buffer)
	if err != nil {
		t.Fatal(err)
	}
	var kept, lost int64
	for _, l := range lines {
		if l.SQL != "" {
			kept++
		}
		lost += l.Lost["the queue was full"]
	}
	if kept+lost != 50 || lost < 40 {
		t.Errorf("%d lines kept, %d counted as lost; want 50 together", kept, lost)
	}
}

// TestRecordOfSettings: what a program has set, by its URL and by statements, is in force
// when its record is replayed, on connections that know nothing of it.
func TestRecordOfSettings(t *testing.T) {
	t.Parallel()
	for _, d := range []string{"pq", "pgx"} {
		dsn := pgtest.DB(t)
		pgtest.Exec(t, dsn, "create schema shop", "create table items (id int8, at timestamptz)", "create table shop.items (like items)", "create table shop.lone (id int8)",
			"insert into shop.items select i, '2020-01-01 23:30+00' from generate_series(1, 3) i", "insert into items values (1, '2020-01-01 23:30+00')", "insert into shop.lone values (1)")
		var file memory
		db := sql.OpenDB(connector.New(plain(t, d, dsn+"&search_path=shop"), nil, nil, connector.WithRecord(&file, 0)))
		db.SetMaxOpenConns(1)
		run := func(query string, args ...any) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
				t.Fatal(err)
			}
		}
		count := func(q interface {
			QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		}, query string, want int,
		) {
			t.Helper()
			rows, err := q.QueryContext(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); err != nil || n != want {
				t.Errorf("%s: %d rows, want %d, %v", query, n, want, err)
			}
		}
		count(db, "select id from lone", 1)
		count(db, "select id from items where at::date = '2020-01-01'", 3)
		run("set time zone 'Asia/Tokyo'")
		count(db, "select id from items where at::date = '2020-01-01'", 0)
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "select set_config($1, $2, false)", "search_path", "public"); err != nil {
			t.Fatal(err)
		}
		count(tx, "select id, at from items", 1)
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		count(db, "select id, at from items", 3)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		text := file.String()
		if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, `"search_path":"shop"`) || strings.Count(text, `"settings"`) != 1 {
			t.Errorf("%s: the record says of its session\n%s", d, text)
		}
		for _, pair := range [][2]string{{"pq/default", "pgx/cache_statement"}, {"pgx/simple_protocol", "pq/binary_parameters"}} {
			var rows []int64
			h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
				if r.Verdict != parity.Equal {
					t.Errorf("%s replayed on %v: %s, %s %s %v", d, pair, r.Operation, r.Verdict, r.Reason, r.Diffs)
				}
				rows = append(rows, r.Control.Rows)
			})))
			out, err := corpus.NewReplayer(parity.NewRunner(h, seam(t, pair[0], dsn), seam(t, pair[1], dsn))).Replay(t.Context(), corpus.NewReader(strings.NewReader(text)))
			if want := []int64{1, 3, 0, 2, 3}; err != nil || !slices.Equal(rows, want) || out.Followed != 2 || len(out.Unusable) > 0 {
				t.Errorf("%s replayed on %v: %v rows, want %v; %+v, %v", d, pair, rows, want, out, err)
			}
		}
	}
}

// seam opens a backend of this library in one of its modes.
func seam(t *testing.T, mode, dsn string) *executor.DB {
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
	t.Fatalf("no mode %s", mode)
	return nil
}
