package backendtest_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/backend/backendtest"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func BenchmarkBackends(b *testing.B) {
	for _, m := range all.Modes(codec.HasBinary) {
		b.Run(backend.ModeOf(m), func(b *testing.B) { backendtest.Bench(b, m, pgtest.DB(b)) })
	}
}
