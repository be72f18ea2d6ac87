// Package suite holds the tests that the pq and the pgx backend have in common:
// what the seam promises, tried on a real server. Each backend's own test runs it
// for its modes.
package suite

import (
	"context"
	"database/sql"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// Run tries every promise on b, on databases of its own.
func Run(t *testing.T, b backend.Backend) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, backend.Backend)
	}{
		{"wire/values", wireValues},
		{"wire/columns", wireColumns},
		{"wire/large cells", wireLarge},
		{"wire/late error", wireLateError},
		{"wire/close early", wireCloseEarly},
		{"wire/busy", wireBusy},
		{"statements/ddl", statementDDL},
		{"statements/deallocated", statementDeallocated},
		{"statements/bounded", statementBound},
		{"statements/prepared by the caller", statementPrepared},
		{"context/ended before", contextBefore},
		{"context/ends during", contextDuring},
		{"context/ends with rows open in a transaction", contextInTx},
		{"connection/killed idle", killedIdle},
		{"connection/killed running", killedRunning},
		{"connection/killed in a transaction", killedInTx},
		{"tx/options", txOptions},
		{"tx/aborted commit", txAborted},
		{"errors/fields", errorFields},
		{"session/pinned", sessionPinned},
		{"session/pooler", sessionPooler},
		{"session/notices", sessionNotices},
		{"exec/affected", affected},
		{"exec/copy refused", copyRefused},
		{"connect/several hosts", connectHosts},
		{"connect/attributes", connectAttrs},
		{"connect/refused", connectRefused},
		{"connect/tls", connectTLS},
		{"network/answer lost", networkLost},
		{"network/black hole", networkBlackHole},
		{"network/silent server", networkSilent},
		{"network/connection cut before use", networkCutIdle},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, b)
		})
	}
}

// Config is dsn as the backends get it; nothing of the environment counts.
func Config(t testing.TB, dsn string) backend.Config {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Open returns a pool of b for cfg, closed when the test ends.
func Open(t testing.TB, b backend.Backend, cfg backend.Config) *sql.DB {
	t.Helper()
	c, err := b.Connector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// fresh returns a pool of b on a new database, and its DSN.
func fresh(t *testing.T, b backend.Backend) (*sql.DB, string) {
	t.Helper()
	dsn := pgtest.DB(t)
	return Open(t, b, Config(t, dsn)), dsn
}

// hold returns one connection of db.
func hold(t testing.TB, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// exec runs statements that have to work.
func exec(t *testing.T, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, queries ...string,
) {
	t.Helper()
	for _, q := range queries {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// one reads a single text value.
func one(t *testing.T, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, query string, args ...any,
) string {
	t.Helper()
	var v string
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func query(ctx context.Context, b backend.Backend, c *sql.Conn, q string, args ...any) (backend.WireRows, error) {
	return b.(backend.WireQuerier).QueryWire(ctx, c, q, args)
}

// texts reads all rows; NULL is "NULL".
func texts(ctx context.Context, b backend.Backend, c *sql.Conn, q string, args ...any) (out [][]string, err error) {
	rows, err := query(ctx, b, c, q, args...)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]string, len(rows.Values()))
		for i, v := range rows.Values() {
			row[i] = string(v)
			if v == nil {
				row[i] = "NULL"
			}
		}
		out = append(out, row)
	}
	return out, rows.Close()
}

// mode is b's mode.
func mode(b backend.Backend) string { return backend.ModeOf(b) }

// caches reports whether b keeps statements at the server.
func caches(b backend.Backend) bool {
	return mode(b) == "pq/default" || mode(b) == "pgx/cache_statement"
}
