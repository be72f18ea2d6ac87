package pq_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/suite"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, b := range []*pq.Backend{pq.New(), pq.New(pq.WithBinaryParameters(true))} {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			suite.Run(t, b)
		})
	}
}

func TestAllocations(t *testing.T) {
	for _, b := range []*pq.Backend{pq.New(), pq.New(pq.WithBinaryParameters(true))} {
		t.Run(backend.ModeOf(b), func(t *testing.T) { suite.Allocations(t, b) })
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	b := pq.New()
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

// TestForeignConnection refuses a connection that lib/pq opened without us.
func TestForeignConnection(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("postgres", pgtest.DB(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pq.New().QueryWire(t.Context(), conn, "select 1", nil); !errors.Is(err, errors.ErrUnsupported) || backend.CodeOf(err) != backend.CodeConfiguration {
		t.Error(err)
	}
	if err := errors.Join(conn.Close(), db.Close()); err != nil {
		t.Error(err)
	}
}

// TestEnvironment gives lib/pq everything to stumble over.
func TestEnvironment(t *testing.T) {
	dsn := pgtest.DB(t)
	for name, value := range map[string]string{
		"PGSERVICE": "nowhere", "PGPORT": "x", "PGSSLMODE": "x", "PGREQUIREAUTH": "x", "PGTZ": "Asia/Tokyo", "PGOPTIONS": "-c geqo=off",
		"PGDATESTYLE": "German", "PGCLIENTENCODING": "LATIN1", "PGPASSFILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	db := suite.Open(t, pq.New(), suite.Config(t, dsn))
	var zone, geqo string
	if err := db.QueryRowContext(t.Context(), "select current_setting('timezone'), current_setting('geqo')").Scan(&zone, &geqo); err != nil {
		t.Fatal(err)
	}
	if zone != "UTC" || geqo != "on" {
		t.Errorf("timezone %s, geqo %s", zone, geqo)
	}
}
