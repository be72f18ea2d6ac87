package executor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// endTimeout bounds the rollback of a transaction, and the commit where the
// query timeout does not: a dead network must not hold the caller.
const endTimeout = 5 * time.Second

// ErrAborted is what InTx's error wraps when fn returned nil although a
// statement of the transaction had failed: PostgreSQL would answer its COMMIT
// with a rollback, and both drivers would call that a success.
var ErrAborted = backend.ErrTxAborted

// txConn is one open transaction on the connection that it holds. Savepoints
// share it. It is not safe for concurrent use, as a connection is not.
type txConn struct {
	db      *DB
	conn    *sql.Conn
	session session // variables in force
	tag     string  // see pathTag
	iso     sql.IsolationLevel
	ro      bool
	rows    *Rows // open ones; the connection can do nothing else until they end
	saves   int   // savepoints made, for their names
	// opening is what opens the transaction, not sent yet: the first statement takes
	// it along (see together.go). ended says that the last one has taken COMMIT along
	// and that it went well.
	opening []backend.Command
	ended   bool
	first   bound
}

// bound is a deadline that began when the transaction asked for a connection, and
// that its first statement goes on with.
type bound struct {
	of, ctx context.Context //nolint:containedctx // until the first statement
	cancel  context.CancelFunc
}

func (b *bound) end() {
	if b.cancel != nil {
		b.cancel()
	}
}

// deadline bounds a statement by the query timeout.
func (t *txConn) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if b := t.first; b.ctx != nil && b.of == ctx {
		t.first = bound{}
		return b.ctx, b.cancel
	}
	return t.db.deadline(ctx)
}

// Tx is an open transaction, or a savepoint in one: the Runner that InTx gives
// to its function, and what Begin returns. It holds one connection and is not
// safe for concurrent use.
type Tx struct {
	*txConn
	failed error // the first error; the server accepts nothing but an end after it
	over   bool  // ended, or given back to who will end it
}

var (
	_ Runner   = (*Tx)(nil)
	_ Beginner = (*DB)(nil)
)

// Begin opens a transaction that the caller ends with Commit or Rollback; it
// holds a connection until then. Nothing is retried. InTx is what to use where a
// function can hold the transaction.
func (db *DB) Begin(ctx context.Context, o *TxOptions) (*Tx, error) {
	o, err := db.checkOptions(o)
	if err != nil {
		return nil, err
	}
	return db.begin(ctx, o, false)
}

// begin is Begin; with late, what opens the transaction may wait for the first
// statement.
func (db *DB) begin(ctx context.Context, o *TxOptions, late bool) (*Tx, error) {
	for lost := 0; ; lost++ {
		t, err, dead := db.open(ctx, o, late)
		if err == nil || !dead || lost >= readRetries || ctx.Err() != nil {
			return t, err
		}
	}
}

// Commit ends the transaction well. Where a statement had failed it rolls back
// instead, and the error wraps ErrAborted.
func (t *Tx) Commit(ctx context.Context) error {
	if t.over {
		return t.done("commit")
	}
	t.over = true
	if err := t.settle(ctx, nil); err != nil {
		t.rollback(ctx)
		return err
	}
	return t.commit(ctx)
}

// Rollback undoes the transaction. After Commit or Rollback it does nothing. A
// connection on which the rollback fails is thrown away, which undoes it too:
// the error is always nil.
func (t *Tx) Rollback(ctx context.Context) error {
	if !t.over {
		t.over = true
		t.rollback(ctx)
	}
	return nil
}

func (t *Tx) done(op string) error {
	return &backend.Error{Op: op, Backend: t.db.backend.Name(), Code: backend.CodeInternal, Err: sql.ErrTxDone}
}

func (db *DB) checkOptions(o *TxOptions) (*TxOptions, error) {
	if o == nil {
		o = &TxOptions{}
	}
	if _, err := beginSQL(o); err != nil {
		return nil, backend.Wrap(db.backend, "begin", err)
	}
	if err := CheckSession(o.Session); err != nil {
		return nil, backend.Wrap(db.backend, "begin", err)
	}
	return o, nil
}

// open acquires a connection and begins on it. dead says that the connection was
// lost before anything was done: another one may do.
func (db *DB) open(ctx context.Context, o *TxOptions, late bool) (t *Tx, err error, dead bool) { //nolint:revive // dead belongs to err
	t = &Tx{txConn: &txConn{db: db}}
	if late && db.together != nil && db.opt.acquireTimeout == db.opt.queryTimeout && ctx.Err() == nil {
		wait, cancel := db.deadline(ctx) // one timer for both, as by default
		t.first = bound{of: ctx, ctx: wait, cancel: cancel}
		t.conn, err = db.take(ctx, wait)
	} else {
		t.conn, err = db.acquire(ctx)
	}
	if err != nil {
		t.first.end()
		return nil, err, false
	}
	if late && t.prepareOpening(o) {
		return t, nil, false
	}
	if err := t.begin(ctx, o); err != nil {
		t.failed = err
		t.rollback(ctx)
		return nil, err, backend.CodeOf(err) == backend.CodeServiceUnavailable && lostBeforeAnswer(err)
	}
	return t, nil, false
}

// InTx runs fn in one transaction; see Runner. A serialization failure, a
// deadlock, or a prepared statement that the schema has outdated, runs the whole
// of it again with growing, jittered pauses (WithRetries). A panic of fn rolls
// back and goes on. After an unknown outcome (backend.CodeCommitUnknown) nothing
// is retried.
func (db *DB) InTx(ctx context.Context, o *TxOptions, fn func(context.Context, Runner) error) error {
	return db.inTx(ctx, o, false, fn)
}

// inTx is InTx; with late, fn may run before what opens the transaction is sent.
func (db *DB) inTx(ctx context.Context, o *TxOptions, late bool, fn func(context.Context, Runner) error) error {
	o, err := db.checkOptions(o)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		if db.opt.tap != nil {
			db.opt.tap.Begin(o)
		}
		err := db.inTxOnce(ctx, o, late, fn)
		if o.ReadOnly && db.fallsBack(ctx, err) {
			return marked(db.opt.other.inTx(ctx, o, late, fn))
		}
		if err == nil || try >= db.opt.retries || !retryable(err) || !pause(ctx, try) {
			if !o.ReadOnly && backend.CodeOf(err) == backend.CodeCommitUnknown {
				db.committed(ctx, nil)
			}
			if db.opt.tap != nil {
				db.opt.tap.End(err)
			}
			return err
		}
	}
}

func (db *DB) inTxOnce(ctx context.Context, o *TxOptions, late bool, fn func(context.Context, Runner) error) error {
	t, err := db.begin(ctx, o, late)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit
			t.over = true
			t.rollback(ctx)
		}
	}()
	err = fn(ctx, t)
	returned, t.over = true, true
	if err = t.settle(ctx, err); err != nil {
		t.rollback(ctx)
		return err
	}
	return t.commit(ctx)
}

func retryable(err error) bool {
	var final interface{ final() }
	return backend.Retryable(err) && !errors.As(err, &final)
}

// settle closes rows that fn left open and refuses to end well a transaction
// that can't.
func (t *Tx) settle(ctx context.Context, err error) error {
	if t.rows != nil {
		if cerr := t.rows.Close(); err == nil {
			err = cerr
		}
	}
	switch {
	case err != nil:
		return err
	case t.failed != nil:
		return aborted(t.db, t.failed)
	case ctx.Err() != nil && !t.ended:
		return backend.Wrap(t.db.backend, "commit", ctx.Err())
	}
	return nil
}

// aborted refuses to go on after cause. Code and SQLSTATE are the cause's.
func aborted(db *DB, cause error) error {
	return &backend.Error{
		Op: "transaction", Backend: db.backend.Name(), Code: backend.CodeOf(cause), SQLState: backend.SQLStateOf(cause),
		Err: fmt.Errorf("%w: an earlier statement failed: %w", ErrAborted, cause),
	}
}

// levels are the isolation levels as PostgreSQL names them. Read uncommitted is
// read committed there, snapshot is repeatable read.
var levels = map[sql.IsolationLevel]string{
	sql.LevelDefault:         "read committed",
	sql.LevelReadUncommitted: "read committed",
	sql.LevelReadCommitted:   "read committed",
	sql.LevelRepeatableRead:  "repeatable read",
	sql.LevelSnapshot:        "repeatable read",
	sql.LevelSerializable:    "serializable",
}

// beginSQL says everything: what is left out would come from
// default_transaction_isolation and its siblings, which a role or database sets.
func beginSQL(o *TxOptions) (string, error) {
	level, ok := levels[o.Isolation]
	if !ok {
		return "", backend.New("begin", backend.CodeBadUserInput, fmt.Errorf("isolation level %v: PostgreSQL does not have it", o.Isolation))
	}
	if o.Deferrable && (level != "serializable" || !o.ReadOnly) {
		return "", backend.New("begin", backend.CodeBadUserInput, errors.New("deferrable needs a serializable, read-only transaction"))
	}
	if o.Snapshot != "" && (level == "read committed" || strings.Trim(o.Snapshot, "0123456789ABCDEF-") != "") {
		return "", backend.New("begin", backend.CodeBadUserInput, errors.New("a snapshot needs its exported name, and repeatable read or serializable"))
	}
	return begins[begin{level, o.ReadOnly, o.Deferrable}], nil
}

// begin is what BEGIN says.
type begin struct {
	level                string
	readOnly, deferrable bool
}

// plainBegin is the BEGIN of a write where nobody asked for anything else.
var plainBegin = begins[begin{level: "read committed"}]

// begins is the SQL of every begin.
var begins = func() map[begin]string {
	m := map[begin]string{}
	for _, level := range levels {
		for _, readOnly := range []bool{false, true} {
			for _, deferrable := range []bool{false, true} {
				access, wait := " read write", " not deferrable"
				if readOnly {
					access = " read only"
				}
				if deferrable {
					wait = " deferrable"
				}
				m[begin{level, readOnly, deferrable}] = "begin isolation level " + level + access + wait
			}
		}
	}
	return m
}()

func (t *Tx) begin(ctx context.Context, o *TxOptions) error {
	text, err := beginSQL(o)
	if err != nil {
		return err
	}
	ctx, cancel := t.db.deadline(ctx)
	defer cancel()
	if err := t.control(ctx, "begin", text); err != nil {
		return err
	}
	if o.Snapshot != "" { // before any query; it takes no parameter, beginSQL has checked it
		if err := t.control(ctx, "begin", "set transaction snapshot '"+o.Snapshot+"'"); err != nil {
			return err
		}
	}
	t.configure(o)
	return t.session.set(ctx, t.db, t.conn)
}

func (t *Tx) configure(o *TxOptions) {
	t.iso, t.ro = o.Isolation, o.ReadOnly
	t.session = slices.Clone(t.db.settings)
	t.session.add(settingsOf(o.Session))
	t.tag = pathTag(o.Session)
}

// control sends one transaction control statement. It never has arguments.
func (t *Tx) control(ctx context.Context, op, text string) error {
	if err := ctx.Err(); err != nil {
		return backend.Wrap(t.db.backend, op, err)
	}
	_, err := t.conn.ExecContext(ctx, text)
	if err == nil || op == "commit" {
		return err
	}
	return demoted(backend.Wrap(t.db.backend, op, err), t.ro)
}

// commit ends the transaction and gives the connection back. It does not end
// with the caller's context: a COMMIT that was sent is worth its answer.
func (t *Tx) commit(ctx context.Context) error {
	t.first.end()
	if t.ended {
		t.told(ctx)
		t.db.release(t.conn, nil)
		return nil
	}
	if err := t.opened(ctx); err != nil {
		t.rollback(ctx)
		return err
	}
	bound := t.db.opt.queryTimeout
	if bound <= 0 {
		bound = endTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bound)
	defer cancel()
	err := backend.WrapCommit(t.db.backend, t.control(ctx, "commit", "commit"))
	if err == nil {
		t.told(ctx)
	}
	t.db.release(t.conn, err)
	return err
}

// told tells of the commit, before the connection is given back.
func (t *Tx) told(ctx context.Context) {
	if !t.ro {
		t.db.committed(ctx, t.conn)
	}
}

// rollback ends the transaction and gives the connection back, or throws it
// away where the rollback failed.
func (t *Tx) rollback(ctx context.Context) {
	t.first.end()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if t.rows != nil {
		_ = t.rows.Close()
	}
	if t.opening != nil || t.ended { // nothing was sent, or all is over
		t.db.release(t.conn, t.failed)
		return
	}
	if spoiled(t.failed) || t.control(ctx, "rollback", "rollback") != nil {
		discard(t.conn)
		t.db.queue.leave()
		return
	}
	t.db.release(t.conn, nil)
}

// ready checks that a statement may be sent.
func (t *Tx) ready(op string) error {
	switch {
	case t.over:
		return t.done(op)
	case t.failed != nil:
		return aborted(t.db, t.failed)
	case t.rows != nil:
		return t.fail(&backend.Error{
			Op: op, Backend: t.db.backend.Name(), Code: backend.CodeInternal,
			Err: errors.New("the rows of an earlier statement are still open"),
		})
	}
	return nil
}

// fail notes that the transaction can't be committed any more.
func (t *Tx) fail(err error) error {
	err = demoted(err, t.ro)
	if t.failed == nil {
		t.failed = err
	}
	return err
}

// Query runs s; see Runner. Its rows must be closed before the next statement.
func (t *Tx) Query(ctx context.Context, s *builder.Statement) (*Rows, error) {
	return t.query(ctx, s, false)
}

// query is Query; last says that the transaction commits after s, whatever its
// rows are.
func (t *Tx) query(ctx context.Context, s *builder.Statement, last bool) (*Rows, error) {
	if err := t.ready("query"); err != nil {
		return nil, err
	}
	ctx, cancel := t.deadline(ctx)
	rows, err := t.start(ctx, t.tagged(s), last)
	if err != nil {
		cancel()
		return nil, t.fail(t.misplaced(err))
	}
	t.rows = rows
	rows.done = func(err error) error {
		cancel()
		t.rows = nil
		if err != nil {
			_ = t.fail(err)
		} else {
			t.ended = rows.last
		}
		return nil
	}
	return rows, nil
}

// Exec runs s; see Runner.
func (t *Tx) Exec(ctx context.Context, s *builder.Statement) (int64, error) {
	if err := t.ready("exec"); err != nil {
		return 0, err
	}
	ctx, cancel := t.deadline(ctx)
	defer cancel()
	if err := t.opened(ctx); err != nil {
		return 0, t.fail(err)
	}
	n, err := t.db.exec(ctx, t.conn, t.tagged(s))
	if err != nil {
		return 0, t.fail(t.misplaced(err))
	}
	return n, nil
}

// Session tells what the server has said on the transaction's connection besides
// its answers, since the last call, and what state the transaction is in. ok is
// false where the backend can't tell or rows are open. Nothing is sent.
func (t *Tx) Session() (state backend.SessionState, ok bool) {
	o, can := t.db.backend.(backend.SessionObserver)
	if !can || t.over || t.rows != nil {
		return backend.SessionState{}, false
	}
	state, err := o.ObserveSession(t.conn)
	return state, err == nil
}

// InTx runs fn behind a savepoint: what fn did is undone if it fails, and the
// transaction around it can go on. The options must not ask for more than the
// transaction around it gives; ReadOnly may be stricter. A failure that ends the
// transaction (a lost connection, a serialization failure) is not undone.
func (t *Tx) InTx(ctx context.Context, o *TxOptions, fn func(context.Context, Runner) error) (err error) {
	if err := t.ready("savepoint"); err != nil {
		return err
	}
	if err := t.nestable(o); err != nil {
		return err
	}
	if err := t.opened(ctx); err != nil {
		return t.fail(err)
	}
	t.saves++
	name := "fraiseql_" + strconv.Itoa(t.saves)
	inner := &Tx{txConn: t.txConn}
	if err := t.bounded(ctx, "savepoint", "savepoint "+name); err != nil {
		return t.fail(err)
	}
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit
			inner.over = true
			_ = inner.undo(ctx, t, name)
		}
	}()
	if o != nil && o.ReadOnly && !t.ro {
		// PostgreSQL restores the access mode at the end of the savepoint.
		if err := t.bounded(ctx, "savepoint", "set transaction read only"); err != nil {
			return t.fail(err)
		}
		t.ro = true
		defer func() { t.ro = false }()
	}
	err = fn(ctx, inner)
	returned, inner.over = true, true
	if err = inner.settle(ctx, err); err == nil {
		if err = t.bounded(ctx, "savepoint", "release savepoint "+name); err == nil {
			return nil
		}
	}
	return errors.Join(err, inner.undo(ctx, t, name))
}

// nestable checks that a savepoint can give what o asks for.
func (t *Tx) nestable(o *TxOptions) error {
	if o == nil {
		return nil
	}
	bad := func(format string, args ...any) error {
		return &backend.Error{Op: "savepoint", Backend: t.db.backend.Name(), Code: backend.CodeBadUserInput, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case levels[o.Isolation] == "":
		_, err := beginSQL(o)
		return err
	case o.Isolation != sql.LevelDefault && levels[o.Isolation] != levels[t.iso]:
		return bad("isolation level %v inside a transaction of level %v", o.Isolation, levels[t.iso])
	}
	if o.Snapshot != "" || o.Deferrable {
		return bad("only the outermost transaction can choose its snapshot")
	}
	for name, value := range o.Session {
		// set_config(…, true) lasts until the end of the whole transaction: it would
		// still hold for what follows the savepoint.
		if !slices.Contains(t.session, backend.Setting{Name: name, Value: value}) {
			return bad("session variable %q: only the outermost transaction sets session variables", name)
		}
	}
	return nil
}

// undo goes back to the savepoint. If that fails, the outer transaction is lost.
func (t *Tx) undo(ctx context.Context, outer *Tx, name string) error {
	if t.rows != nil {
		_ = t.rows.Close()
	}
	if spoiled(t.failed) {
		_ = outer.fail(t.failed)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	for _, text := range []string{"rollback to savepoint " + name, "release savepoint " + name} {
		if err := t.control(ctx, "savepoint", text); err != nil {
			return outer.fail(err)
		}
	}
	return nil
}

// bounded is control under the query timeout.
func (t *Tx) bounded(ctx context.Context, op, text string) error {
	ctx, cancel := t.db.deadline(ctx)
	defer cancel()
	return t.control(ctx, op, text)
}
