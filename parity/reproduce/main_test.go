package reproduce_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func mode(t testing.TB, name string) backend.Backend {
	t.Helper()
	for _, b := range all.Modes(codec.HasBinary) {
		if backend.ModeOf(b) == name {
			return b
		}
	}
	t.Fatalf("no backend %q", name)
	return nil
}

// liar is a backend that changes the values of rows on their way out. lie gets each
// row as text, and gives the row that is seen in its place; nil is none.
type liar struct {
	backend.Backend
	lie func(n int, oids []uint32, row []*string) []*string
	// say, where it is there, gives what is sent in the place of a text argument.
	say func(string) string
}

func (l *liar) Mode() string { return "liar" }

func (l *liar) QueryWire(ctx context.Context, conn *sql.Conn, query string, args []any) (backend.WireRows, error) {
	if l.say != nil && !strings.Contains(query, "pg_catalog.") {
		args = slices.Clone(args)
		for i, a := range args {
			if s, ok := a.(string); ok {
				args[i] = l.say(s)
			}
		}
	}
	rows, err := l.Backend.(backend.WireQuerier).QueryWire(ctx, conn, query, args)
	if err != nil || l.lie == nil || strings.Contains(query, "pg_catalog.") { // the product's own statements are left alone
		return rows, err
	}
	return &lyingRows{WireRows: rows, liar: l}, nil
}

type lyingRows struct {
	backend.WireRows
	liar *liar
	n    int
	row  [][]byte
}

func (r *lyingRows) Next() bool {
	for r.WireRows.Next() {
		r.n++
		var oids []uint32
		var row []*string
		for i, v := range r.WireRows.Values() {
			oids = append(oids, r.WireRows.Columns()[i].OID)
			if v == nil {
				row = append(row, nil)
				continue
			}
			text := string(v)
			row = append(row, &text)
		}
		if row = r.liar.lie(r.n, oids, row); row == nil {
			continue
		}
		r.row = nil
		for _, v := range row {
			if v == nil {
				r.row = append(r.row, nil)
				continue
			}
			r.row = append(r.row, []byte(*v))
		}
		return true
	}
	return false
}

func (r *lyingRows) Values() [][]byte { return r.row }

// changing is a lie about the values of one type.
func changing(oid uint32, change func(string) string) func(int, []uint32, []*string) []*string {
	return func(_ int, oids []uint32, row []*string) []*string {
		for i, v := range row {
			if oids[i] == oid && v != nil {
				is := change(*v)
				row[i] = &is
			}
		}
		return row
	}
}
