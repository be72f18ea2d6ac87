package shadow_test

import (
	"context"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// TestEveryMode: each wire mode as the control and as the candidate, reads, writes
// and errors.
func TestEveryMode(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create table t (id int8 generated always as identity, f float4, n numeric, ts timestamptz, j jsonb, a int4[], u uuid)")
	for _, b := range all.Modes(codec.HasBinary) {
		other := mode(t, onPQ)
		if b.Name() == "pq" {
			other = mode(t, onPGX)
		}
		for _, pair := range [][2]backend.Backend{{b, other}, {other, b}} {
			t.Run(strings.ReplaceAll(backend.ModeOf(pair[0])+" to "+backend.ModeOf(pair[1]), "/", "-"), func(t *testing.T) {
				t.Parallel()
				s := newStage(t, dsn, pair[0], pair[1])
				mustText(t, s, read(`select 0.1::float4 f, 1.50::numeric n, '2024-01-01 12:00+05:30'::timestamptz ts, '{"a": 1.10}'::jsonb j,
					'{{1,2},{3,null}}'::int4[] a, null::uuid u, '\x00ff'::bytea b, 'NaN'::float8 nan, $1::int8 i`, "9007199254740993"))
				err := s.InTx(t.Context(), nil, func(ctx context.Context, tx executor.Runner) error {
					_, err := text(ctx, tx, write("insert into t (f, n, ts, j, a, u) values ($1::float4, $2::numeric, $3::timestamptz, $4::jsonb, $5::int4[], $6::uuid) returning *",
						"0.1", "1.50", "2024-01-01 12:00:00.123456+05:30", `{"a":9007199254740993}`, "{1,NULL}", "6b1f6b1e-0000-4000-8000-000000000001"))
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := text(t.Context(), s, read("select * from missing")); backend.SQLStateOf(err) != "42P01" {
					t.Error(err)
				}
				for i, r := range s.await(t, 3) {
					if r.Verdict != parity.Equal || r.Reason != "" && r.Operation != "test write" {
						t.Errorf("%d: %+v", i, r)
					}
				}
				if st := s.Status(); st.Stages[shadow.StageShadow].Writes["equal"] != 1 {
					t.Errorf("%+v", st.Stages)
				}
			})
		}
	}
}
