package executor

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// DB runs Statements on one backend. It is a Runner and safe for concurrent use.
// Make one with Open or Adopt.
type DB struct {
	backend  backend.Backend
	wire     backend.WireQuerier // nil: rows come through database/sql
	together backend.TxQuerier   // nil: BEGIN, statements and COMMIT go one by one
	pool     *sql.DB
	queue    *queue // nil: who waits is the pool's own affair
	owned    bool
	opt      options
	settings session // set in each transaction; reads need one then too
}

var _ Runner = (*DB)(nil)

// Open makes a pool of connections to cfg and pings it once, so that a wrong
// password or host shows now. Close it. Errors are *backend.Error.
func Open(ctx context.Context, b backend.Backend, cfg backend.Config, o ...Option) (*DB, error) {
	if b == nil {
		return nil, backend.New("open", backend.CodeBadUserInput, errors.New("no backend: want pq.New(), pgx.New() or another"))
	}
	connector, err := b.Connector(cfg)
	if err != nil {
		return nil, backend.Wrap(b, "open", err)
	}
	norm, err := cfg.Normalize()
	if err != nil {
		return nil, backend.Wrap(b, "open", err)
	}
	db := Adopt(b, nil, o...)
	if db.opt.connected != nil {
		connector = asked{connector, db.opt.connected}
	}
	db.pool, db.owned = sql.OpenDB(connector), true
	db.queue = newQueue(db.opt.maxConns, db.opt.maxWaiting)
	db.settings.add(norm.TransactionSettings())
	db.pool.SetMaxOpenConns(db.opt.maxConns)
	// database/sql knows a largest number of idle connections only. A smaller one
	// than MaxOpenConns would log in again and again under load.
	db.pool.SetMaxIdleConns(db.opt.maxConns)
	db.pool.SetConnMaxIdleTime(db.opt.idleTimeout)
	db.pool.SetConnMaxLifetime(db.opt.lifetime)
	err = pooler(db.warm(ctx))
	if err == nil {
		err = db.verify(ctx, norm)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// asked is a connector whose connections somebody is asked about.
type asked struct {
	driver.Connector
	about func(context.Context, driver.Conn) error
}

// Connect implements driver.Connector.
func (a asked) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := a.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.about(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Adopt runs Statements on the caller's pool, whose connections must come from
// b's Connector (or behave like it). Close leaves the pool open. Nothing is sent. Who
// waits for a connection waits in the pool, in no order and without a bound on how
// many: its size is the caller's, who may use it for other things too.
func Adopt(b backend.Backend, pool *sql.DB, o ...Option) *DB {
	db := &DB{backend: b, pool: pool, opt: defaults()}
	for _, opt := range o {
		if opt != nil {
			opt.apply(&db.opt)
		}
	}
	db.wire, _ = b.(backend.WireQuerier)
	db.together, _ = b.(backend.TxQuerier)
	for name, value := range db.opt.settings {
		db.settings.add([]backend.Setting{{Name: name, Value: value}})
	}
	return db
}

// Close closes the pool that Open made and waits for statements that run. After
// Adopt it does nothing.
func (db *DB) Close() error {
	if !db.owned {
		return nil
	}
	return backend.Wrap(db.backend, "close", db.pool.Close())
}

// Stats are the pool's statistics. Those who waited before it in the order of coming
// count as having waited; see Queue.
func (db *DB) Stats() sql.DBStats {
	s := db.pool.Stats()
	if db.queue != nil {
		s.WaitCount += db.queue.waits.Load()
		s.WaitDuration += time.Duration(db.queue.waited.Load())
	}
	return s
}

// Backend is the backend that the statements run on.
func (db *DB) Backend() backend.Backend { return db.backend }

// Pool is the pool under the DB, for what reads the catalog. A statement that is
// run on it is outside of everything that this package promises.
func (db *DB) Pool() *sql.DB { return db.pool }

// Ping checks that a connection can be had and answers. It waits for one that comes
// free, not behind all who wait: whether the database is there says nothing of how
// much it has to do.
func (db *DB) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return backend.Wrap(db.backend, "acquire connection", err)
	}
	wait, cancel := context.WithTimeout(ctx, db.opt.acquireTimeout)
	defer cancel()
	conn, err := db.connect(ctx, wait)
	if err != nil {
		return err
	}
	err = backend.Wrap(db.backend, "ping", conn.PingContext(ctx))
	giveBack(conn, err)
	return err
}

// warm makes the first connections, all held at once so that they are different
// ones. The first must come; a server that refuses more is still usable.
func (db *DB) warm(ctx context.Context) error {
	if err := db.Ping(ctx); err != nil {
		return err
	}
	var held []*sql.Conn
	defer func() {
		for _, c := range held {
			db.release(c, nil)
		}
	}()
	for range min(db.opt.minIdle, db.opt.maxConns) {
		conn, err := db.acquire(ctx)
		if err != nil {
			return ctx.Err()
		}
		held = append(held, conn)
	}
	return nil
}

// acquire takes a connection out of the pool, with a bounded wait.
func (db *DB) acquire(ctx context.Context) (*sql.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, backend.Wrap(db.backend, "acquire connection", err)
	}
	wait, cancel := context.WithTimeout(ctx, db.opt.acquireTimeout)
	defer cancel()
	return db.take(ctx, wait)
}

// take is acquire where wait is ctx with the bound of it.
func (db *DB) take(ctx, wait context.Context) (*sql.Conn, error) {
	if err := db.queue.enter(wait); err != nil {
		return nil, db.unconnected(ctx, wait, err)
	}
	conn, err := db.connect(ctx, wait)
	if err != nil {
		db.queue.leave()
	}
	return conn, err
}

// connect is take for who has a place in the queue already.
func (db *DB) connect(ctx, wait context.Context) (*sql.Conn, error) {
	if db.pool == nil {
		return nil, &backend.Error{Op: "acquire connection", Backend: db.backend.Name(), Code: backend.CodeConfiguration, Err: errors.New("the pool that was adopted is nil")}
	}
	conn, err := db.pool.Conn(wait)
	if err != nil {
		return nil, db.unconnected(ctx, wait, err)
	}
	return conn, nil
}

// unconnected is err as what it means that no connection could be had.
func (db *DB) unconnected(ctx, wait context.Context, err error) error {
	switch {
	case errors.Is(err, ErrPoolExhausted):
	case ctx.Err() == nil && wait.Err() != nil:
		err = fmt.Errorf("no connection within %v (%d in use of at most %d): %w",
			db.opt.acquireTimeout, db.pool.Stats().InUse, db.pool.Stats().MaxOpenConnections, ErrPoolExhausted)
	default:
		wrapped := backend.Wrap(db.backend, "acquire connection", err)
		if backend.CodeOf(wrapped) != backend.CodeInternal || backend.SQLStateOf(wrapped) != "" {
			return wrapped
		}
		// What the driver does not explain is the pool's own: it is closed.
	}
	return &backend.Error{Op: "acquire connection", Backend: db.backend.Name(), Code: backend.CodeServiceUnavailable, Err: err}
}

// ErrPoolExhausted is what an error wraps whose cause is that no connection of the
// pool came free in time (WithAcquireTimeout), or that so many waited for one that no
// more may (WithMaxWaiting). Nothing was sent.
var ErrPoolExhausted = errors.New("the pool of connections is exhausted")

// release gives conn back, or throws it away where err leaves its state in doubt, and
// with it the place of whoever acquired it: once.
func (db *DB) release(conn *sql.Conn, err error) {
	giveBack(conn, err)
	db.queue.leave()
}

func giveBack(conn *sql.Conn, err error) {
	if spoiled(err) {
		discard(conn)
		return
	}
	_ = conn.Close() // only says that it was closed before
}

// deadline bounds ctx by the query timeout.
func (db *DB) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.opt.queryTimeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, db.opt.queryTimeout)
}

// Query runs s and streams its rows. A Statement whose Effect is not Read runs
// in a transaction of its own that is committed before Query returns; its rows
// are held in memory. A read runs without a transaction, in one round trip, and
// is repeated on another connection if the one it got turns out to be dead.
func (db *DB) Query(ctx context.Context, s *builder.Statement) (*Rows, error) {
	if s.Effect != builder.Read {
		return db.queryWrite(ctx, s)
	}
	for try := 0; ; try++ {
		rows, err := db.queryRead(ctx, s)
		if err == nil || try >= readRetries || !repeatableRead(ctx, err) {
			if db.fallsBack(ctx, err) {
				rows, err = db.opt.other.Query(ctx, s)
				return rows, marked(err)
			}
			return rows, err
		}
	}
}

// readRetries is how often a read whose connection was found dead is sent again.
// A restarted server leaves a whole pool of dead connections behind; the last
// try comes after two were thrown away, as in database/sql itself.
const readRetries = 2

// repeatableRead says that err came before any row and that another connection,
// or the same one without its stale statement, may do better.
func repeatableRead(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.Is(err, ErrPoolExhausted) &&
		(backend.CodeOf(err) == backend.CodeServiceUnavailable && lostBeforeAnswer(err) || errors.Is(err, backend.ErrStaleStatement))
}

func (db *DB) queryRead(ctx context.Context, s *builder.Statement) (*Rows, error) {
	if len(db.settings) > 0 {
		return db.queryInReadTx(ctx, s)
	}
	caller := ctx
	ctx, cancel := db.deadline(ctx)
	var conn *sql.Conn
	var err error
	if caller.Err() == nil && db.opt.acquireTimeout == db.opt.queryTimeout {
		conn, err = db.take(caller, ctx) // one timer for both, as by default
	} else {
		conn, err = db.acquire(caller)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	rows, err := db.start(ctx, conn, s, false)
	if err != nil {
		cancel()
		db.release(conn, err)
		return nil, err
	}
	rows.done = func(err error) error {
		cancel()
		db.release(conn, err)
		return nil
	}
	return rows, nil
}

// queryInReadTx is queryRead where settings must be set first: the transaction
// ends when the rows are closed.
func (db *DB) queryInReadTx(ctx context.Context, s *builder.Statement) (*Rows, error) {
	ctx, cancel := db.deadline(ctx)
	t, err := db.begin(ctx, &TxOptions{ReadOnly: true}, true)
	if err != nil {
		cancel()
		return nil, err
	}
	rows, err := t.query(ctx, s, true)
	if err != nil {
		_ = t.Rollback(ctx)
		cancel()
		return nil, err
	}
	inner := rows.done
	rows.done = func(err error) error {
		_ = inner(err)
		if err == nil {
			err = t.Commit(ctx)
		}
		_ = t.Rollback(ctx)
		cancel()
		return err
	}
	return rows, nil
}

// queryWrite runs a write in a transaction and keeps its rows until it is committed.
func (db *DB) queryWrite(ctx context.Context, s *builder.Statement) (*Rows, error) {
	var kept *memoryRows
	var cols []builder.Column
	err := db.inTx(ctx, nil, true, func(ctx context.Context, r Runner) error {
		rows, err := r.(*Tx).query(ctx, s, true) //nolint:forcetypeassert // inTx gives nothing else
		if err != nil {
			return err
		}
		cols = rows.cols
		kept, err = keep(rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	return NewRows(kept, cols), nil
}

// Exec runs s and returns how many rows it affected. A Statement whose Effect is
// not Read runs in a transaction of its own.
func (db *DB) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	var n int64
	err := db.InTx(ctx, &TxOptions{ReadOnly: s.Effect == builder.Read}, func(ctx context.Context, r Runner) error {
		var err error
		n, err = r.Exec(ctx, s)
		return err
	})
	return n, err
}

// start sends s on conn and returns its rows; the caller sets their done.
func (db *DB) start(ctx context.Context, conn *sql.Conn, s *builder.Statement, byName bool) (*Rows, error) {
	began := time.Now()
	wire, err := db.query(ctx, conn, s)
	if err != nil {
		err = backend.Wrap(db.backend, "query", err)
		db.observed(ctx, s, began, 0, err)
		db.tapDone(s, 0, err)
		return nil, err
	}
	return db.describe(ctx, wire, s, byName, began)
}

// describe makes Rows of what the server began to send.
func (db *DB) describe(ctx context.Context, wire backend.WireRows, s *builder.Statement, byName bool, began time.Time) (*Rows, error) {
	rows, err := db.rows(wire, s.Columns, byName)
	if err != nil {
		_ = wire.Close()
		db.observed(ctx, s, began, 0, err)
		db.tapDone(s, 0, err)
		return nil, err
	}
	db.tapRows(s, rows)
	if db.watched() {
		rows.ended = func() { db.observed(ctx, s, began, rows.n, rows.err) }
	}
	return rows, nil
}

func (db *DB) query(ctx context.Context, conn *sql.Conn, s *builder.Statement) (backend.WireRows, error) {
	args, err := db.bind(ctx, s)
	if err != nil {
		return nil, err
	}
	if db.wire != nil {
		return db.wire.QueryWire(ctx, conn, s.SQL, args)
	}
	return queryCells(ctx, conn, s.SQL, args)
}

// bind checks that there is still time, and turns the arguments into the driver's
// form. database/sql would run a statement on a held connection even if its
// context had ended before.
func (db *DB) bind(ctx context.Context, s *builder.Statement) ([]any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(s.Args) == 0 {
		return nil, nil
	}
	args := make([]any, len(s.Args))
	for i, a := range s.Args {
		v, err := db.backend.Bind(a)
		if err != nil {
			return nil, fmt.Errorf("bind $%d: %w", i+1, err)
		}
		args[i] = v
	}
	return args, nil
}

// exec sends s on conn.
func (db *DB) exec(ctx context.Context, conn *sql.Conn, s *builder.Statement) (int64, error) {
	began := time.Now()
	args, err := db.bind(ctx, s)
	var n int64
	if err == nil {
		var res sql.Result
		if res, err = conn.ExecContext(ctx, s.SQL, args...); err == nil {
			n, err = res.RowsAffected()
		}
	}
	err = backend.Wrap(db.backend, "exec", err)
	db.observed(ctx, s, began, n, err)
	db.tapDone(s, n, err)
	return n, err
}
