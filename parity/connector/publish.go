package connector

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

func (s *side) publish(k *call, c *comparison, out result, notCompared bool) {
	r := parity.Report{
		Operation: k.text.Name, Class: k.text.Class, Verdict: c.verdict(), Reason: c.reason,
		Control: s.sideOf(0, out.control), Candidate: s.sideOf(1, out.candidate),
		Diffs: c.diffs, Dropped: c.dropped, Uses: c.uses,
	}
	if notCompared {
		r.Verdict = parity.NotCompared
	}
	if len(c.rules) > 0 {
		r.Rules = c.rules
	}
	for i := range r.Diffs {
		r.Diffs[i].Statement = k.text.Name
	}
	s.c.of.reports.write(s.m.h.Publish(context.WithoutCancel(k.ctx), r))
}

func (s *side) sideOf(i int, o outcome) parity.Side {
	p := parity.Side{Backend: s.m.names[i], Duration: o.took, Rows: o.rows}
	if o.err != nil {
		p.Code, p.SQLState = backend.CodeOf(o.err), backend.SQLStateOf(o.err)
	}
	return p
}

// finish settles the comparison and publishes it.
func (s *side) finish(k *call, c *comparison, out result) {
	c.settle()
	if len(c.diffs) > 0 && k.text.Kind == sqltext.Read {
		s.again(k, c)
	}
	if c.noise {
		c.reason = "the control differs from itself when it is run again"
	}
	s.publish(k, c, out, false)
}

// failed reports a fault of the comparison itself.
func (s *side) failed(k *call, v any) {
	defer func() { _ = recover() }() // the publisher panics: nobody is left to tell
	c := s.comparison()
	c.reason = fmt.Sprintf("the comparison failed: %v", v)
	s.part(k.ctx, "the comparison failed in this transaction")
	s.publish(k, c, result{control: outcome{took: k.took}}, false)
}

// raw counts that somebody works on the control's connection itself.
func (s *side) raw() {
	if s == nil {
		return
	}
	k := s.c.call(background, opExec, &sqltext.Text{Name: "raw", Kind: sqltext.Write}, nil)
	k.guard(func() {
		s.part(k.ctx, "the control's connection was used without the connector")
		c := s.comparison()
		c.reason = "the control's connection was used without the connector"
		s.publish(k, c, result{}, true)
	})
}

// reset is told that the pool hands the connection out again.
func (s *side) reset(ctx context.Context) {
	if s == nil {
		return
	}
	if s.open != nil {
		s.open.stop()
	}
	s.rollback(ctx)
	s.apart = ""
	if s.conn == nil {
		return
	}
	err := s.do(ctx, func(ctx context.Context, conn driver.Conn) error {
		if r, ok := conn.(driver.SessionResetter); ok {
			return r.ResetSession(ctx)
		}
		return nil
	})
	if err != nil && s.conn != nil {
		s.abandon(s.conn, nil)
	}
}

func (s *side) close() {
	if s == nil {
		return
	}
	s.over()
	s.candidate.close()
}

func (s *side) closeStmt(st *stmt) {
	if s == nil {
		return
	}
	ds := s.stmts[st]
	if ds == nil {
		return
	}
	delete(s.stmts, st)
	if s.open != nil {
		s.open.stop()
	}
	_ = s.do(background, func(context.Context, driver.Conn) error { return ds.Close() })
}
