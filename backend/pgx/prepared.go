package pgx

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fraiseql/fraiseql-go/backend"
)

// prepared is a statement of one connection that together has prepared.
type prepared struct {
	name    string
	cols    []backend.Column
	formats []int16
}

// prepare finds or makes the statement. pgx's Conn knows it too, by its text, and
// forgets it together with those of its own cache (dropStale).
func (c *conn) prepare(ctx context.Context, text string) (*prepared, error) {
	if p := c.statements[text]; p != nil {
		return p, nil
	}
	pc := c.Conn.Conn()
	if len(c.statements) >= max(pc.Config().StatementCacheCapacity, 8) {
		for other := range c.statements { // any: which one matters little
			if err := pc.Deallocate(ctx, other); err != nil {
				return nil, fmt.Errorf("make room for a statement: %w", err)
			}
			delete(c.statements, other)
			break
		}
	}
	sd, err := pc.Prepare(ctx, text, text)
	if err != nil {
		return nil, err
	}
	p := &prepared{name: sd.Name, cols: make([]backend.Column, len(sd.Fields)), formats: make([]int16, len(sd.Fields))}
	for i := range sd.Fields {
		f := &sd.Fields[i]
		p.formats[i] = c.c.formats[f.DataTypeOID]
		p.cols[i] = backend.Column{Name: f.Name, OID: f.DataTypeOID, Format: backend.Format(p.formats[i])}
	}
	if c.statements == nil {
		c.statements = map[string]*prepared{}
	}
	c.statements[text] = p
	return p, nil
}

// send puts Bind and Execute into the buffer. Arguments are as Bind has made them:
// text, or bytes for a bytea.
func (p *prepared) send(fe *pgproto3.Frontend, args []any) {
	var values [][]byte
	var formats []int16
	if len(args) > 0 {
		values = make([][]byte, len(args))
	}
	for i, a := range args {
		switch v := a.(type) {
		case string:
			values[i] = []byte(v)
		case []byte:
			if formats == nil {
				formats = make([]int16, len(args))
			}
			values[i], formats[i] = v, int16(backend.Binary)
		}
	}
	fe.SendBind(&pgproto3.Bind{PreparedStatement: p.name, ParameterFormatCodes: formats, Parameters: values, ResultFormatCodes: p.formats})
	fe.SendExecute(&pgproto3.Execute{})
}
