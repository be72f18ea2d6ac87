package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.md")
	if err := Fill(path, map[string]string{"a": "x"}); err != nil {
		t.Fatalf("no page: %v", err)
	}
	if err := os.WriteFile(path, []byte("# A\n\n<!-- a -->\nold\n<!-- /a -->\n\nMine.\n<!-- b -->\n<!-- /b -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time finds what the first has left
		if err := Fill(path, map[string]string{"a": "new\n\n", "b": "also"}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "# A\n\n<!-- a -->\nnew\n<!-- /a -->\n\nMine.\n<!-- b -->\nalso\n<!-- /b -->\n"; string(text) != want {
		t.Errorf("%s", text)
	}
	if err := Fill(path, map[string]string{"c": ""}); err == nil || !strings.Contains(err.Error(), "no place for c") {
		t.Errorf("a place that is missing: %v", err)
	}
}
