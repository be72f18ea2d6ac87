package parity_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// TestClassAndCells: a class is the statement without its values, and a difference
// says which cells it is in.
func TestClassAndCells(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `create table t (id int8 primary key, a text)`, `insert into t values (1, 'one'), (2, null)`)
	b := newBench(t, dsn, mode(t, "pq/default"), &liar{
		Backend: mode(t, "pgx/cache_statement"),
		lie: func(_ int, row [][]byte) [][][]byte {
			row[1] = []byte("lie")
			return [][][]byte{row}
		},
	})
	var classes []string
	for _, tc := range []struct{ query, arg string }{
		{"select id, a from t where id = $1::int8", "1"},
		{"select id, a from t where id = $1::int8", "2"},
		{"select id, a from t where id >= $1::int8", "2"},
	} {
		_, _ = drain(b.Query(t.Context(), statement(tc.query, true, tc.arg))) // its error is the mismatch
		classes = append(classes, b.last(t).Class)
	}
	if len(classes[0]) != 16 || classes[0] != classes[1] || classes[1] == classes[2] {
		t.Errorf("classes %v, want the first two the same and the third another", classes)
	}
	want := parity.Cell{Column: "a", Type: "text", Control: parity.Value{Null: true}, Candidate: parity.Value{Text: "lie"}, Server: &parity.Value{Null: true}}
	diffs := b.last(t).Diffs
	if len(diffs) != 1 || cmp.Diff([]parity.Cell{want}, diffs[0].Cells) != "" {
		t.Errorf("differences %+v, want the cell %+v", diffs, want)
	}
	if got := b.last(t).Wrong; got != parity.VoiceCandidate {
		t.Errorf("the server contradicts %q, want the candidate", got)
	}
}
