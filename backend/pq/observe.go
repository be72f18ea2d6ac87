package pq

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
)

var _ backend.SessionObserver = (*Backend)(nil)

// ObserveSession tells what the server said on sc besides its answers.
func (b *Backend) ObserveSession(sc *sql.Conn) (state backend.SessionState, err error) {
	err = sc.Raw(func(dc any) error {
		c, ok := dc.(*conn)
		switch {
		case !ok:
			return &backend.Error{
				Code: backend.CodeConfiguration,
				Err:  fmt.Errorf("a connection of type %T, which Connector did not open: %w", dc, errors.ErrUnsupported),
			}
		case c.gate.Held():
			return gate.ErrBusy
		}
		state.Notices, state.Lost = c.notices.Take()
		state.Transaction = c.x.status
		return nil
	})
	if err != nil {
		return backend.SessionState{}, backend.Wrap(b, "observe session", err)
	}
	return state, nil
}
