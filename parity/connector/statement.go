package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// executed mirrors a statement without rows.
func (s *side) executed(k *call, res driver.Result, err error) {
	if !s.ready(k, err) {
		return
	}
	c := s.comparison()
	start := time.Now()
	var candidate driver.Result
	var candidateErr error
	switch {
	case k.text.Kind == sqltext.Write && s.m.writes == DescribeWrites:
		s.describeOnly(k, c, err)
		return
	case k.rehearsed != nil:
		candidate, candidateErr = k.rehearsed.res, k.rehearsed.err
	case s.m.writes != MirrorWrites && k.text.Tx == sqltext.Begin:
		candidate, candidateErr = s.exec(k.ctx, nil, readOnlyBegin(k.text.Strict), nil)
	default:
		candidate, candidateErr = s.exec(k.ctx, k.stmt, k.text.SQL, s.m.translate(k.args))
	}
	took := time.Since(start)
	out := result{control: outcome{err: err, took: k.took}, candidate: outcome{err: candidateErr, took: took}}
	if c.errs(err, candidateErr) {
		out.control.rows, out.candidate.rows = c.affected(k, res, candidate)
	}
	s.follow(k, err, candidateErr)
	s.finish(k, c, out)
}

func readOnlyBegin(strict bool) string {
	if strict {
		return "begin isolation level repeatable read read only"
	}
	return "begin read only"
}

// affected compares what Result says.
func (c *comparison) affected(k *call, control, candidate driver.Result) (int64, int64) {
	n, err := control.RowsAffected()
	m, candidateErr := candidate.RowsAffected()
	switch {
	case (err == nil) != (candidateErr == nil):
		if k.text.Kind == sqltext.Empty {
			c.rules["rows affected of an empty statement"]++
			break
		}
		c.add(parity.Diff{Kind: parity.DiffAffected, Detail: fmt.Sprintf("- %d, %v\n+ %d, %v", n, err, m, candidateErr)})
	case err == nil && n != m:
		c.add(parity.Diff{Kind: parity.DiffAffected, Detail: fmt.Sprintf("- %d\n+ %d", n, m)})
	}
	id, err := control.LastInsertId()
	candidateID, candidateErr := candidate.LastInsertId()
	if (err == nil) != (candidateErr == nil) || err == nil && id != candidateID {
		c.add(parity.Diff{Kind: parity.DiffAffected, Detail: fmt.Sprintf("- last insert id %d, %v\n+ last insert id %d, %v", id, err, candidateID, candidateErr)})
	}
	return n, m
}

// queryFailed mirrors a statement that failed when the control sent it: one driver
// says so then, another with the first row.
func (s *side) queryFailed(k *call, err error) {
	if s == nil || !s.ready(k, err) {
		return
	}
	if k.text.Kind == sqltext.Write && s.m.writes == DescribeWrites {
		s.describeOnly(k, s.comparison(), err)
		return
	}
	c := s.comparison()
	start := time.Now()
	var candidateErr error
	if k.rehearsed != nil {
		candidateErr = k.rehearsed.err
	} else {
		var p *pump
		p, candidateErr = s.start(k.ctx, k.stmt, k.text.SQL, s.m.translate(k.args))
		if candidateErr == nil {
			for candidateErr == nil {
				_, candidateErr = p.next()
			}
			candidateErr = noEOF(candidateErr)
			p.stop()
		}
	}
	c.errs(err, candidateErr)
	s.follow(k, err, candidateErr)
	s.finish(k, c, result{control: outcome{err: err, took: k.took}, candidate: outcome{err: candidateErr, took: time.Since(start)}})
}

// queried mirrors a statement with rows; nil where nothing is compared.
func (s *side) queried(k *call, control driver.Rows) *lockstep {
	if !s.ready(k, nil) {
		return nil
	}
	if k.text.Kind == sqltext.Write && s.m.writes == DescribeWrites {
		s.describeOnly(k, s.comparison(), nil)
		return nil
	}
	start := time.Now()
	var p *pump
	var err error
	if k.rehearsed != nil {
		p, err = k.rehearsed.pump, k.rehearsed.err
	} else {
		p, err = s.start(k.ctx, k.stmt, k.text.SQL, s.m.translate(k.args))
	}
	l := s.lockstep(k, control, p, err)
	l.took = time.Since(start)
	return l
}

// prepareFailed compares how preparing fails; in a transaction it aborts it on both
// sides.
func (s *side) prepareFailed(k *call, err error) {
	if s == nil {
		return
	}
	s.before(k)
	if !s.ready(k, err) {
		return
	}
	c := s.comparison()
	start := time.Now()
	candidateErr := s.do(k.ctx, func(ctx context.Context, conn driver.Conn) error {
		ds, err := prepareOn(ctx, conn, k.text.SQL)
		if err == nil {
			err = ds.Close()
		}
		return err
	})
	c.errs(err, candidateErr)
	s.follow(k, err, candidateErr)
	s.finish(k, c, result{control: outcome{err: err, took: k.took}, candidate: outcome{err: candidateErr, took: time.Since(start)}})
}

// describeOnly prepares a write on the candidate and never runs it.
func (s *side) describeOnly(k *call, c *comparison, err error) {
	start := time.Now()
	candidateErr := s.do(k.ctx, func(ctx context.Context, conn driver.Conn) error {
		ds, err := prepareOn(ctx, conn, k.text.SQL)
		if err != nil {
			return err
		}
		args, err := checked(conn, ds, originals(k.args))
		if err == nil {
			err = inputs(ds, args)
		}
		return errors.Join(err, ds.Close())
	})
	out := result{control: outcome{err: err, took: k.took}, candidate: outcome{err: candidateErr, took: time.Since(start)}}
	switch {
	case candidateErr == nil:
		// The control may have failed on a value, which describing never sees.
		c.reason = "described only: the candidate takes the statement and the number of its arguments"
		s.publish(k, c, out, true)
		return
	case err == nil:
		c.errs(nil, candidateErr)
	default:
		c.errs(err, candidateErr)
	}
	if k.tx.id != 0 {
		s.part(k.ctx, "the statement that was described failed on the candidate")
	}
	s.finish(k, c, out)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
