package backendtest_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/backend/backendtest"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func binary(oid uint32) bool { return codec.Builtin().Type(oid).HasBinary() }

func TestSuite(t *testing.T) {
	for _, b := range all.Modes(binary) {
		t.Run(backend.ModeOf(b), func(t *testing.T) { backendtest.Run(t, b, pgtest.DB(t)) })
	}
}
