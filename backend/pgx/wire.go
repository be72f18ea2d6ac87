package pgx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
)

// drainBytes is how much of a result Close reads to its end so as to keep the
// connection. Beyond it the connection is given up, which costs less than reading on
// and ends the statement at the server.
const drainBytes = 256 << 10

// QueryWire runs query on conn and returns its rows in the driver's own buffers. A
// connection of a pool that pgx itself opened is accepted where its session is
// pinned as far as the server reports it.
//
// Close in the middle of a result reads up to 256 KiB more; a result larger than
// that is cut by closing the connection (the server is told to cancel, and rolls
// back a transaction that was open on it).
func (b *Backend) QueryWire(ctx context.Context, sc *sql.Conn, query string, args []any) (backend.WireRows, error) {
	if err := ctx.Err(); err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	var r backend.WireRows
	err := sc.Raw(func(dc any) (err error) {
		switch c := dc.(type) {
		case *conn:
			r, err = c.wire(ctx, query, args)
		case *stdlib.Conn:
			r, err = b.adopted(ctx, c, query, args)
		default:
			err = &backend.Error{
				Code: backend.CodeConfiguration,
				Err:  fmt.Errorf("wire rows of a connection of type %T, which pgx did not open: %w", dc, errors.ErrUnsupported),
			}
		}
		return err
	})
	if err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	return r, nil
}

// rows reads one statement's rows through pgx.
type rows struct {
	b    *Backend
	ctx  context.Context //nolint:containedctx // rows end with the statement that they belong to
	c    *conn           // nil on an adopted connection
	pg   jackpgx.Rows
	cols []backend.Column
	// peeked says that the first row (or the end) was read already.
	peeked, more bool
	closed       bool
	err          error
}

func (c *conn) wire(ctx context.Context, query string, args []any) (backend.WireRows, error) {
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	if gate.IsCopy(query) {
		return nil, gate.ErrCopy
	}
	if len(args) > gate.MaxArgs {
		return nil, gate.ErrTooManyArgs
	}
	if c.cached() { // pgx's own way does the same with thrice the work
		s := &backend.TxStatement{Command: backend.Command{SQL: query, Args: args}}
		r, err := c.piece(ctx, s, false)
		if errors.Is(err, backend.ErrStaleStatement) && ctx.Err() == nil && c.Conn.Conn().PgConn().TxStatus() == 'I' {
			r, err = c.piece(ctx, s, true) // it did not start, and is prepared anew
		}
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	if err := c.gate.Enter(); err != nil {
		return nil, err
	}
	all := make([]any, 1, len(args)+1)
	if all[0] = c.c.formats; !c.inUTC(nil) {
		all[0] = c.c.local
	}
	all = append(all, args...)
	pg, more, err := c.query(ctx, query, all)
	if err == nil && c.unread(pg) {
		pg.Close()
		c.c.epoch.Add(1)
		switch {
		case c.Conn.Conn().PgConn().TxStatus() != 'I':
			err = fmt.Errorf("%w: a column has another type", backend.ErrStaleStatement)
		case len(query) < 7 || !strings.EqualFold(query[:7], "select "):
			err = errors.New("a column has another type than when the statement was described, and what it returned can't be read; it has run")
		default:
			pg, more, err = c.query(ctx, query, all) // describes it anew
		}
	}
	if err != nil {
		if c.gate.Leave() {
			_ = c.closeNow()
		}
		return nil, c.explain(ctx, err)
	}
	return newRows(ctx, c.c.b, c, pg, more), nil
}

// unread says that a column came in binary that nobody reads so: its statement was
// described before the column had this type, which the server does not mind.
func (c *conn) unread(pg jackpgx.Rows) bool {
	for _, f := range pg.FieldDescriptions() {
		if f.Format != 0 && c.c.formats[f.DataTypeOID] != f.Format {
			return true
		}
	}
	return false
}

// adopted runs query on a connection that pgx opened without us. What the server
// reports of its session has to be what ours would be.
func (b *Backend) adopted(ctx context.Context, sc *stdlib.Conn, query string, args []any) (backend.WireRows, error) {
	pc := sc.Conn()
	if pc.IsClosed() {
		return nil, driver.ErrBadConn
	}
	want := backend.DefaultSession()
	for _, name := range []string{"client_encoding", "DateStyle", "IntervalStyle", "standard_conforming_strings", "TimeZone"} {
		key := map[string]string{"DateStyle": "datestyle", "IntervalStyle": "intervalstyle", "TimeZone": "timezone"}[name]
		if key == "" {
			key = name
		}
		if got := pc.PgConn().ParameterStatus(name); got != want[key] {
			return nil, b.misconfigured(fmt.Errorf("the adopted connection has %s %q, want %q: open it with Connector", name, got, want[key]))
		}
	}
	if gate.IsCopy(query) {
		return nil, gate.ErrCopy
	}
	all := make([]any, 1, len(args)+1)
	all[0] = jackpgx.QueryResultFormatsByOID{}
	pg, more, err := first(ctx, pc, pc.Config().DefaultQueryExecMode, query, append(all, args...))
	if err != nil {
		return nil, (*conn)(nil).explain(ctx, err)
	}
	return newRows(ctx, b, nil, pg, more), nil
}

func newRows(ctx context.Context, b *Backend, c *conn, pg jackpgx.Rows, more bool) *rows {
	fds := pg.FieldDescriptions()
	r := &rows{b: b, ctx: ctx, c: c, pg: pg, peeked: true, more: more, cols: make([]backend.Column, len(fds))}
	for i := range fds {
		r.cols[i] = backend.Column{Name: fds[i].Name, OID: fds[i].DataTypeOID, Format: backend.Format(fds[i].Format)}
	}
	return r
}

// Columns describes the rows.
func (r *rows) Columns() []backend.Column { return r.cols }

// Values are the current row's cells, in pgx's read buffer.
func (r *rows) Values() [][]byte { return r.pg.RawValues() }

// Err is the error that ended Next.
func (r *rows) Err() error { return r.err }

// Next moves to the next row.
func (r *rows) Next() bool {
	if r.closed {
		return false
	}
	more := r.more
	if r.peeked {
		r.peeked = false
	} else {
		more = r.pg.Next()
	}
	if !more {
		r.end()
	}
	return more
}

// end lets go of the connection once pgx is done with it.
func (r *rows) end() {
	if r.closed {
		return
	}
	r.closed = true
	r.pg.Close()
	if err := r.pg.Err(); err != nil && r.err == nil {
		r.err = backend.Wrap(r.b, "query", r.c.explain(r.ctx, err))
	}
	if r.c != nil && r.c.gate.Leave() {
		_ = r.c.closeNow()
	}
}

// Close ends the rows; see QueryWire for what it costs in the middle of a result.
func (r *rows) Close() error {
	if r.closed {
		return r.err
	}
	for budget := drainBytes; budget > 0; {
		if !r.Next() {
			return r.err
		}
		budget -= 7 // what an empty row takes on the wire
		for _, v := range r.pg.RawValues() {
			budget -= 4 + len(v)
		}
	}
	if r.c != nil {
		r.c.interrupt()
	}
	r.end()
	if r.c != nil && r.ctx.Err() == nil {
		r.err = nil // the interruption is ours
	}
	return r.err
}
