package connector

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// part gives up the rest of the transaction: the candidate's is rolled back.
func (s *side) part(ctx context.Context, why string) {
	if s.c.tx.id == 0 && !s.begun {
		return
	}
	if s.apart == "" {
		s.apart = why
	}
	s.rollback(ctx)
}

// rollback ends the candidate's transaction where there is one.
func (s *side) rollback(ctx context.Context) {
	if s.begun && s.conn != nil {
		if s.open != nil {
			s.open.stop()
		}
		err := s.endTx(ctx, "rollback")
		if err != nil && s.conn != nil {
			s.abandon(s.conn, nil)
		}
	}
	s.over()
}

// over forgets the candidate's transaction.
func (s *side) over() {
	if s.txCancel != nil {
		s.txCancel()
	}
	s.begun, s.snapshot, s.tx, s.txCancel = false, false, nil, nil
}

// endTx ends the candidate's transaction by the same way as it was begun.
func (s *side) endTx(ctx context.Context, verb string) error {
	t := s.tx
	return s.do(ctx, func(ctx context.Context, conn driver.Conn) error {
		switch {
		case t == nil:
			_, err := execute(ctx, conn, nil, verb, nil)
			return err
		case verb == "commit":
			return t.Commit()
		}
		return t.Rollback()
	})
}

// began mirrors a BEGIN that the control's driver has made.
func (s *side) began(k *call, o driver.TxOptions, err error) {
	k.reason, k.unclear = s.prepare(k)
	if !s.ready(k, err) {
		if err == nil && s.apart == "" {
			s.apart = "its beginning could not be compared"
		}
		return
	}
	if s.m.writes != MirrorWrites {
		o.ReadOnly = true
		if k.text.Strict { // one that only reads needs no more, and can take a snapshot
			o.Isolation = driver.IsolationLevel(sql.LevelRepeatableRead)
		}
	}
	// Drivers keep the context until the transaction ends.
	ctx, cancel := context.WithCancel(context.WithoutCancel(k.ctx))
	start := time.Now()
	got := make(chan driver.Tx, 1)
	candidateErr := s.run(ctx, cancel, func(ctx context.Context, conn driver.Conn) error {
		t, err := beginOn(ctx, conn, o)
		got <- t
		return err
	})
	c := s.comparison()
	c.errs(err, candidateErr)
	if candidateErr == nil {
		s.begun, s.tx, s.txCancel = true, <-got, cancel
	} else {
		cancel()
	}
	if (err == nil) != (candidateErr == nil) {
		s.part(k.ctx, "the transaction began on one side only")
		s.apart = "the transaction began on one side only"
	}
	s.finish(k, c, result{control: outcome{err: err, took: k.took}, candidate: outcome{err: candidateErr, took: time.Since(start)}})
}

// ended mirrors a COMMIT or ROLLBACK that the control's driver has made.
func (s *side) ended(k *call, err error) {
	defer func() { s.apart = "" }()
	k.reason, k.unclear = s.prepare(k)
	if k.reason == "" && k.unclear == nil && !s.begun {
		k.unclear = errors.New("the candidate's transaction was lost")
	}
	if !s.ready(k, err) {
		s.rollback(k.ctx)
		return
	}
	start := time.Now()
	candidateErr := s.endTx(k.ctx, string(k.op))
	s.over()
	c := s.comparison()
	c.errs(err, candidateErr)
	s.finish(k, c, result{control: outcome{err: err, took: k.took}, candidate: outcome{err: candidateErr, took: time.Since(start)}})
}

// follow keeps the candidate's transaction where the control's is.
func (s *side) follow(k *call, err, candidateErr error) {
	if k.text.Kind == sqltext.Session && err == nil && candidateErr == nil && !k.text.Local && k.tx.id == 0 {
		s.remember(k)
	}
	if k.text.Kind == sqltext.Write {
		s.m.forget()
	}
	switch k.text.Tx {
	case sqltext.Begin:
		if candidateErr == nil && err == nil {
			s.begun = true
			return
		}
	case sqltext.End:
		s.over()
		return
	case sqltext.None, sqltext.Savepoint:
	}
	if (err == nil) == (candidateErr == nil) && (err == nil || inServer(err) == inServer(candidateErr)) {
		return
	}
	if k.tx.id != 0 || k.text.Tx == sqltext.Begin {
		s.part(k.ctx, "the transaction has gone apart: a statement failed on one side only")
	}
}

// inServer says that err aborted the transaction: the server has said it.
func inServer(err error) bool { return backend.SQLStateOf(err) != "" }

// remember keeps a setting for a new connection.
func (s *side) remember(k *call) {
	if len(k.args) > 0 || len(s.settings) >= maxSettings || k.text.Multi {
		s.forgot = true
		return
	}
	word, _, _ := strings.Cut(k.text.Name, " ")
	switch word {
	case "prepare", "deallocate": // they are of the connection
		return
	case "discard":
		s.settings = nil
	}
	if !slices.Contains(s.settings, k.text.SQL) {
		s.settings = append(s.settings, k.text.SQL)
	}
}
