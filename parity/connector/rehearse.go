package connector

import (
	"database/sql/driver"
)

// rehearsal is a write that the candidate has run and rolled back.
type rehearsal struct {
	res  driver.Result
	err  error
	pump *pump
}

// rehearse runs a write on the candidate ahead of the control, with its
// constraints made immediate, and rolls it back: the candidate's locks are gone
// before the control needs them.
func (s *side) rehearse(k *call) {
	k.rehearsed = &rehearsal{}
	r := k.rehearsed
	if _, r.err = s.exec(k.ctx, nil, "begin read write", nil); r.err != nil {
		return
	}
	if k.op == opQuery {
		var p *pump
		if p, r.err = s.start(k.ctx, k.stmt, k.text.SQL, originals(k.args)); r.err == nil {
			r.pump = p.held(s.m.maxBytes)
		}
	} else {
		r.res, r.err = s.exec(k.ctx, k.stmt, k.text.SQL, originals(k.args))
	}
	if r.err == nil {
		_, r.err = s.exec(k.ctx, nil, "set constraints all immediate", nil)
	}
	if _, err := s.exec(k.ctx, nil, "rollback", nil); err != nil && s.conn != nil {
		s.abandon(s.conn, nil)
	}
}
