package pq

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
)

// fullRows is what lib/pq's rows can do.
type fullRows interface {
	driver.Rows
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// driverRows are lib/pq's rows, ended by the context that they were asked under.
type driverRows struct {
	fullRows
	ctx     context.Context //nolint:containedctx // driver.Rows.Next is given none
	c       *conn
	release func()
}

func newDriverRows(ctx context.Context, c *conn, r driver.Rows, release func()) driver.Rows {
	return &driverRows{r.(fullRows), ctx, c, release} //nolint:forcetypeassert // lib/pq has one type of rows
}

// Next reads a row.
func (r *driverRows) Next(dest []driver.Value) error {
	err := r.fullRows.Next(dest)
	if errors.Is(err, io.EOF) {
		return err
	}
	return r.c.explain(r.ctx, err)
}

// Close reads to the end of the result.
func (r *driverRows) Close() error {
	err := r.fullRows.Close()
	r.release()
	return r.c.explain(r.ctx, err)
}

// drainBytes is how much of a result Close reads to its end so as to keep the
// connection. Beyond it the connection is given up, which costs less than reading on
// and ends the statement at the server.
const drainBytes = 256 << 10

// QueryWire runs query on conn and returns its rows as the server sent them, all
// in text. A connection that Connector did not open is refused with
// errors.ErrUnsupported: lib/pq does not say what stands behind one.
//
// Close in the middle of a result reads up to 256 KiB more; a result larger than
// that is cut by closing the connection (the server is told to cancel, and rolls
// back a transaction that was open on it).
func (b *Backend) QueryWire(ctx context.Context, sc *sql.Conn, query string, args []any) (backend.WireRows, error) {
	if err := ctx.Err(); err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	var r *rows
	err := sc.Raw(func(dc any) (err error) {
		c, ok := dc.(*conn)
		if !ok {
			return &backend.Error{
				Code: backend.CodeConfiguration,
				Err:  fmt.Errorf("wire rows of a connection of type %T, which Connector did not open: %w", dc, errors.ErrUnsupported),
			}
		}
		r, err = c.wire(ctx, query, args, nil)
		return err
	})
	if err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	return r, nil
}

var errSeveral = errors.New("more than one statement returned rows")

// rows reads one statement's rows past lib/pq.
type rows struct {
	ctx     context.Context //nolint:containedctx // rows end with the statement that they belong to
	c       *conn
	pq      driver.Rows
	cols    []backend.Column
	cells   [][]byte
	release func()
	commit  bool // the end of the rows is a commit
	closed  bool
	err     error
}

// wire sends query. tx (nil: none) is what it is the whole transaction of.
func (c *conn) wire(ctx context.Context, query string, args []any, tx *backend.TxStatement) (*rows, error) {
	if len(args) > gate.MaxArgs {
		return nil, gate.ErrTooManyArgs
	}
	if err := c.gate.Enter(); err != nil {
		return nil, err
	}
	if err := c.alive(); err != nil {
		c.leave()
		return nil, err
	}
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	release := c.guard(ctx, true)
	c.x.capture = true
	var check func(*statement) error
	sent := false
	if tx != nil {
		check = func(s *statement) (err error) {
			if tx.Check != nil {
				err = tx.Check(s.columns)
			}
			sent, c.x.completed = err == nil, false
			return err
		}
	}
	r, cols, err := c.query(ctx, query, named, check)
	if err != nil {
		c.x.capture = false
		release()
		err = c.blame(ctx, err, sent)
		c.leave()
		return nil, err
	}
	return &rows{ctx: ctx, c: c, pq: r, cols: cols, release: release, commit: tx != nil, cells: make([][]byte, 0, len(cols))}, nil
}

// leave gives the connection back to whoever holds it.
func (c *conn) leave() {
	if c.gate.Leave() {
		_ = c.inner.Close()
	}
}

// Columns describes the rows.
func (r *rows) Columns() []backend.Column { return r.cols }

// Values are the current row's cells, in the read buffer.
func (r *rows) Values() [][]byte { return r.cells }

// Err is the error that ended Next.
func (r *rows) Err() error { return r.err }

// Next moves to the next row.
func (r *rows) Next() bool {
	if r.closed {
		return false
	}
	if r.c.broken.Load() && r.ctx.Err() != nil && !r.commit {
		// The context has ended: what the server sent before it heard is not read.
		r.c.abandon()
		r.end(r.ctx.Err())
		return false
	}
	err := r.pq.Next(nil)
	if err == nil {
		var ok bool
		if r.cells, ok = cells(r.cells, r.c.x.row); ok && len(r.cells) == len(r.cols) {
			return true
		}
		r.c.interrupt()
		err = fmt.Errorf("a row of %d bytes does not have the %d columns that were announced", len(r.c.x.row), len(r.cols))
	}
	r.end(err)
	return false
}

// end lets go of the connection; err is what ended the rows.
func (r *rows) end(err error) {
	r.closed, r.cells = true, nil
	if errors.Is(err, io.EOF) && r.pq.(fullRows).HasNextResultSet() { //nolint:forcetypeassert // lib/pq has one type of rows
		// Without arguments and without a cache lib/pq uses the simple protocol,
		// which takes several statements. pgx would drop the second's rows in silence.
		err = errors.Join(errSeveral, r.pq.Close())
	}
	r.release()
	r.c.x.capture = false
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = r.c.blame(r.ctx, err, r.commit)
	}
	r.c.leave()
}

// Close ends the rows; see QueryWire for what it costs in the middle of a result.
func (r *rows) Close() error {
	if r.closed {
		return r.err
	}
	for budget := drainBytes; budget > 0 || r.commit; {
		if !r.Next() {
			return r.err
		}
		budget -= 5 + len(r.c.x.row)
	}
	r.c.abandon()
	go func(c *conn) { _ = c.cancel() }(r.c)
	r.end(r.ctx.Err())
	return r.err
}
