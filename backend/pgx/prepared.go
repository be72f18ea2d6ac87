package pgx

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fraiseql/fraiseql-go/backend"
)

// prepared is a statement of one connection that pieces are made of.
type prepared struct {
	text    string
	name    string // at the server
	cols    []backend.Column
	formats []int16
	// local is the same statement with the columns as text whose text depends on a
	// TimeZone that is not UTC; nil: it has none.
	local *prepared
	used  uint64        // the number of the piece that it was last in
	at    *list.Element // its place in conn.order
}

// known is a statement that was prepared before, or nil.
func (c *conn) known(text string) *prepared {
	p := c.statements[text]
	if p != nil {
		p.used = c.pieces
		c.order.MoveToFront(p.at)
	}
	return p
}

// prepare finds or makes the statement. What has to go for it goes in the same round
// trip.
func (c *conn) prepare(ctx context.Context, text string) (*prepared, error) {
	if p := c.known(text); p != nil {
		return p, nil
	}
	if err := ctx.Err(); err != nil { // nothing of it may be left in the buffer
		return nil, err
	}
	c.makeRoom()
	name := c.nextName()
	sd, err := c.Conn.Conn().PgConn().Prepare(ctx, name, text, nil)
	if err != nil {
		if e, ok := errors.AsType[*pgconn.PrepareError](err); ok && e.ParseComplete {
			c.outdated = append(c.outdated, name) // it is there, but can't be described
		}
		return nil, err
	}
	cols := make([]backend.Column, len(sd.Fields))
	for i := range sd.Fields {
		cols[i] = backend.Column{Name: sd.Fields[i].Name, OID: sd.Fields[i].DataTypeOID}
	}
	p := &prepared{text: text, name: name}
	c.describedAs(p, cols)
	c.keep(p)
	return p, nil
}

// nextName is that of a statement of a piece. pgx has other names for its own.
func (c *conn) nextName() string {
	c.names++
	return "piece_" + strconv.FormatUint(c.names, 10)
}

// describedAs notes what the server says of p's rows, for other connections too.
func (c *conn) describedAs(p *prepared, cols []backend.Column) {
	p.formats = make([]int16, len(cols))
	for i := range cols {
		p.formats[i] = c.c.formats[cols[i].OID]
		cols[i].Format = backend.Format(p.formats[i])
	}
	p.cols, p.local = cols, localized(p, cols)
	if c.c.formatsOf != nil {
		c.c.formatsOf.Add(p.text, p.formats)
	}
}

// localized is prepared.local.
func localized(p *prepared, cols []backend.Column) *prepared {
	var local *prepared
	for i := range cols {
		if p.formats[i] == int16(backend.Text) || !zoned[cols[i].OID] {
			continue
		}
		if local == nil {
			local = &prepared{text: p.text, name: p.name, cols: slices.Clone(cols), formats: slices.Clone(p.formats)}
		}
		local.cols[i].Format, local.formats[i] = backend.Text, int16(backend.Text)
	}
	return local
}

// inUTC says whether the session's TimeZone is UTC when a statement runs that comes after
// the commands of its piece. The server reports every change of it.
func (c *conn) inUTC(before []backend.Command) bool {
	for i := range before {
		args := before[i].Args
		for k := 0; k+1 < len(args); k += 2 { // of set_config
			if name, ok := args[k].(string); ok && strings.EqualFold(name, "timezone") {
				zone, _ := args[k+1].(string)
				return isUTC(zone)
			}
		}
	}
	zone := c.Conn.Conn().PgConn().ParameterStatus("TimeZone")
	return zone == "UTC" || zone == "" || isUTC(zone)
}

// keep has p used again.
func (c *conn) keep(p *prepared) {
	if c.statements == nil {
		c.statements = map[string]*prepared{}
	}
	p.used, p.at = c.pieces, c.order.PushFront(p)
	c.statements[p.text] = p
}

// drop forgets p on this side.
func (c *conn) drop(p *prepared) {
	delete(c.statements, p.text)
	c.order.Remove(p.at)
}

// dropAll forgets all of them on this side.
func (c *conn) dropAll() {
	clear(c.statements)
	c.order.Init()
	c.outdated = nil
}

// forget makes a statement that met err be prepared anew where that may help: the
// types of its arguments are those that the server chose when it was prepared, and
// a column may have another type since.
func (c *conn) forget(text string, err *pgconn.PgError) {
	if p, ok := c.statements[text]; ok && strings.HasPrefix(err.Code, "42") {
		c.drop(p)
		c.outdated = append(c.outdated, p.name)
	}
}

// makeRoom puts into the buffer what closes outdated statements, and the one that was
// used longest ago where there are enough, unless that is part of the piece that is
// being made. The answers are not waited for by themselves; nobody looks at them.
func (c *conn) makeRoom() {
	fe := c.Conn.Conn().PgConn().Frontend()
	for _, name := range c.outdated {
		fe.SendClose(&pgproto3.Close{ObjectType: 'S', Name: name})
	}
	c.outdated = nil
	if len(c.statements) < c.c.room {
		return
	}
	oldest, ok := c.order.Back().Value.(*prepared)
	if !ok || oldest.used == c.pieces {
		return
	}
	fe.SendClose(&pgproto3.Close{ObjectType: 'S', Name: oldest.name})
	c.drop(oldest)
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
