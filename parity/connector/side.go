package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// side is what mirrors one connection of the control. All methods take a nil side,
// which mirrors nothing.
type side struct {
	candidate
	c        *conn
	begun    bool      // the candidate is in a transaction
	tx       driver.Tx // of it, where it was begun by BeginTx
	txCancel context.CancelFunc
	apart    string // why the rest of the transaction can't be compared
	snapshot bool   // the candidate's transaction reads in the control's snapshot
	settings []string
	forgot   bool // there were more settings than are kept
}

// maxSettings bounds the settings that a new connection of the candidate gets.
const maxSettings = 200

// outcome is what one side did.
type outcome struct {
	err  error
	rows int64
	took time.Duration
}

type result struct{ control, candidate outcome }

// skip says why k is not run on the candidate; "" where it is.
func (s *side) skip(k *call) string {
	switch {
	case s.apart != "":
		return s.apart
	case k.text.Kind == sqltext.Copy:
		return "COPY goes through an interface of the driver's own"
	case k.text.Kind == sqltext.Listen:
		return "LISTEN is bound to the control's connection"
	}
	if s.m.writes == MirrorWrites {
		return ""
	}
	switch k.text.Kind { //nolint:exhaustive // the others were judged above, or only run
	case sqltext.Read:
		if k.tx.wrote {
			return "the transaction has written: what is not committed is not seen by the candidate"
		}
	case sqltext.Cursor:
		return "a cursor needs a candidate with a database of its own"
	case sqltext.Write:
		switch {
		case s.m.writes == DescribeWrites && !k.text.Multi, s.m.writes == RollbackWrites && k.tx.id == 0 && !k.text.Multi:
			return ""
		case s.m.writes == RollbackWrites:
			return "a write inside a transaction needs a candidate with a database of its own"
		}
		return "writes need a candidate with a database of its own"
	case sqltext.Session, sqltext.Transaction:
		if k.text.ReadOnly {
			return "the candidate's session stays read-only"
		}
	}
	return ""
}

// prepare makes the candidate ready for k, or says why it can't be.
func (s *side) prepare(k *call) (notCompared string, inconclusive error) {
	if reason := s.m.setup(k.ctx); reason != "" {
		if s.m.permanent() {
			return reason, nil
		}
		return "", errors.New(reason)
	}
	if reason := s.skip(k); reason != "" {
		return reason, nil
	}
	if s.open != nil { // rows that the caller has left open
		s.open.stop()
	}
	fresh := s.conn == nil
	if fresh && k.tx.id != 0 && k.op != opBegin {
		return "", errors.New("the candidate's connection was lost in this transaction")
	}
	if err := s.connect(k.ctx, s.m.candidate); err != nil {
		s.m.pause(err)
		return "", fmt.Errorf("the candidate could not connect: %w", err)
	}
	if fresh {
		if err := s.restore(k.ctx); err != nil {
			s.abandon(s.conn, nil)
			return "", fmt.Errorf("the candidate's session could not be set up: %w", err)
		}
	}
	if s.m.writes != MirrorWrites && k.text.Kind == sqltext.Read {
		return s.readable(k)
	}
	return "", nil
}

// restore gives a new connection the settings of the session.
func (s *side) restore(ctx context.Context) error {
	if s.forgot {
		return errors.New("its settings are no longer known")
	}
	list := s.settings
	if s.m.writes != MirrorWrites {
		list = append([]string{"set default_transaction_read_only = on"}, list...)
	}
	for _, sql := range list {
		if _, err := s.exec(ctx, nil, sql, nil); err != nil {
			return err
		}
	}
	return nil
}

// readable makes sure, with one database, that a read only reads, and that it
// reads what the control does.
func (s *side) readable(k *call) (string, error) {
	name, err := s.m.writer(k.text.Functions, func(names []string) (found []string, err error) {
		err = s.do(k.ctx, func(ctx context.Context, conn driver.Conn) error {
			rows, err := ask(ctx, conn, "select distinct proname::text from pg_catalog.pg_proc where provolatile = 'v' and proname = any($1::text[])", arrayText(names))
			for _, r := range rows {
				found = append(found, r[0])
			}
			return err
		})
		return found, err
	})
	if err != nil {
		if backend.SQLStateOf(err) == "25P02" { // both sides are in a failed transaction: the read fails on both
			return "", nil
		}
		return "", fmt.Errorf("the candidate could not be asked about functions: %w", err)
	}
	if name != "" {
		return "the volatile function " + name + " may write", nil
	}
	if k.tx.strict && s.begun && !s.snapshot {
		return s.share(k)
	}
	return "", nil
}

// share lets the candidate's transaction read in the control's snapshot. It is the
// one statement that the connector runs on the control's connection; it happens
// where the control takes its snapshot anyway, and only where it can't fail.
func (s *side) share(k *call) (string, error) {
	switch {
	case !s.m.snapshots:
		return "the control's snapshot can't be exported here", nil
	case k.tx.savepoints:
		return "a snapshot can't be exported behind a savepoint", nil
	}
	rows, err := ask(k.ctx, s.c.control, "select pg_catalog.pg_export_snapshot()::text")
	if err != nil || len(rows) != 1 || strings.Trim(rows[0][0], "0123456789ABCDEF-") != "" {
		s.apart = "the control's snapshot could not be exported"
		return s.apart, nil //nolint:nilerr // it is the reason, and no failure of this call
	}
	if _, err := s.exec(k.ctx, nil, "set transaction snapshot '"+rows[0][0]+"'", nil); err != nil {
		s.apart = "the candidate could not take the control's snapshot"
		return "", err
	}
	s.snapshot = true
	return "", nil
}

// before runs ahead of the control what has to be: the candidate's preparation
// where it needs the control's snapshot, and a write that is to be rolled back.
func (s *side) before(k *call) {
	if s == nil {
		return
	}
	k.reason, k.unclear = s.prepare(k)
	if k.reason == "" && k.unclear == nil && k.text.Kind == sqltext.Write && s.m.writes == RollbackWrites {
		s.rehearse(k)
	}
}

// ready is the outcome of before; where it says no, the report is out.
func (s *side) ready(k *call, controlErr error) bool {
	if k.reason == "" && k.unclear == nil && controlErr != nil && (outage(controlErr) || k.ctx.Err() != nil) {
		k.unclear = errors.New("the control's connection failed, or its caller left")
		s.part(k.ctx, "the control's connection failed, or its caller left")
	}
	if k.reason == "" && k.unclear == nil {
		return true
	}
	c := s.comparison()
	c.reason = k.reason
	if k.unclear != nil {
		c.reason = k.unclear.Error()
		if s.begun || k.tx.id != 0 {
			s.part(k.ctx, "an earlier statement of the transaction could not be compared")
		}
	}
	s.publish(k, c, result{control: outcome{err: controlErr, took: k.took}}, k.reason != "")
	return false
}
