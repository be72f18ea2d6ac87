package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// Describe has the server parse s under the settings of the transaction, and says
// what it takes and gives. s is not run. Its arguments are not looked at, but for
// their number. Errors are *backend.Error and wrap errors.ErrUnsupported where
// the backend is no backend.Describer.
func (t *Tx) Describe(ctx context.Context, s *builder.Statement) (backend.Description, error) {
	none := backend.Description{}
	d, ok := t.db.backend.(backend.Describer)
	if !ok {
		return none, &backend.Error{
			Op: "describe", Backend: t.db.backend.Name(), Code: backend.CodeConfiguration,
			Err: fmt.Errorf("this backend can't describe statements: %w", errors.ErrUnsupported),
		}
	}
	if err := t.ready("describe"); err != nil {
		return none, err
	}
	ctx, cancel := t.db.deadline(ctx)
	defer cancel()
	if err := t.opened(ctx); err != nil {
		return none, t.fail(err)
	}
	got, err := d.Describe(ctx, t.conn, s.SQL)
	if err != nil {
		return none, t.fail(t.misplaced(backend.Wrap(t.db.backend, "describe", err)))
	}
	if len(got.Params) != len(s.Args) {
		return none, &backend.Error{
			Op: "describe", Backend: t.db.backend.Name(), Code: backend.CodeInternal,
			Err: fmt.Errorf("the statement takes %d parameters and has %d arguments", len(got.Params), len(s.Args)),
		}
	}
	return got, nil
}
