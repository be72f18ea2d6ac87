package backend

import "context"

// contextError joins a driver's error with the context that brought it about, so
// that errors.Is finds either on every backend.
type contextError struct{ cause, err error }

func (e *contextError) Error() string   { return e.cause.Error() + ": " + e.err.Error() }
func (e *contextError) Unwrap() []error { return []error{e.cause, e.err} }

// WithContext returns err, together with ctx's error where ctx has ended: lib/pq
// answers 57014, pgx the context's error, and a caller wants to ask errors.Is once.
func WithContext(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return &contextError{ctx.Err(), err}
}
