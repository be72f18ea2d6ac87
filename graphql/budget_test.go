package graphql_test

import (
	"encoding/json"
	"io"
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// What a request whose plan is in the cache allocates: exact, so that a change which
// makes requests dearer is seen at once, on a machine of any speed.
func TestAllocationBudget(t *testing.T) { //nolint:paralleltest // others' allocations would be counted
	if raced {
		return
	}
	r := &graphql.Request{Query: `query ($id: BigInt!) { user(id: $id) { id name email createdAt } }`, Variables: json.RawMessage(`{"id": 42}`)}
	for _, f := range fixtures(t, pgtest.Sample(t), graphql.Config{}, graphql.EngineOptions{}) {
		most := map[string]float64{"pgx": 21, "pq": 35}[f.backend]
		if most == 0 {
			continue // parity runs everything twice
		}
		prepare := testing.AllocsPerRun(200, func() {
			if _, err := f.engine.Prepare(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		})
		if prepare > 6 {
			t.Errorf("%s: planning takes %v allocations, at most 6", f.backend, prepare)
		}
		whole := testing.AllocsPerRun(200, func() {
			op, err := f.engine.Prepare(t.Context(), r)
			if err == nil {
				err = op.Execute(t.Context(), io.Discard)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		if whole > most {
			t.Errorf("%s: a row by key takes %v allocations, at most %v", f.backend, whole, most)
		}
		t.Logf("%s: %v to plan, %v in all", f.backend, prepare, whole)
	}
}
