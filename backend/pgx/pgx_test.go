package pgx_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/suite"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, m := range pgx.Modes() {
		b := pgx.New(pgx.WithMode(m))
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			suite.Run(t, b)
		})
	}
}

func TestAllocations(t *testing.T) {
	for _, m := range pgx.Modes() {
		b := pgx.New(pgx.WithMode(m))
		t.Run(backend.ModeOf(b), func(t *testing.T) { suite.Allocations(t, b) })
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	b := pgx.New()
	for _, v := range []any{nil, "x", []byte("x")} {
		if got, err := b.Bind(v); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v: %#v, %v", v, got, err)
		}
	}
	if got, err := b.Bind([]byte(nil)); got != nil || err != nil {
		t.Errorf("a nil slice: %#v, %v", got, err)
	}
	for _, v := range []any{1, 2.5, true, time.Now(), []string{"x"}, json.RawMessage("1"), sql.NullString{}} {
		if _, err := b.Bind(v); backend.CodeOf(err) != backend.CodeInternal {
			t.Errorf("%T was taken: %v", v, err)
		}
	}
}

// TestBinary asks for binary values of one type and of one that depends on the zone.
func TestBinary(t *testing.T) {
	t.Parallel()
	can := func(oid uint32) bool { return oid == 23 || oid == 1184 }
	dsn := pgtest.DB(t)
	for _, c := range []struct {
		mode pgx.Mode
		zone string
		want []backend.Format
	}{
		{pgx.CacheStatement, "UTC", []backend.Format{backend.Binary, backend.Text, backend.Binary}},
		{pgx.CacheDescribe, "UTC", []backend.Format{backend.Binary, backend.Text, backend.Binary}},
		{pgx.DescribeExec, "Etc/UTC", []backend.Format{backend.Binary, backend.Text, backend.Binary}},
		{pgx.CacheStatement, "Asia/Tokyo", []backend.Format{backend.Binary, backend.Text, backend.Text}},
		{pgx.Exec, "UTC", []backend.Format{backend.Text, backend.Text, backend.Text}},
		{pgx.SimpleProtocol, "UTC", []backend.Format{backend.Text, backend.Text, backend.Text}},
	} {
		b := pgx.New(pgx.WithMode(c.mode), pgx.WithBinary(can))
		cfg := suite.Config(t, dsn)
		cfg.Session = map[string]string{"timezone": c.zone}
		conn, err := suite.Open(t, b, cfg).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := b.QueryWire(t.Context(), conn, "select 7::int4, 7::int8, now()", nil)
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		var got []backend.Format
		for _, col := range rows.Columns() {
			got = append(got, col.Format)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s, %s: formats %v, want %v", c.mode, c.zone, got, c.want)
		}
		if v := rows.Values()[0]; got[0] == backend.Binary && string(v) != "\x00\x00\x00\x07" {
			t.Errorf("%s: %x", c.mode, v)
		}
		if err := errors.Join(rows.Close(), conn.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestAdopted reads wire rows from pools that others opened: pinned, not pinned,
// and another driver's.
func TestAdopted(t *testing.T) {
	t.Parallel()
	b := pgx.New()
	dsn := pgtest.DB(t)
	for _, c := range []struct {
		name, extra string
		want        backend.Code
	}{
		{"pinned", "timezone=UTC&datestyle=ISO,%20MDY&intervalstyle=postgres&client_encoding=UTF8", backend.CodeOK},
		{"not pinned", "timezone=UTC&datestyle=German", backend.CodeConfiguration},
	} {
		sep := "?"
		if strings.Contains(dsn, "?") {
			sep = "&"
		}
		db, err := sql.Open("pgx", dsn+sep+c.extra)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := b.QueryWire(t.Context(), conn, "select $1::text", []any{"x"})
		if backend.CodeOf(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			if !rows.Next() || string(rows.Values()[0]) != "x" {
				t.Error(c.name)
			}
			if err := rows.Close(); err != nil {
				t.Error(err)
			}
			if _, err := b.QueryWire(t.Context(), conn, "select 1/0", nil); backend.SQLStateOf(err) != "22012" {
				t.Error(err)
			}
		}
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	if got := pgx.New().Mode(); got != "cache_statement" {
		t.Error(got)
	}
	cfg := suite.Config(t, "host=h user=u")
	if _, err := pgx.New(pgx.WithMode("fast")).Connector(cfg); backend.CodeOf(err) != backend.CodeConfiguration {
		t.Error(err)
	}
	cfg.Pooler = true
	if _, err := pgx.New().Connector(cfg); err != nil {
		t.Error(err)
	}
}

// TestEnvironment gives pgx's own parser everything to stumble over.
func TestEnvironment(t *testing.T) {
	dsn := pgtest.DB(t)
	for name, value := range map[string]string{
		"PGSERVICE": "nowhere", "PGSERVICEFILE": "/nonexistent", "PGPORT": "x", "PGSSLMODE": "x", "PGSSLROOTCERT": "/nonexistent",
		"PGCONNECT_TIMEOUT": "x", "PGTARGETSESSIONATTRS": "x", "PGMINPROTOCOLVERSION": "9", "PGREQUIREAUTH": "x", "PGCHANNELBINDING": "x",
		"PGTZ": "Asia/Tokyo", "PGOPTIONS": "-c geqo=off", "PGAPPNAME": "other", "PGSSLNEGOTIATION": "x", "PGSSLCERTMODE": "x",
	} {
		t.Setenv(name, value)
	}
	db := suite.Open(t, pgx.New(), suite.Config(t, dsn))
	var zone, geqo string
	if err := db.QueryRowContext(t.Context(), "select current_setting('timezone'), current_setting('geqo')").Scan(&zone, &geqo); err != nil {
		t.Fatal(err)
	}
	if zone != "UTC" || geqo != "on" {
		t.Errorf("timezone %s, geqo %s", zone, geqo)
	}
}

// TestSmallCache: room for a statement is not made by forgetting one that is about
// to be sent along with it.
func TestSmallCache(t *testing.T) {
	t.Parallel()
	b := pgx.New()
	cfg := suite.Config(t, pgtest.DB(t))
	cfg.StatementCacheSize = 2
	conn, err := suite.Open(t, b, cfg).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "create table t (a int4)"); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		rows, err := b.QueryTx(t.Context(), conn, &backend.TxStatement{
			Before:  []backend.Command{{SQL: "begin"}, {SQL: "select set_config('app.a', $1, true)", Args: []any{"x"}}},
			Command: backend.Command{SQL: "insert into t values (" + strconv.Itoa(i%6) + ") returning a"},
			Commit:  true,
		})
		if err == nil {
			err = rows.Close()
		}
		if err != nil {
			t.Fatal(i, err)
		}
	}
	var n, held int
	if err := conn.QueryRowContext(t.Context(), "select count(*), (select count(*) from pg_prepared_statements) from t").Scan(&n, &held); err != nil {
		t.Fatal(err)
	}
	if n != 12 || held > 6 {
		t.Errorf("%d rows, %d statements at the server", n, held)
	}
}
