// Package step3 is the store without a driver in it: what step2 found is gone. It
// works on lib/pq, as before, and is tested on both.
package step3

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"

	"github.com/fraiseql/fraiseql-go/backend"

	"github.com/fraiseql/fraiseql-go/examples/migration/notes"
)

// Store keeps notes with any driver.
type Store struct{ DB *sql.DB }

// Add implements notes.Store.
func (s Store) Add(ctx context.Context, n *notes.Note) (id int64, err error) {
	err = s.DB.QueryRowContext(ctx,
		`insert into notes (title, tags, meta, priority) values ($1, array(select jsonb_array_elements_text($2::jsonb)), $3::jsonb, $4) returning id`,
		n.Title, jsonOf(n.Tags), string(n.Meta), strconv.Itoa(int(n.Priority))).Scan(&id)
	if backend.SQLStateOf(err) == "23505" {
		return 0, notes.ErrTaken
	}
	return id, err
}

// Tagged implements notes.Store.
func (s Store) Tagged(ctx context.Context, wanted ...string) (list []notes.Note, err error) {
	rows, err := s.DB.QueryContext(ctx,
		`select id, title, to_json(tags)::text, meta::text, priority from notes where tags && array(select jsonb_array_elements_text($1::jsonb)) order by id`, jsonOf(wanted))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n notes.Note
		var tags, meta []byte
		if err := rows.Scan(&n.ID, &n.Title, &tags, &meta, &n.Priority); err != nil {
			return nil, err
		}
		n.Meta = meta
		if err := json.Unmarshal(tags, &n.Tags); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// Export implements notes.Store.
func (s Store) Export(ctx context.Context) (list []map[string]any, err error) {
	rows, err := s.DB.QueryContext(ctx, `select id, title, price::text from notes order by id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, title, price any
		if err := rows.Scan(&id, &title, &price); err != nil {
			return nil, err
		}
		list = append(list, map[string]any{"id": id, "title": title, "price": price})
	}
	return list, rows.Err()
}

// jsonOf is a list as an argument: JSON is the same on every driver.
func jsonOf(list []string) string {
	if list == nil {
		return "[]"
	}
	b, _ := json.Marshal(list)
	return string(b)
}
