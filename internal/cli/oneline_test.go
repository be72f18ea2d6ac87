package cli

import (
	"bytes"
	"testing"
)

// A json column that was stored with line breaks stays on the line of its answer.
func TestOneLine(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	in := []byte("{\"j\":{\"a\":\r\n\"b\\n\"}}")
	n, err := oneLine{&w}.Write(in)
	if err != nil || n != len(in) {
		t.Fatal(n, err)
	}
	if got, want := w.String(), "{\"j\":{\"a\":  \"b\\n\"}}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if bytes.IndexByte(in, '\r') < 0 {
		t.Errorf("the argument was changed: %q", in)
	}
}
