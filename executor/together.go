package executor

import (
	"context"
	"errors"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// A transaction of one statement takes three round trips: BEGIN, the statement,
// COMMIT. Where the backend can, they go together (backend.TxQuerier). BEGIN and
// the settings wait for the first statement, which is what PostgreSQL does with the
// snapshot anyway. COMMIT goes along with a statement only where nothing that is
// learnt from its rows could ask for a rollback.

// prepareOpening notes what opens the transaction instead of sending it, and
// reports whether that can be done.
func (t *Tx) prepareOpening(o *TxOptions) bool {
	if t.db.together == nil || o.Snapshot != "" {
		return false
	}
	text, err := beginSQL(o)
	if err != nil {
		return false
	}
	t.configure(o)
	t.opening = append(make([]backend.Command, 0, 2), backend.Command{SQL: text})
	if len(t.session) == 0 {
		return true
	}
	set, args := t.session.statement()
	for i, a := range args {
		if args[i], err = t.db.backend.Bind(a); err != nil {
			t.opening = nil
			return false
		}
	}
	t.opening = append(t.opening, backend.Command{SQL: set, Args: args})
	return true
}

// opened sends what opens the transaction by itself, if it was not sent yet.
func (t *Tx) opened(ctx context.Context) error {
	if t.opening == nil {
		return nil
	}
	ctx, cancel := t.db.deadline(ctx)
	defer cancel()
	for lost := 0; ; lost++ {
		err := t.control(ctx, "begin", t.opening[0].SQL)
		if err == nil {
			t.opening = nil
			return t.session.set(ctx, t.db, t.conn)
		}
		if lost >= readRetries || !t.replace(ctx, err) {
			t.opening = nil
			return err
		}
	}
}

// replace takes another connection where err says that this one was dead before
// the transaction began.
func (t *Tx) replace(ctx context.Context, err error) bool {
	var e *backend.Error
	if ctx.Err() != nil || !errors.As(err, &e) || e.Op != "begin" || e.Code != backend.CodeServiceUnavailable || !lostBeforeAnswer(err) {
		return false
	}
	wait, cancel := context.WithTimeout(ctx, t.db.opt.acquireTimeout)
	defer cancel()
	discard(t.conn) // its place is the other one's
	conn, aerr := t.db.connect(ctx, wait)
	if aerr != nil {
		return false
	}
	t.conn = conn
	return true
}

// start sends s, with what opens the transaction if that was not sent yet, and
// with COMMIT if it is the last.
func (t *Tx) start(ctx context.Context, s *builder.Statement, last bool) (*Rows, error) {
	byName := t.tag != ""
	if byName && !t.ro {
		last = false // a tenant's table may lack the keys that settled relies on
	}
	if t.db.together != nil && (last || t.opening != nil) {
		for lost := 0; ; lost++ {
			rows, err := t.startTogether(ctx, s, last, byName)
			if errors.Is(err, errors.ErrUnsupported) {
				break
			}
			if err == nil || t.opening == nil || lost >= readRetries || !t.replace(ctx, err) {
				t.opening = nil
				return rows, err
			}
		}
	}
	if err := t.opened(ctx); err != nil {
		return nil, err
	}
	return t.db.start(ctx, t.conn, s, byName)
}

func (t *Tx) startTogether(ctx context.Context, s *builder.Statement, last, byName bool) (*Rows, error) {
	db, began := t.db, time.Now()
	args, err := db.bind(ctx, s)
	if err != nil {
		return nil, backend.Wrap(db.backend, "query", err)
	}
	call := &backend.TxStatement{
		Before: t.opening, Plain: len(t.opening) == 1 && t.opening[0].SQL == plainBegin, Command: backend.Command{SQL: s.SQL, Args: args}, Commit: last, ReadOnly: t.ro,
	}
	if last && !t.ro { // too late afterwards
		call.Check = func(got []backend.Column) error { return checkColumns(db.backend, got, s.Columns, byName) }
	}
	wire, err := db.together.QueryTx(ctx, t.conn, call)
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
		err = backend.Wrap(db.backend, "query", err)
		if e, ok := errors.AsType[*backend.Error](err); ok && e.Op == "set session" {
			err = t.session.refused(err)
		}
		err = demoted(err, t.ro)
		db.observed(ctx, s, began, 0, err)
		db.tapDone(s, 0, err)
		return nil, err
	}
	rows, err := db.describe(ctx, wire, s, byName, began)
	if err == nil {
		rows.last = last
	}
	return rows, err
}

// queryLast runs the last statement of the execution's own transaction: nothing
// comes after it and nothing that its rows say could ask for a rollback.
func (x *execution) queryLast(ctx context.Context, r Runner, s *builder.Statement) (*Rows, error) {
	if t, ok := r.(*Tx); ok && x.own {
		return t.query(ctx, s, true)
	}
	return r.Query(ctx, s)
}

// settled says whether nothing about the rows of a write can ask for a rollback
// any more: no bound on them, and no doubt how many there are.
func (x *execution) settled(p *builder.Plan) bool {
	switch {
	case p.Kind == builder.Query:
		return true
	case p.Kind == builder.Invoke, p.Result, p.MaxAffected >= 0, p.MaxRows > 0, x.opt.maxRows > 0, x.edge != nil:
		return false
	}
	return !p.Single || p.AtMostOne || p.Kind == builder.Insert
}
