// Package notestest is the test of a Store: each step has to pass it.
package notestest

import (
	"errors"
	"testing"

	"github.com/fraiseql/fraiseql-go/examples/migration/notes"
)

// Use uses s as the service does, and says what is wrong.
func Use(t testing.TB, s notes.Store) {
	t.Helper()
	ctx := t.Context()
	id, err := s.Add(ctx, &notes.Note{Title: "first", Tags: []string{"a", `b "quoted", c`}, Meta: []byte(`{"stars": 5}`), Priority: notes.High})
	if err != nil || id != 1 {
		t.Fatalf("Add gave %d, %v", id, err)
	}
	if _, err := s.Add(ctx, &notes.Note{Title: "first", Meta: []byte(`{}`)}); !errors.Is(err, notes.ErrTaken) {
		t.Errorf("a title twice gave %v", err)
	}
	list, err := s.Tagged(ctx, `b "quoted", c`, "z")
	if err != nil || len(list) != 1 || len(list[0].Tags) != 2 || list[0].Tags[1] != `b "quoted", c` || string(list[0].Meta) != `{"stars": 5}` || list[0].Priority != notes.High {
		t.Errorf("Tagged gave %+v, %v", list, err)
	}
	rows, err := s.Export(ctx)
	if err != nil || len(rows) != 1 || rows[0]["title"] != "first" || rows[0]["price"] != "0.00" {
		t.Errorf("Export gave %v, %v", rows, err)
	}
}
