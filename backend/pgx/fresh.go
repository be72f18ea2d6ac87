package pgx

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fraiseql/fraiseql-go/backend"
)

// A statement that this connection has not prepared takes two round trips: one to
// learn its columns, which say in what formats the rows are asked for, and one to run
// it. Where another connection has prepared a read of the same text its formats are
// known, and both go in one piece. The text may mean something else here: another
// search path, or a table that has changed since. The server describes what it is in
// the same piece, before the rows; a value in a format that can't be read has the read
// repeated.

// fresh is the statement of r to be prepared in its piece; nil: that can't be done.
func (r *txRows) fresh() *prepared {
	c, text := r.c, r.s.SQL
	if r.again || r.s.Check != nil || c.c.formatsOf == nil || len(text) < 7 || !strings.EqualFold(text[:7], "select ") || r.ctx.Err() != nil {
		return nil
	}
	formats, ok := c.c.formatsOf.Get(text)
	if !ok {
		return nil
	}
	r.made = &prepared{text: text, name: c.nextName(), formats: formats}
	return r.made
}

// parse puts Parse and Describe of what is made into the buffer.
func (r *txRows) parse() {
	r.c.makeRoom()
	fe := r.c.Conn.Conn().PgConn().Frontend()
	fe.SendParse(&pgproto3.Parse{Name: r.made.name, Query: r.made.text})
	fe.SendDescribe(&pgproto3.Describe{ObjectType: 'S', Name: r.made.name})
}

// described is told what the rows of the statement are.
func (r *txRows) described(msg *pgproto3.RowDescription) {
	p := r.made
	if p == nil || !r.parsed || p.at != nil {
		return
	}
	sent := p.formats
	cols := make([]backend.Column, len(msg.Fields))
	for i := range msg.Fields {
		cols[i] = backend.Column{Name: string(msg.Fields[i].Name), OID: msg.Fields[i].DataTypeOID}
	}
	r.c.describedAs(p, cols)
	r.c.keep(p)
	if r.cols = cols; slices.Equal(p.formats, sent) {
		return
	}
	r.cols = slices.Clone(cols)
	for i := range r.cols {
		if i < len(sent) { // else the server refuses the formats
			r.unread = r.unread || sent[i] > p.formats[i]
			r.cols[i].Format = backend.Format(sent[i])
		}
	}
}

// settle is for the end of a piece: what the server has and did not describe is of no
// use, and formats that it refused are not sent again.
func (r *txRows) settle() {
	p := r.made
	if p == nil || p.at != nil || r.done < r.before {
		return
	}
	if r.parsed {
		r.c.outdated = append(r.c.outdated, p.name)
	}
	r.c.c.formatsOf.Remove(p.text)
}
