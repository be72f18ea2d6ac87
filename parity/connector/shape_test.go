package connector_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

// optional are all interfaces that database/sql looks for.
var optional = map[string][]reflect.Type{
	"conn": {
		reflect.TypeFor[driver.Pinger](), reflect.TypeFor[driver.Execer](), reflect.TypeFor[driver.ExecerContext](), //nolint:staticcheck // old drivers have them
		reflect.TypeFor[driver.Queryer](), reflect.TypeFor[driver.QueryerContext](), reflect.TypeFor[driver.ConnPrepareContext](), //nolint:staticcheck // old drivers have them
		reflect.TypeFor[driver.ConnBeginTx](), reflect.TypeFor[driver.SessionResetter](), reflect.TypeFor[driver.Validator](), reflect.TypeFor[driver.NamedValueChecker](),
	},
	"stmt": {
		reflect.TypeFor[driver.StmtExecContext](), reflect.TypeFor[driver.StmtQueryContext](), reflect.TypeFor[driver.NamedValueChecker](),
		reflect.TypeFor[driver.ColumnConverter](), //nolint:staticcheck // old drivers have it
	},
	"rows": {
		reflect.TypeFor[driver.RowsNextResultSet](), reflect.TypeFor[driver.RowsColumnTypeScanType](), reflect.TypeFor[driver.RowsColumnTypeDatabaseTypeName](),
		reflect.TypeFor[driver.RowsColumnTypeLength](), reflect.TypeFor[driver.RowsColumnTypeNullable](), reflect.TypeFor[driver.RowsColumnTypePrecisionScale](),
	},
}

func has(of string, v any) []string {
	var list []string
	for _, i := range optional[of] {
		if reflect.TypeOf(v).Implements(i) {
			list = append(list, i.Name())
		}
	}
	return list
}

// TestInterfaces: no ability of a driver vanishes, and none is invented, for the
// drivers themselves and for the backends of this module.
func TestInterfaces(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	controls := map[string]driver.Connector{"lib/pq": plain(t, "pq", dsn), "pgx stdlib": plain(t, "pgx", dsn)}
	cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all.Modes(codec.HasBinary) {
		if controls[backend.ModeOf(b)], err = b.Connector(cfg); err != nil {
			t.Fatal(err)
		}
	}
	for name, control := range controls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := func(c driver.Connector) map[string][]string {
				conn, err := c.Connect(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				stmt, err := conn.(driver.ConnPrepareContext).PrepareContext(t.Context(), "select 1::int8 as a")
				if err != nil {
					t.Fatal(err)
				}
				defer stmt.Close()
				rows, err := stmt.(driver.StmtQueryContext).QueryContext(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				return map[string][]string{"conn": has("conn", conn), "stmt": has("stmt", stmt), "rows": has("rows", rows)}
			}
			want := seen(control)
			wrapped := connector.New(control, plain(t, "pgx", dsn), parity.NewHarness())
			if wrapped.Driver() != control.Driver() {
				t.Error("another Driver")
			}
			if diff := cmp.Diff(want, seen(wrapped)); diff != "" {
				t.Errorf("-the driver +the connector:\n%s", diff)
			}
			if len(want["conn"]) < 7 {
				t.Errorf("the driver has %v only: the test looks at nothing", want)
			}
			if err := wrapped.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// bare is a driver that has none of the optional interfaces but those that a test
// gives it.
type bare struct{ asked *[]string }

func (b bare) Connect(context.Context) (driver.Conn, error) { return bareConn{b}, nil }
func (b bare) Driver() driver.Driver                        { return nil }

type bareConn struct{ b bare }

func (c bareConn) Prepare(q string) (driver.Stmt, error) {
	*c.b.asked = append(*c.b.asked, "prepare "+q)
	return bareStmt(c), nil
}
func (c bareConn) Close() error              { return nil }
func (c bareConn) Begin() (driver.Tx, error) { *c.b.asked = append(*c.b.asked, "begin"); return c, nil }

func (c bareConn) Commit() error { *c.b.asked = append(*c.b.asked, "commit"); return nil }

func (c bareConn) Rollback() error { *c.b.asked = append(*c.b.asked, "rollback"); return nil }

type bareStmt struct{ b bare }

func (s bareStmt) Close() error  { return nil }
func (s bareStmt) NumInput() int { return 1 }
func (s bareStmt) Exec(v []driver.Value) (driver.Result, error) {
	*s.b.asked = append(*s.b.asked, fmt.Sprintf("exec %T", v[0]))
	return driver.RowsAffected(3), nil
}

func (s bareStmt) Query(v []driver.Value) (driver.Rows, error) {
	*s.b.asked = append(*s.b.asked, fmt.Sprintf("query %T %v", v[0], v[0]))
	return &bareRows{}, nil
}
func (s bareStmt) ColumnConverter(int) driver.ValueConverter { return driver.String }

type bareRows struct{ n int }

func (r *bareRows) Columns() []string { return []string{"a"} }
func (r *bareRows) Close() error      { return nil }
func (r *bareRows) Next(dest []driver.Value) error {
	if r.n++; r.n > 2 {
		return io.EOF
	}
	dest[0] = "x"
	return nil
}

// TestOldDriver: on a driver without any optional interface database/sql behaves
// under the connector as it does on the driver itself, to the texts of its errors.
func TestOldDriver(t *testing.T) {
	t.Parallel()
	use := func(c driver.Connector, asked *[]string) []string {
		*asked = nil
		db := sql.OpenDB(c)
		defer db.Close()
		did := func(what string, v any, err error) { *asked = append(*asked, fmt.Sprintf("%s: %v, %v", what, v, err)) }
		did("ping", nil, db.PingContext(t.Context()))
		res, err := db.ExecContext(t.Context(), "e", 7)
		n, _ := res.RowsAffected()
		did("exec", n, err)
		_, err = db.ExecContext(t.Context(), "e", sql.Named("a", 7))
		did("named", nil, err)
		_, err = db.ExecContext(t.Context(), "e", 1, 2)
		did("count", nil, err)
		_, err = db.ExecContext(t.Context(), "e", make(chan int))
		did("chan", nil, err)
		rows, err := db.QueryContext(t.Context(), "q", []byte("b"))
		did("query", nil, err)
		types, err := rows.ColumnTypes()
		_, length := types[0].Length()
		_, nullable := types[0].Nullable()
		_, _, decimal := types[0].DecimalSize()
		did("types", fmt.Sprint(types[0].DatabaseTypeName(), types[0].ScanType(), length, nullable, decimal), err)
		for rows.Next() {
			did("row", nil, nil)
		}
		did("next set", rows.NextResultSet(), rows.Err())
		for _, o := range []*sql.TxOptions{nil, {ReadOnly: true}, {Isolation: sql.LevelSerializable}} {
			tx, err := db.BeginTx(t.Context(), o)
			did("begin", nil, err)
			if err == nil {
				did("commit", nil, tx.Commit())
			}
		}
		return slices.Clone(*asked)
	}
	var asked []string
	want := use(bare{&asked}, &asked)
	got := use(connector.New(bare{&asked}, bare{new([]string)}, parity.NewHarness()), &asked)
	// The connector looks once at both databases, which this driver has none of.
	got = slices.DeleteFunc(got, func(s string) bool {
		return strings.Contains(s, "pg_catalog") || strings.Contains(s, "runtime error")
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-the driver +the connector:\n%s", diff)
	}
}

// TestRaw: Unwrap reaches the control's own connection, and that is counted.
func TestRaw(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	b := newBench(t, plain(t, "pgx", dsn), plain(t, "pq", dsn))
	conn, err := b.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(v any) error {
		if _, ok := connector.Unwrap(v).(interface{ PgConnVersion() string }); ok {
			return errors.New("an interface that nobody has")
		}
		if got := fmt.Sprintf("%T", connector.Unwrap(v)); got != "*stdlib.Conn" {
			t.Errorf("unwrapped a %s", got)
		}
		if connector.Unwrap(5) != 5 {
			t.Error("5 is not itself")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.last(t); r.Verdict != parity.NotCompared || !strings.Contains(r.Reason, "without the connector") {
		t.Errorf("%+v", r)
	}
}
