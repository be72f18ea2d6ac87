// Package tests holds what crosses packages: the conformance suite on every
// backend and mode, and the ledger of known deviations.
package tests

import (
	"flag"
	"os"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" { // pages of the docs run it as fraiseql
		runCommand()
	}
	// Many cases wait for a server, so more of them than processors can run at the
	// same time; -parallel on the command line still wins.
	if f := flag.Lookup("test.parallel"); f != nil {
		_ = f.Value.Set("8") // a flag of testing's takes a number
	}
	pgtest.Main(m)
}
