// Package step1 is the service as it is today: database/sql, and lib/pq in the
// code that uses it.
package step1

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/examples/migration/notes"
)

// Store keeps notes with lib/pq.
type Store struct{ DB *sql.DB }

// Open is how the program gets its pool.
func Open(url string) (*sql.DB, error) { return sql.Open("postgres", url) }

// Add implements notes.Store.
func (s Store) Add(ctx context.Context, n *notes.Note) (id int64, err error) {
	err = s.DB.QueryRowContext(ctx,
		`insert into notes (title, tags, meta, priority) values ($1, coalesce($2::text[], '{}'), $3, $4) returning id`,
		n.Title, pq.Array(n.Tags), []byte(n.Meta), n.Priority).Scan(&id)
	var e *pq.Error
	if errors.As(err, &e) && e.Code == "23505" {
		return 0, notes.ErrTaken
	}
	return id, err
}

// Tagged implements notes.Store.
func (s Store) Tagged(ctx context.Context, tags ...string) (list []notes.Note, err error) {
	rows, err := s.DB.QueryContext(ctx,
		`select id, title, tags, meta, priority from notes where tags && $1 order by id`, pq.Array(tags))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n notes.Note
		if err := rows.Scan(&n.ID, &n.Title, pq.Array(&n.Tags), &n.Meta, &n.Priority); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// Export implements notes.Store.
func (s Store) Export(ctx context.Context) (list []map[string]any, err error) {
	rows, err := s.DB.QueryContext(ctx, `select id, title, price from notes order by id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, title, price any
		if err := rows.Scan(&id, &title, &price); err != nil {
			return nil, err
		}
		// lib/pq gives []byte for what it has no Go type for.
		list = append(list, map[string]any{"id": id, "title": title, "price": string(price.([]byte))})
	}
	return list, rows.Err()
}
