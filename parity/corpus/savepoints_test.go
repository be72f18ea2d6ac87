package corpus_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// TestReplaySavepoints: a statement that failed in a savepoint which the program went back
// to spoils nothing of what came after it.
func TestReplaySavepoints(t *testing.T) {
	t.Parallel()
	const one, dup = "insert into t values (1)", `!23505 insert into t values (1)`
	for name, tc := range map[string]struct {
		lines string
		want  string // verdict, rows
		left  string // in t
	}{
		"back once":         {one + "; savepoint a; " + dup + "; rollback to a; insert into t values (2); select n from t", "equal 2", "1 2"},
		"back twice":        {one + "; savepoint a; " + dup + "; rollback to savepoint a; insert into t values (3); " + dup + "; rollback to a; insert into t values (2)", "equal 0", "1 2"},
		"released":          {"savepoint a; " + one + "; release savepoint a; insert into t values (2)", "equal 0", "1 2"},
		"nested":            {one + "; savepoint a; insert into t values (5); savepoint b; " + dup + "; rollback to b; insert into t values (6); release b; rollback to a; insert into t values (2)", "equal 0", "1 2"},
		"outer goes back":   {one + "; savepoint a; savepoint b; " + dup + "; rollback to a; insert into t values (2); select n from t", "equal 2", "1 2"},
		"outer is released": {"savepoint a; savepoint b; " + one + "; release a; insert into t values (2)", "equal 0", "1 2"},
		"one name twice":    {"savepoint a; " + one + "; savepoint a; " + dup + "; rollback to a; release a; insert into t values (2); rollback to a; insert into t values (3)", "equal 0", "3"},
		"left open":         {one + "; savepoint \"A b\"; insert into t values (2)", "equal 0", "1 2"},
		"settings":          {"savepoint a; set local search_path = other; rollback to a; " + one + "; select n from t", "equal 2", "1"},
		"failed otherwise":  {one + "; savepoint a; !22012 insert into t values (1); rollback to a; select n from t", "inconclusive 1", "1"},
		"goes well now":     {"savepoint a; " + dup + "; rollback to a; select n from t", "equal 0", ""},
	} {
		for _, d := range [][2]string{{"pq/default", "pgx/cache_statement"}, {"pgx/exec", "pq/binary_parameters"}} {
			first, second := pgtest.DB(t), pgtest.DB(t)
			for _, dsn := range []string{first, second} {
				pgtest.Exec(t, dsn, "create schema other", "create table t (n int primary key)")
			}
			var seen []string
			h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
				seen = append(seen, fmt.Sprintf("%s %d", r.Verdict, r.Control.Rows))
				if !r.Verdict.Pass() && r.Reason == "" {
					t.Errorf("%s %v: %v", name, d, r.Diffs)
				}
			})))
			lines := []string{`{"v":1,"conn":"1","tx":1,"kind":"begin","outcome":"ok"}`}
			for sql := range strings.SplitSeq(tc.lines, "; ") {
				outcome := "ok"
				if rest, ok := strings.CutPrefix(sql, "!"); ok {
					outcome, sql, _ = strings.Cut(rest, " ")
				}
				lines = append(lines, fmt.Sprintf(`{"v":1,"conn":"1","tx":1,"kind":"exec","sql":%q,"outcome":%q}`, sql, outcome))
			}
			lines = append(lines, `{"v":1,"conn":"1","tx":1,"kind":"commit","outcome":"ok"}`)
			r := parity.NewSeparateRunner(h, openDB(t, d[0], first), openDB(t, d[1], second))
			out, err := corpus.NewReplayer(r).Replay(t.Context(), corpus.NewReader(strings.NewReader(strings.Join(lines, "\n"))))
			if err != nil || len(out.Unusable) > 0 {
				t.Errorf("%s %v: %+v, %v", name, d, out, err)
			}
			if diff := cmp.Diff([]string{tc.want}, seen); diff != "" {
				t.Errorf("%s %v: -want +got:\n%s", name, d, diff)
			}
			for _, dsn := range []string{first, second} {
				var left string
				if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select coalesce(string_agg(n::text, ' ' order by n), '') from t").Scan(&left); err != nil || left != tc.left {
					t.Errorf("%s %v: there is %q left, want %q, %v", name, d, left, tc.left, err)
				}
			}
		}
	}
}
