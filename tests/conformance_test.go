package tests

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/backend/backendtest"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// modes is every shipped backend in every wire mode, asking for binary values
// where the codec can decode them, as the product does.
func modes() []backend.Backend {
	return all.Modes(codec.HasBinary)
}

// TestConformance runs every case on every backend and mode. What fails must
// stand in deviations.txt, and what stands there must fail.
func TestConformance(t *testing.T) {
	t.Parallel()
	ledger := readDeviations(t)
	for _, b := range modes() {
		mode := backend.ModeOf(b)
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			backendtest.Run(t, b, pgtest.DB(t), backendtest.Known(ledger.known(mode)))
		})
	}
}
