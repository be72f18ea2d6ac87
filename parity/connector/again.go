package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
)

// again runs a read that differed once more, on connections of its own: twice on
// the control, and with one database on the candidate, all in one exported
// snapshot. What is the same there differed because others wrote in between; what
// the control gives differently each time is noise. Both are possible only where
// the read depends on nothing that its transaction has done.
func (s *side) again(k *call, c *comparison) {
	if k.tx.wrote || k.tx.strict || k.text.Multi || len(c.diffs) == 0 || c.noise {
		return
	}
	s.m.again.Lock()
	defer s.m.again.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx), 2*s.m.timeout)
	defer cancel()
	type found struct {
		once, twice, other *seen
		err                error
	}
	done := make(chan found, 1)
	s.m.running.Go(func() {
		var f found
		defer func() {
			if v := recover(); v != nil {
				f = found{err: &panicError{v}}
			}
			done <- f
		}()
		f.once, f.twice, f.other, f.err = s.three(ctx, k)
	})
	var f found
	select {
	case f = <-done:
	case <-ctx.Done():
		f.err = errLate
	}
	if f.err != nil {
		return // what was seen stands
	}
	s.judge(k, c, f.once, f.twice, f.other)
}

// seen is what one run gave.
type seen struct {
	names, types []string
	rows         [][]driver.Value
	err          error
}

// maxAgain bounds the rows of one run.
const maxAgain = 10_000

func (s *side) three(ctx context.Context, k *call) (once, twice, other *seen, err error) {
	var snapshot string
	run := func(connector driver.Connector, args []driver.NamedValue) (*seen, func(), error) {
		conn, err := connector.Connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		end := func() { _ = conn.Close() }
		for _, sql := range append(append([]string{}, s.settings...), "begin isolation level repeatable read read only") {
			if _, err := execute(ctx, conn, nil, sql, nil); err != nil {
				return nil, end, err
			}
		}
		if snapshot == "" {
			rows, err := ask(ctx, conn, "select pg_catalog.pg_export_snapshot()::text")
			if err != nil || len(rows) != 1 || strings.Trim(rows[0][0], "0123456789ABCDEF-") != "" {
				return nil, end, errors.New("no snapshot")
			}
			snapshot = rows[0][0]
		} else if _, err := execute(ctx, conn, nil, "set transaction snapshot '"+snapshot+"'", nil); err != nil {
			return nil, end, err
		}
		out, err := collect(ctx, conn, k.text.SQL, args)
		return out, end, err
	}
	var ends []func()
	defer func() {
		for _, end := range ends {
			end()
		}
	}()
	step := func(connector driver.Connector, args []driver.NamedValue) *seen {
		if err != nil {
			return nil
		}
		var out *seen
		var end func()
		out, end, err = run(connector, args)
		if end != nil {
			ends = append(ends, end)
		}
		return out
	}
	once = step(s.m.control, originals(k.args))
	twice = step(s.m.control, originals(k.args))
	if s.m.writes != MirrorWrites {
		other = step(s.m.candidate, originals(k.args))
	}
	return once, twice, other, err
}

func collect(ctx context.Context, conn driver.Conn, query string, args []driver.NamedValue) (*seen, error) {
	out := &seen{}
	rows, once, err := startRows(ctx, conn, nil, query, args)
	if err != nil {
		out.err = err
		return out, nil
	}
	defer closeQuietly(rows, once)
	out.names, out.types = describe(rows)
	dest := make([]driver.Value, len(out.names))
	for {
		clear(dest)
		err := rows.Next(dest)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			out.err = err
			return out, nil
		}
		if len(out.rows) >= maxAgain {
			return nil, errors.New("too many rows to run it again")
		}
		out.rows = append(out.rows, keep(dest))
	}
}

// judge decides what the runs say of the differences in c.
func (s *side) judge(k *call, c *comparison, once, twice, other *seen) {
	noisy := unstable(once, twice)
	if other != nil {
		fresh := s.comparison()
		s.compareSeen(k, fresh, once, other)
		if len(fresh.diffs) == 0 {
			c.diffs, c.dropped = nil, 0
			for rule, n := range fresh.rules {
				c.rules[rule] += n
			}
			c.rules[RuleConcurrent]++
			return
		}
		c.diffs, c.dropped = fresh.diffs, fresh.dropped
	}
	for _, d := range c.diffs {
		if len(d.Cells) == 0 && !noisy[""] {
			return
		}
		for _, cell := range d.Cells {
			if !noisy[cell.Column] && !noisy[""] {
				return
			}
		}
	}
	c.noise = len(noisy) > 0
}

// unstable are the columns in which two runs of the control differ; "" where their
// shape does.
func unstable(a, b *seen) map[string]bool {
	noisy := make(map[string]bool)
	if len(a.rows) != len(b.rows) || (a.err == nil) != (b.err == nil) {
		noisy[""] = true
		return noisy
	}
	for i := range a.rows {
		for j, name := range a.names {
			if canonical(strings.ToUpper(a.types[j]), a.rows[i][j]).canon != canonical(strings.ToUpper(b.types[j]), b.rows[i][j]).canon {
				noisy[name] = true
			}
		}
	}
	return noisy
}

func (s *side) compareSeen(k *call, c *comparison, control, candidate *seen) {
	if !c.errs(control.err, candidate.err) || !c.names(control.names, candidate.names) {
		return
	}
	columns := columnsOf(control.names, control.types, candidate.types)
	cells := func(values []driver.Value) []cell {
		out := make([]cell, len(columns))
		for i := range out {
			out[i] = canonical(columns[i].typ, values[i])
		}
		return out
	}
	b := &bag{open: make(map[string]*openRow), limit: s.m.maxBytes}
	for i := range max(len(control.rows), len(candidate.rows)) {
		var x, y []cell
		if i < len(control.rows) {
			x = cells(control.rows[i])
		}
		if i < len(candidate.rows) {
			y = cells(candidate.rows[i])
		}
		if x != nil && y != nil && (k.text.Ordered || key(x) == key(y)) {
			c.pair(columns, int64(i+1), x, y)
			continue
		}
		if x != nil {
			b.put(x, 1, int64(i+1))
		}
		if y != nil {
			b.put(y, -1, int64(i+1))
		}
	}
	b.finish(c, columns)
	c.settle()
}
