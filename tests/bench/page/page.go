// Package page keeps what is measured in pages that people write: a page has places,
// each between the lines "<!-- NAME -->" and "<!-- /NAME -->".
package page

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Fill replaces what stands in the places of the page at path. Where there is no such
// file nothing is done; a place that it lacks is an error.
func Fill(path string, places map[string]string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	page := string(text)
	for name, content := range places {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
		before, rest, ok := strings.Cut(page, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return fmt.Errorf("%s: no place for %s: want the lines %q and %q", path, name, strings.TrimSpace(begin), strings.TrimSpace(end))
		}
		page = before + begin + strings.TrimRight(content, "\n") + "\n" + end + after
	}
	return os.WriteFile(path, []byte(page), 0o644)
}
