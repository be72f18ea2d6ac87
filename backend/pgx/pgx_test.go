package pgx_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/suite"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, m := range pgx.Modes() {
		b := pgx.New(pgx.WithMode(m))
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			suite.Run(t, b)
		})
	}
}

func TestAllocations(t *testing.T) {
	for _, m := range pgx.Modes() {
		b := pgx.New(pgx.WithMode(m))
		t.Run(backend.ModeOf(b), func(t *testing.T) { suite.Allocations(t, b) })
	}
}
