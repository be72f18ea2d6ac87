package server_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
