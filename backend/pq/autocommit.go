package pq

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	libpq "github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/defaults"
)

var errPlain = fmt.Errorf("together: %w", errors.ErrUnsupported)

// QueryTx sends a write that is its whole transaction by itself, where the server makes
// the same transaction of it, on a connection of Connector's that keeps its prepared
// statements. Anything else is errors.ErrUnsupported: lib/pq can't send without waiting.
func (b *Backend) QueryTx(ctx context.Context, sc *sql.Conn, s *backend.TxStatement) (backend.WireRows, error) {
	if !s.Plain || !s.Commit {
		return nil, errPlain
	}
	if err := ctx.Err(); err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	var r *rows
	err := sc.Raw(func(dc any) (err error) {
		c, ok := dc.(*conn)
		// ResetSession has just looked whether the connection is dead.
		if !ok || c.cache == nil || c.alive() != nil || !c.autocommits(ctx) {
			return errPlain
		}
		r, err = c.wire(ctx, s.SQL, s.Args, s)
		return err
	})
	if err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	return r, nil
}

// autocommits says whether BEGIN and COMMIT around a write need not be sent, which are
// two of its three round trips.
func (c *conn) autocommits(ctx context.Context) bool {
	for name, want := range defaults.Reported {
		if c.x.reported[name] != want {
			return false
		}
	}
	return c.level.Plain(func() (level string, err error) {
		defer c.guard(ctx, true)()
		rows, err := c.inner.QueryContext(context.Background(), defaults.Ask, nil)
		if err != nil {
			return "", err
		}
		dest := make([]driver.Value, 1)
		err = rows.Next(dest)
		level, _ = dest[0].(string)
		return level, errors.Join(err, rows.Close())
	})
}

// blame says what err is the error of. With commit the statement was sent as its whole
// transaction: what the server says before it has completed the statement comes before
// the commit, and without its word nobody knows.
func (c *conn) blame(ctx context.Context, err error, commit bool) error {
	var said *libpq.Error
	told := c.x.fatal == nil && errors.As(err, &said) && said.Severity != pqerror.SeverityFatal && said.Severity != pqerror.SeverityPanic
	err = c.explain(ctx, err)
	if commit && (!told || c.x.completed) {
		return backend.WrapCommit(c.c.b, err)
	}
	return backend.Wrap(c.c.b, "query", err)
}
