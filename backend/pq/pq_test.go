package pq_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/suite"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, b := range []*pq.Backend{pq.New(), pq.New(pq.WithBinaryParameters(true))} {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			suite.Run(t, b)
		})
	}
}

func TestAllocations(t *testing.T) {
	for _, b := range []*pq.Backend{pq.New(), pq.New(pq.WithBinaryParameters(true))} {
		t.Run(backend.ModeOf(b), func(t *testing.T) { suite.Allocations(t, b) })
	}
}
