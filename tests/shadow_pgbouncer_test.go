package tests

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// TestShadowBehindPgBouncer: with a pooler in transaction mode between, each way of a
// migration, in each stage: callers get what they ask for, all is compared, and nothing
// differs.
func TestShadowBehindPgBouncer(t *testing.T) {
	t.Parallel()
	binary := pgbouncer(t)
	modes := map[string]backend.Backend{}
	for _, b := range all.Modes(codec.HasBinary) {
		modes[backend.ModeOf(b)] = b
	}
	for _, way := range [][2]string{
		{"pq/binary_parameters", "pgx/exec"},
		{"pgx/exec", "pq/binary_parameters"},
		{"pq/binary_parameters", "pgx/simple_protocol"},
	} {
		for _, stage := range []shadow.Stage{shadow.StageDescribe, shadow.StageShadow, shadow.StageLive} {
			t.Run(fmt.Sprintf("%s to %s, %v", way[0], way[1], stage), func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.DB(t)
				pgtest.Exec(t, dsn, "create table words (n int8 generated always as identity, word text, at timestamptz default '2024-02-03 04:05:06.7+00')",
					"insert into words (word) select 'word ' || i from generate_series(1, 500) i")
				cfg, err := backend.ParseDSN(dsn, func(string) string { return "" })
				if err != nil {
					t.Fatal(err)
				}
				cfg = startPgBouncer(t, binary, cfg, 6)
				options := []executor.Option{executor.WithMinIdle(0), executor.WithMaxConns(8)}
				db, err := executor.Open(t.Context(), modes[way[0]], cfg, options...)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				s, err := shadow.New(t.Context(), db, shadow.Source{Config: cfg, Candidate: modes[way[1]], Executor: options}, parity.NewHarness(),
					shadow.WithStage(stage), shadow.WithShare(1), shadow.WithQueue(1000), shadow.WithMaxAge(0), shadow.WithDeadline(time.Minute),
					shadow.WithBreaker(shadow.Breaker{CPU: -1, Drops: -1, Slow: -1, Errors: -1}))
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				const callers, each = 6, 20
				var all sync.WaitGroup
				for caller := range callers {
					all.Go(func() {
						for i := range each {
							n := 1 + (caller*each+i)%500
							if got, want := oneWord(t, s, n), fmt.Sprintf("%d:\"word %d\":\"2024-02-03T04:05:06.7+00:00\"", n, n); got != want {
								t.Errorf("%s, want %s", got, want)
							}
						}
						if _, err := s.Exec(t.Context(), &builder.Statement{Name: "insert words", SQL: "insert into words (word) values ($1)", Args: []any{"new"}}); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				const total = callers * (each + 1)
				for end := time.Now().Add(time.Minute); s.Status().Compared < total && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				}
				st := s.Status()
				if st.Compared != total || st.Verdicts["equal"]+st.Verdicts["equal by rule"] != total {
					t.Errorf("%d compared of %d: %v, dropped %v", st.Compared, total, st.Verdicts, st.Dropped)
				}
			})
		}
	}
}

// oneWord reads the row n.
func oneWord(t *testing.T, r executor.Runner, n int) string {
	t.Helper()
	rows, err := r.Query(context.WithoutCancel(t.Context()), &builder.Statement{
		Name: "query words", Effect: builder.Read, Ordered: true, SQL: "select n, word, at from words where n = $1", Args: []any{fmt.Sprint(n)},
		Columns: []builder.Column{
			{Name: "n", Type: codec.Builtin().Type(20)}, {Name: "word", Type: codec.Builtin().Type(25)}, {Name: "at", Type: codec.Builtin().Type(1184)},
		},
	})
	if err != nil {
		t.Error(err)
		return ""
	}
	var got []string
	for row, err := range rows.All() {
		if err != nil {
			t.Error(err)
			return ""
		}
		for i := range 3 {
			cell, err := row.AppendValue(nil, i)
			if err != nil {
				t.Error(err)
			}
			got = append(got, string(cell))
		}
	}
	return strings.Join(got, ":")
}
