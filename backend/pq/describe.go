package pq

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
)

var _ backend.Describer = (*Backend)(nil)

// Describe prepares query and closes the statement again: lib/pq has no other way
// to ask, and does not tell the types of parameters, which are read on the wire.
func (b *Backend) Describe(ctx context.Context, sc *sql.Conn, query string) (backend.Description, error) {
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
	if err := c.enter(ctx, 0); err != nil {
		return backend.Description{}, err
	}
	if gate.IsCopy(query) {
		return backend.Description{}, gate.ErrCopy
	}
	defer c.guard(ctx, true)()
	c.x.columns, c.x.params, c.x.describing = nil, nil, true
	s, err := c.inner.PrepareContext(context.Background(), query)
	c.x.describing = false
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		return backend.Description{}, c.explain(ctx, err)
	}
	return backend.Description{Params: c.x.params, Columns: c.x.columns}, nil
}

// parseParameters reads a ParameterDescription.
func parseParameters(body []byte) []uint32 {
	if len(body) < 2 {
		return nil
	}
	oids := make([]uint32, 0, binary.BigEndian.Uint16(body))
	for body = body[2:]; len(body) >= 4 && len(oids) < cap(oids); body = body[4:] {
		oids = append(oids, binary.BigEndian.Uint32(body))
	}
	return oids
}
