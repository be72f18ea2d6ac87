package catalog

import (
	"context"
	"sync/atomic"
)

// Store holds the current Catalog and replaces it as a whole. It is safe for
// concurrent use: readers never wait, and a reader keeps the Catalog that it
// took for as long as it likes.
type Store struct {
	db      Querier
	options []Option
	current atomic.Pointer[Catalog]
	loading chan struct{} // holds one token while a Load runs
}

// OpenStore loads the first Catalog. db and the options serve each Reload too.
func OpenStore(ctx context.Context, db Querier, o ...Option) (*Store, error) {
	s := &Store{db: db, options: o, loading: make(chan struct{}, 1)}
	if err := s.Reload(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Catalog is the current Catalog, never nil.
func (s *Store) Catalog() *Catalog { return s.current.Load() }

// Reload loads a new Catalog and swaps it in. On an error the old one stays.
// Reloads run one after the other, so that a slow old one never replaces a
// newer one; waiting for its turn ends with ctx. Where nothing has changed the
// old pointer stays too.
func (s *Store) Reload(ctx context.Context) error {
	select {
	case s.loading <- struct{}{}:
		defer func() { <-s.loading }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	loaded, err := Load(ctx, s.db, s.options...)
	if err != nil {
		return err
	}
	if old := s.current.Load(); old == nil || old.Version() != loaded.Version() {
		s.current.Store(loaded)
	}
	return nil
}
