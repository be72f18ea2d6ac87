package pgx

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fraiseql/fraiseql-go/backend"
)

// prepared is a statement of one connection that pieces are made of.
type prepared struct {
	name    string
	cols    []backend.Column
	formats []int16
	used    uint64 // the number of the piece that it was last in
}

// known is a statement that was prepared before, or nil.
func (c *conn) known(text string) *prepared {
	p := c.statements[text]
	if p != nil {
		p.used = c.pieces
	}
	return p
}

// prepare finds or makes the statement. pgx's Conn knows it too, by its text, and
// forgets it together with those of its own cache (dropStale).
func (c *conn) prepare(ctx context.Context, text string) (*prepared, error) {
	if p := c.known(text); p != nil {
		return p, nil
	}
	pc := c.Conn.Conn()
	if err := c.makeRoom(ctx); err != nil {
		return nil, err
	}
	for _, old := range c.outdated {
		if err := pc.Deallocate(ctx, old); err != nil {
			return nil, fmt.Errorf("forget a statement: %w", err)
		}
	}
	c.outdated = nil
	sd, err := pc.Prepare(ctx, text, text)
	if err != nil {
		return nil, err
	}
	p := &prepared{used: c.pieces, name: sd.Name, cols: make([]backend.Column, len(sd.Fields)), formats: make([]int16, len(sd.Fields))}
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

// forget makes a statement that met err be prepared anew where that may help: the
// types of its arguments are those that the server chose when it was prepared, and
// a column may have another type since.
func (c *conn) forget(text string, err *pgconn.PgError) {
	if _, ok := c.statements[text]; ok && strings.HasPrefix(err.Code, "42") {
		delete(c.statements, text)
		c.outdated = append(c.outdated, text)
	}
}

// makeRoom forgets the statement that was used longest ago where there are enough,
// unless it is part of the piece that is being made.
func (c *conn) makeRoom(ctx context.Context) error {
	if len(c.statements) < c.c.room {
		return nil
	}
	oldest, used := "", c.pieces
	for text, p := range c.statements {
		if p.used < used {
			oldest, used = text, p.used
		}
	}
	if used == c.pieces {
		return nil
	}
	if err := c.Conn.Conn().Deallocate(ctx, oldest); err != nil {
		return fmt.Errorf("make room for a statement: %w", err)
	}
	delete(c.statements, oldest)
	return nil
}

// send puts Bind and Execute into the buffer. Arguments are as Bind has made them:
// text, or bytes for a bytea.
func (c *conn) send(p *prepared, args []any) {
	fe, b := c.Conn.Conn().PgConn().Frontend(), &c.bind
	if c.text == nil {
		c.text = make([]byte, 0, 256) // never nil, which would make a NULL of ""
	}
	for i, a := range args {
		switch v := a.(type) {
		case string:
			at := len(c.text)
			c.text = append(c.text, v...)
			b.Parameters = append(b.Parameters, c.text[at:len(c.text):len(c.text)])
		case []byte:
			if b.ParameterFormatCodes == nil {
				b.ParameterFormatCodes = make([]int16, len(args))
			}
			b.ParameterFormatCodes[i] = int16(backend.Binary)
			b.Parameters = append(b.Parameters, v)
		default:
			b.Parameters = append(b.Parameters, nil)
		}
	}
	b.PreparedStatement, b.ResultFormatCodes = p.name, p.formats
	fe.SendBind(b)
	fe.SendExecute(&c.execute)
	clear(b.Parameters)
	c.bind = pgproto3.Bind{Parameters: b.Parameters[:0]}
	if c.text = c.text[:0]; cap(c.text) > keepText {
		c.text = nil
	}
}

// keepText bounds the memory that a connection keeps for the text of arguments.
const keepText = 16 << 10
