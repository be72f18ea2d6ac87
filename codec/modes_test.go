package codec_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestEveryMode: through both drivers, in every wire mode and in the formats
// that each mode picks, every value is the server's to_json, and goes back in as
// an argument.
func TestEveryMode(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	s := connectTo(t, dsn, setup...)
	reg, _ := s.registry(codec.Options{})
	types, arrays := map[string]*codec.Type{}, map[string]*codec.Type{}
	for _, v := range allValues {
		oids := s.mustRows(codec.Text, "select oid, typarray from pg_type where oid = $1::regtype", []byte(v.typ))[0]
		types[v.typ], arrays[v.typ] = reg.Type(atoi(t, oids[0])), reg.Type(atoi(t, oids[1]))
	}
	for _, b := range all.Modes(func(oid uint32) bool { return codec.Builtin().Type(oid).HasBinary() }) {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			conn := connection(t, b, dsn)
			binaries := 0
			for _, v := range allValues {
				exprs := make([]string, len(v.values))
				for i, text := range v.values {
					exprs[i] = literal(text, v.typ)
				}
				binaries += throughMode(t, b, conn, types[v.typ], exprs)
				if v.typ != "int2vector" && v.typ != "oidvector" { // see TestValuesInside
					array := "array[" + strings.Join(exprs, ",") + "]::" + v.typ + "[]"
					binaries += throughMode(t, b, conn, arrays[v.typ], []string{array, "'{}'::" + v.typ + "[]"})
				}
			}
			if mode := backend.ModeOf(b); strings.Contains(mode, "cache_") && binaries == 0 {
				t.Errorf("%s gave no binary value: nothing of the binary side was tested", mode)
			}
		})
	}
}

// throughMode compares and says how many values came in binary.
func throughMode(t *testing.T, b backend.Backend, conn *sql.Conn, typ *codec.Type, exprs []string) (binaries int) {
	t.Helper()
	ctx := t.Context()
	wire := b.(backend.WireQuerier)
	query := "select coalesce(to_json(v)::text, 'null'), v from (values (1, " + strings.Join(numbered(exprs), "), (") + ")) x(n, v) order by n"
	rows, err := wire.QueryWire(ctx, conn, query, nil)
	if err != nil {
		t.Errorf("%s: %v", typ, err)
		return 0
	}
	var wants []string
	for rows.Next() {
		values, format := rows.Values(), codec.Format(rows.Columns()[1].Format)
		if format == codec.Binary {
			binaries++
		}
		want := string(values[0])
		if got, err := typ.AppendJSON(nil, values[1], format); err != nil || string(got) != want {
			t.Errorf("%s in format %d: %.300q, %v, want %.300q", typ, format, got, err, want)
		}
		wants = append(wants, want)
	}
	if err := rows.Close(); err != nil {
		t.Errorf("%s: %v", typ, err)
	}
	if e := typ.Elem(); e != nil && e.Kind().Has(codec.KindJSON|codec.KindJSONB) {
		return binaries // a document null among the elements is NULL as an argument
	}
	for _, want := range wants {
		arg, err := typ.Argument([]byte(want))
		if err != nil {
			t.Errorf("%s of %.200q: %v", typ, want, err)
			continue
		}
		bound, err := b.Bind(arg)
		if err != nil || arg == nil {
			continue
		}
		got, err := one(ctx, wire, conn, "select to_json($1::"+typ.SQLName()+")::text", bound)
		if err != nil || got != strings.TrimSpace(want) {
			t.Errorf("%s: argument %.200q came back as %.300q, %v, want %.300q", typ, arg, got, err, want)
		}
	}
	return binaries
}

// one is the only cell that a query gives.
func one(ctx context.Context, wire backend.WireQuerier, conn *sql.Conn, query string, args ...any) (string, error) {
	rows, err := wire.QueryWire(ctx, conn, query, args)
	if err != nil {
		return "", err
	}
	var cell string
	for rows.Next() {
		cell = string(rows.Values()[0])
	}
	return cell, rows.Close()
}

func connection(t *testing.T, b backend.Backend, dsn string) *sql.Conn {
	t.Helper()
	cfg, err := backend.ParseDSN(dsn, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	connector, err := b.Connector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fmt.Sprint(conn.Close(), db.Close()); err != "<nil> <nil>" {
			t.Error(err)
		}
	})
	return conn
}
