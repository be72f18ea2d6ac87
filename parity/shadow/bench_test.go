package shadow_test

import (
	"context"
	"testing"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// BenchmarkSelect is what an operation pays for the decision alone.
func BenchmarkSelect(b *testing.B) {
	dsn := pgtest.DB(b)
	st := read("select id, name, email, created_at from users where id = $1::int8", "1")
	session := &executor.TxOptions{ReadOnly: true, Session: map[string]string{"app.user_id": "42", "search_path": "tenant_1"}}
	for _, c := range []struct {
		name string
		o    []shadow.Option
	}{
		{"off", []shadow.Option{shadow.WithStage(shadow.StageOff)}},
		{"unsampled", []shadow.Option{shadow.WithShare(0)}},
		{"unsampled-floor", []shadow.Option{shadow.WithShare(0), shadow.WithFloor(1)}},
		{"unsampled-subject", []shadow.Option{shadow.WithShare(1e-18), shadow.WithKey("app.user_id")}},
		{"unsampled-flags", []shadow.Option{shadow.WithFlags(flagFunc(nothing))}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := newStage(b, dsn, mode(b, onPGX), mode(b, onPQ), c.o...)
			s.Select(b.Context(), st, session)
			b.ReportAllocs()
			for b.Loop() {
				s.Select(b.Context(), st, session)
			}
		})
	}
}

// BenchmarkRead is a read of 20 rows with the control alone, and with a shadow.
func BenchmarkRead(b *testing.B) {
	dsn := pgtest.DB(b)
	pgtest.Exec(b, dsn, "create table t (id int8 primary key, v text)", "insert into t select i, repeat('v', 40) from generate_series(1, 1000) i", "analyze t")
	st := read("select id, v from t where id <= $1::int8 order by id", "20")
	for _, backends := range directions {
		for _, c := range []struct {
			name string
			o    []shadow.Option
		}{
			{"alone", nil},
			{"off", []shadow.Option{shadow.WithStage(shadow.StageOff)}},
			{"unsampled", []shadow.Option{shadow.WithShare(0)}},
			{"sampled-and-dropped", []shadow.Option{shadow.WithBudget(1e-9)}},
			{"sampled", nil},
		} {
			b.Run(c.name+"/"+backends[0], func(b *testing.B) {
				s := newStage(b, dsn, mode(b, backends[0]), mode(b, backends[1]), c.o...)
				var r executor.Runner = s
				if c.name == "alone" {
					r = s.control
				}
				mustRead(b, r, st)
				b.ReportAllocs()
				for b.Loop() {
					mustRead(b, r, st)
				}
				if m := s.Measures(); m != nil && m.Overhead.Count > 0 {
					b.ReportMetric(m.Overhead.Seconds/float64(m.Overhead.Count)*1e9, "noting-ns/op")
				}
			})
		}
	}
}

func mustRead(b *testing.B, r executor.Runner, st *builder.Statement) {
	rows, err := r.Query(b.Context(), st)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
	}
	if err := rows.Close(); err != nil {
		b.Fatal(err)
	}
}

func nothing(context.Context, shadow.Call, shadow.Decision) (shadow.Decision, error) {
	return shadow.Decision{}, nil
}
