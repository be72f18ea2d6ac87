package pgx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
)

// commitGrace is how long the outcome of a COMMIT that is on its way is waited for
// after the context has ended and the server was told to cancel.
const commitGrace = 5 * time.Second

var errPlain = fmt.Errorf("together: %w", errors.ErrUnsupported)

// QueryTx sends the statement with what is around it, in cache_statement mode on a
// connection of Connector's; anything else is errors.ErrUnsupported.
func (b *Backend) QueryTx(ctx context.Context, sc *sql.Conn, s *backend.TxStatement) (backend.WireRows, error) {
	if err := ctx.Err(); err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	var r *txRows
	err := sc.Raw(func(dc any) (err error) {
		c, ok := dc.(*conn)
		if !ok || !c.cached() {
			return errPlain
		}
		r, err = c.together(ctx, s)
		return err
	})
	if err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	return r, nil
}

// cached says that statements are prepared once and kept.
func (c *conn) cached() bool {
	return c.c.base.DefaultQueryExecMode == jackpgx.QueryExecModeCacheStatement
}

// txRows are the rows of a TxStatement, which may be a statement by itself. Its commands are sent as one piece and are
// told apart by their number: those of Before, the statement itself, COMMIT. After
// an error the server skips the rest (PostgreSQL documentation, "Pipelining").
type txRows struct {
	c       *conn
	ctx     context.Context //nolint:containedctx // rows end with the statement that they belong to
	s       *backend.TxStatement
	cols    []backend.Column
	again   bool            // see piece
	before  int             // commands before the statement in what was sent last
	main    bool            // the statement was sent
	made    *prepared       // the statement where it is prepared in the same piece; see fresh
	parsed  bool            // the server has it
	unread  bool            // its rows came in formats that nobody reads
	stop    func() bool     // ends the watch over ctx; nil: there is none yet. Under conn.watch
	told    chan struct{}   // closed when the server was told to cancel. Under conn.watch
	done    int             // commands that went well
	failed  *pgconn.PgError // of the one after them
	undone  bool            // COMMIT was answered with ROLLBACK
	row     [][]byte
	peeked  bool // row is the first one, read already
	closed  bool
	dropped bool // the connection has to be given up
	err     error
}

var _ backend.WireRows = (*txRows)(nil)

func (c *conn) together(ctx context.Context, s *backend.TxStatement) (*txRows, error) {
	pc := c.Conn.Conn()
	switch {
	case pc.IsClosed(), len(s.Args) > gate.MaxArgs, gate.IsCopy(s.SQL):
		return nil, errPlain
	case s.Commit && !s.ReadOnly && !c.probe.Quiet():
		// The connection may be dead, which is found out by what may be sent twice.
		return nil, errPlain
	}
	return c.piece(ctx, s, false)
}

// piece sends s and reads as far as the first row, so that an early error is told
// here. With again it is tried for the second time: what the server calls stale then
// was not prepared here.
func (c *conn) piece(ctx context.Context, s *backend.TxStatement, again bool) (*txRows, error) {
	if err := c.gate.Enter(); err != nil {
		return nil, err
	}
	c.pieces++
	r := &txRows{c: c, ctx: ctx, s: s, again: again}
	if err := r.start(); err != nil { //nolint:contextcheck // the context is that of r
		r.err = err
		r.end() //nolint:contextcheck // the context is that of r
		return nil, r.err
	}
	return r, nil
}

// start sends everything and reads as far as the first row.
func (r *txRows) start() error {
	c, s := r.c, r.s
	if err := c.dropStale(r.ctx); err != nil {
		return c.explain(r.ctx, err)
	}
	var room [2]*prepared
	before, commit, err := r.around(room[:0])
	if err != nil {
		return err
	}
	main := c.known(s.SQL)
	if main == nil && c.inUTC(s.Before) {
		main = r.fresh()
	}
	if main == nil {
		// It is prepared under the settings of its transaction: the role and the search
		// path decide what its names mean.
		if len(before) > 0 {
			if err := r.alone(before); err != nil {
				return err
			}
			before = nil
		}
		if main, err = c.prepare(r.ctx, s.SQL); err != nil {
			return r.refused(0, err)
		}
	}
	if main.local != nil && !c.inUTC(s.Before) {
		main = main.local
	}
	r.cols = main.cols
	if s.Check != nil {
		if err := s.Check(main.cols); err != nil {
			return err
		}
	}
	if err := r.send(before, main, commit); err != nil {
		return err
	}
	r.peeked = r.advance()
	return r.err
}

// around adds the commands before the statement and gives the one behind it: none where
// the server makes the same transaction of a statement by itself.
func (r *txRows) around(before []*prepared) (_ []*prepared, commit *prepared, err error) {
	c, s := r.c, r.s
	if s.Plain && s.Commit && c.autocommits(r.ctx) {
		return nil, nil, nil
	}
	for i := range s.Before {
		p, err := c.prepare(r.ctx, s.Before[i].SQL)
		if err != nil {
			return nil, nil, r.refused(i, err)
		}
		before = append(before, p)
	}
	if s.Commit {
		if commit, err = c.prepare(r.ctx, "commit"); err != nil {
			return nil, nil, r.refused(len(before)+1, err)
		}
	}
	return before, commit, nil
}

// alone sends what comes before the statement and waits for the answers.
func (r *txRows) alone(before []*prepared) error {
	if err := r.send(before, nil, nil); err != nil {
		return err
	}
	for {
		if _, ready, err := r.receive(); err != nil || ready {
			if err == nil {
				err = r.verdict()
			}
			r.unwatch()
			if err == nil {
				err = r.c.explain(r.ctx, r.ctx.Err())
			}
			return err
		}
	}
}

// send sends the commands and the end of the piece; nil ones are left out.
func (r *txRows) send(before []*prepared, main, commit *prepared) error {
	fe := r.c.Conn.Conn().PgConn().Frontend()
	for i, p := range before {
		r.c.send(p, r.s.Before[i].Args)
	}
	if main != nil {
		if main == r.made {
			r.parse()
		}
		r.c.send(main, r.s.Args)
	}
	if commit != nil {
		r.c.send(commit, nil)
	}
	fe.SendSync(&pgproto3.Sync{})
	r.before, r.main, r.done = len(before), main != nil, 0
	r.watch()
	if err := fe.Flush(); err != nil {
		return r.lost(err)
	}
	return nil
}

// receive reads to the next row of the statement, or to the end of the piece.
func (r *txRows) receive() (row, ready bool, err error) {
	pg := r.c.Conn.Conn().PgConn()
	for {
		msg, err := pg.ReceiveMessage(context.Background()) // watch ends it
		if err != nil {
			return false, false, r.lost(err)
		}
		switch msg := msg.(type) {
		case *pgproto3.ParseComplete:
			r.parsed = true
		case *pgproto3.RowDescription:
			r.described(msg)
		case *pgproto3.DataRow:
			if r.main && r.done == r.before && !r.unread {
				r.row = msg.Values
				return true, false, nil
			}
		case *pgproto3.CommandComplete:
			r.undone = r.done > r.before && string(msg.CommandTag) == "ROLLBACK"
			r.done++
		case *pgproto3.EmptyQueryResponse:
			r.done++
		case *pgproto3.ErrorResponse:
			r.failed = pgconn.ErrorResponseToPgError(msg)
		case *pgproto3.ReadyForQuery:
			return false, true, nil
		case *pgproto3.CopyInResponse, *pgproto3.CopyOutResponse, *pgproto3.CopyBothResponse:
			return false, false, r.lost(gate.ErrCopy)
		}
	}
}

// advance moves to the next row; at the end it lets go of the connection.
func (r *txRows) advance() bool {
	row, _, err := r.receive()
	if row {
		return true
	}
	if err == nil {
		err = r.verdict()
	}
	r.err = err
	r.end()
	return false
}

// verdict is what the server said of the piece, all of which it has answered.
func (r *txRows) verdict() error {
	if r.undone {
		return &backend.Error{
			Op: "commit", Backend: "pgx", SQLState: "25P02", Code: backend.CodeInternal,
			Err: fmt.Errorf("%w: the server rolled back instead", backend.ErrTxAborted),
		}
	}
	r.settle()
	if r.unread {
		return r.blame(fmt.Errorf("%w: a column has another type", backend.ErrStaleStatement))
	}
	if r.failed == nil {
		return nil
	}
	if r.main && r.done == r.before {
		r.c.forget(r.s.SQL, r.failed)
	}
	var err error = r.failed
	if !r.again && r.c.stale(err) {
		r.c.c.epoch.Add(1)
		err = fmt.Errorf("%w: %w", backend.ErrStaleStatement, err)
	}
	return r.blame(r.c.explain(r.ctx, err))
}

// blame says which command met err. What the server says before it has answered
// the statement comes before it looked at COMMIT.
func (r *txRows) blame(err error) error {
	switch b := r.c.c.b; {
	case r.done == 0 && r.before > 0:
		return backend.Wrap(b, "begin", err)
	case r.done < r.before:
		return backend.Wrap(b, "set session", err)
	case r.done == r.before || !r.main:
		return backend.Wrap(b, "query", err)
	case r.s.ReadOnly:
		return backend.Wrap(b, "commit", err)
	default:
		return backend.WrapCommit(b, err)
	}
}

// lost is an error after which the connection is of no use.
func (r *txRows) lost(err error) error {
	r.dropped = true
	var said *pgconn.PgError
	told := errors.As(err, &said)
	err = r.c.explain(r.ctx, err)
	if r.main && r.s.Commit && !r.s.ReadOnly && !told {
		return backend.WrapCommit(r.c.c.b, err)
	}
	return r.blame(err)
}

// refused is an error of preparing command i: nothing that it could do was done.
func (r *txRows) refused(i int, err error) error {
	if pc := r.c.Conn.Conn(); pc.IsClosed() {
		r.dropped = true
	}
	if !r.again && r.c.stale(err) {
		r.c.c.epoch.Add(1)
		err = fmt.Errorf("%w: %w", backend.ErrStaleStatement, err)
	}
	r.before, r.done = len(r.s.Before), i
	return r.blame(r.c.explain(r.ctx, err))
}

// end lets go of the connection.
func (r *txRows) end() {
	if r.closed {
		return
	}
	r.closed = true
	r.unwatch()
	if r.dropped {
		_ = r.c.Conn.Conn().PgConn().Conn().SetDeadline(time.Unix(1, 0)) // nobody waits for the farewell
		_ = r.c.Conn.Conn().Close(context.WithoutCancel(r.ctx))
	}
	if r.c.gate.Leave() {
		_ = r.c.closeNow()
	}
}

// Columns describes the rows.
func (r *txRows) Columns() []backend.Column { return r.cols }

// Values are the current row's cells, in pgx's read buffer.
func (r *txRows) Values() [][]byte { return r.row }

// Err is the error that ended Next.
func (r *txRows) Err() error { return r.err }

// Next moves to the next row.
func (r *txRows) Next() bool {
	if r.peeked {
		r.peeked = false
		return true
	}
	return !r.closed && r.advance()
}

// Close reads to the end, where a COMMIT's outcome is to be known whatever it
// takes; else as far as rows.Close does.
func (r *txRows) Close() error {
	r.peeked = false
	for budget := drainBytes; !r.closed && (budget > 0 || r.s.Commit && !r.s.ReadOnly); {
		if !r.advance() {
			return r.err
		}
		budget -= 7 // what an empty row takes on the wire
		for _, v := range r.row {
			budget -= 4 + len(v)
		}
	}
	if !r.closed {
		r.dropped = true
		told := make(chan struct{})
		go func() { // its end is not waited for
			defer close(told)
			r.cancel()
		}()
		r.c.c.ending.add(told)
		r.end()
	}
	return r.err
}
