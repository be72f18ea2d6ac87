// Package notes is a small service over PostgreSQL. It knows a Store and no driver.
package notes

import (
	"context"
	_ "embed" // the schema
	"encoding/json"
	"errors"
	"net/http"
)

// Schema makes the table.
//
//go:embed schema.sql
var Schema string

// Note is a row.
type Note struct {
	ID       int64           `json:"id"`
	Title    string          `json:"title"`
	Tags     []string        `json:"tags"`
	Meta     json.RawMessage `json:"meta"`
	Priority Priority        `json:"priority"`
}

// Priority of a note.
type Priority int

// The priorities.
const (
	Low Priority = iota
	Normal
	High
)

// String is the priority for people.
func (p Priority) String() string { return [...]string{"low", "normal", "high"}[p] }

// The errors of a Store that callers can do something about.
var (
	ErrTaken    = errors.New("there is a note of this title")
	ErrNotFound = errors.New("there is no such note")
)

// Store keeps notes.
type Store interface {
	// Add returns the new note's id, or ErrTaken.
	Add(ctx context.Context, n *Note) (int64, error)
	// Tagged lists the notes that have any of tags, by id.
	Tagged(ctx context.Context, tags ...string) ([]Note, error)
	// Export is every row, column by column, as the database has it.
	Export(ctx context.Context) ([]map[string]any, error)
}

// Handler serves s: POST /notes, GET /notes?tag=…, GET /export.
func Handler(s Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		var n Note
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id, err := s.Add(r.Context(), &n)
		answer(w, map[string]int64{"id": id}, err)
	})
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		list, err := s.Tagged(r.Context(), r.URL.Query()["tag"]...)
		answer(w, list, err)
	})
	mux.HandleFunc("GET /export", func(w http.ResponseWriter, r *http.Request) {
		rows, err := s.Export(r.Context())
		answer(w, rows, err)
	})
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	switch {
	case errors.Is(err, ErrTaken):
		http.Error(w, err.Error(), http.StatusConflict)
		return
	case err != nil:
		http.Error(w, "the database failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that went away is not told
}
