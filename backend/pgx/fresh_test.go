package pgx_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/suite"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestKnownElsewhere: a connection runs a read that another one has prepared without
// learning its columns first, and reads them right where they have changed since.
func TestKnownElsewhere(t *testing.T) {
	t.Parallel()
	const int4 = 23
	b := pgx.New(pgx.WithBinary(func(oid uint32) bool { return oid == int4 }))
	for _, tc := range []struct {
		name, change, want string
		inTx               string // what the first read says within a transaction; "": want
	}{
		{"nothing", "select 1", `1 "\x00\x00\x00\x02"`, ""},
		{"to a type that is not read in binary", "alter table t alter column n type text using 'x' || n", `0 "x2"`, "stale"},
		{"from one", "alter table t alter column n type int4 using 7; alter table t alter column m type int4 using 8", `1 "\x00\x00\x00\a"`, ""},
		{"a column more", "alter table t add column c int4 default 3", `1 "\x00\x00\x00\x02"`, "stale"},
		{"gone", "drop table t", "42P01", ""},
	} {
		for _, inside := range []bool{false, true} {
			t.Run(fmt.Sprint(tc.name, ", in a transaction: ", inside), func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.DB(t)
				pgtest.Exec(t, dsn, "create table t (n int4, m text); insert into t values (2, 'two')")
				pool := suite.Open(t, b, suite.Config(t, dsn))
				var conns [2]*sql.Conn
				for i := range conns {
					conn, err := pool.Conn(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					conns[i] = conn
				}
				read := func(c *sql.Conn) string {
					rows, err := b.QueryWire(t.Context(), c, "SELECT * FROM t", nil)
					if err == nil {
						defer rows.Close()
						if rows.Next() {
							return fmt.Sprintf("%d %q", rows.Columns()[0].Format, rows.Values()[0])
						}
						err = rows.Err()
					}
					if backend.Retryable(err) {
						return "stale"
					}
					return backend.SQLStateOf(err)
				}
				if got := read(conns[0]); got != `1 "\x00\x00\x00\x02"` {
					t.Fatal(got)
				}
				pgtest.Exec(t, dsn, tc.change)
				late := conns[1]
				if inside {
					if _, err := late.ExecContext(t.Context(), "begin"); err != nil {
						t.Fatal(err)
					}
					want := tc.want
					if tc.inTx != "" {
						want = tc.inTx
					}
					if got := read(late); got != want {
						t.Errorf("%s, want %s", got, want)
					}
					if _, err := late.ExecContext(t.Context(), "rollback"); err != nil {
						t.Fatal(err)
					}
				}
				var got []string
				for range 3 {
					got = append(got, read(late))
				}
				if !slices.Equal(got, []string{tc.want, tc.want, tc.want}) {
					t.Errorf("%q, want %s", got, tc.want)
				}
				if n := prepared(t, late); n > 2 { // the question itself is one
					t.Errorf("%d statements are at the server", n)
				}
			})
		}
	}
}

func prepared(t *testing.T, c *sql.Conn) (n int) {
	t.Helper()
	if err := c.QueryRowContext(t.Context(), "select count(*) from pg_prepared_statements where statement like '%FROM t%'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
