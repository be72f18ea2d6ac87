package pgx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
)

var _ backend.Describer = (*Backend)(nil)

// Describe parses query as the unnamed statement, which the next one replaces.
func (b *Backend) Describe(ctx context.Context, sc *sql.Conn, query string) (backend.Description, error) {
	if err := ctx.Err(); err != nil {
		return backend.Description{}, backend.Wrap(b, "describe", err)
	}
	var d backend.Description
	err := sc.Raw(func(dc any) (err error) {
		c, ok := dc.(*conn)
		if !ok {
			return fmt.Errorf("describe on a connection of type %T: %w", dc, errors.ErrUnsupported)
		}
		d, err = c.describe(ctx, query)
		return err
	})
	return d, backend.Wrap(b, "describe", err)
}

func (c *conn) describe(ctx context.Context, query string) (backend.Description, error) {
	if c.Conn.Conn().IsClosed() {
		return backend.Description{}, driver.ErrBadConn
	}
	if gate.IsCopy(query) {
		return backend.Description{}, gate.ErrCopy
	}
	if err := c.ready(); err != nil {
		return backend.Description{}, err
	}
	sd, err := c.Conn.Conn().PgConn().Prepare(ctx, "", query, nil)
	if err != nil {
		return backend.Description{}, c.explain(ctx, err)
	}
	d := backend.Description{Params: sd.ParamOIDs}
	for i := range sd.Fields {
		d.Columns = append(d.Columns, backend.Column{Name: sd.Fields[i].Name, OID: sd.Fields[i].DataTypeOID})
	}
	return d, nil
}
