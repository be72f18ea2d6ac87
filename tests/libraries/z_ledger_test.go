package libraries

import (
	"flag"
	"strings"
	"testing"
)

// TestLedgerIsCurrent runs last, by its file's name: a row for what does not happen
// any more misleads.
func TestLedgerIsCurrent(t *testing.T) {
	if flag.Lookup("test.run").Value.String() != "" {
		t.Skip("not all tests have run")
	}
	rows, err := ledger()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !r.used && !strings.HasPrefix(r.reason, "sometimes: ") {
			t.Errorf("nothing needs the row %s | %s | %s", r.library, r.operation, r.kind)
		}
	}
}
