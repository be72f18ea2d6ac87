package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"
)

// batch is rows on their way from a pump.
type batch struct {
	rows  [][]driver.Value
	bytes int
	end   bool  // of the result set
	more  bool  // another result set follows, described by columns and types
	err   error // of the end
	names []string
	types []string
}

// Bounds of one batch; a pump holds at most four.
const (
	batchRows  = 64
	batchBytes = 256 << 10
)

// pump reads the candidate's rows on a goroutine of its own, a little ahead of the
// comparison.
type pump struct {
	s              *candidate
	columns, types []string
	batches        chan *batch
	stopped        chan struct{} // closed by stop
	ended          chan struct{} // closed when the rows are closed
	cancel         context.CancelFunc
	halted         bool

	current *batch // that next takes rows from
	at      int
}

func (p *pump) read(rows driver.Rows, once driver.Stmt, width int) {
	defer p.s.m.running.Done()
	defer p.cancel()
	defer close(p.ended)
	defer func() {
		if v := recover(); v != nil {
			p.send(&batch{end: true, err: &panicError{v}})
		}
		closeQuietly(rows, once)
	}()
	dest := make([]driver.Value, width)
	b := &batch{}
	for {
		clear(dest)
		err := rows.Next(dest)
		if err == nil {
			b.rows = append(b.rows, keep(dest))
			b.bytes += size(dest)
			if len(b.rows) >= batchRows || b.bytes >= batchBytes {
				if !p.send(b) {
					return
				}
				b = &batch{}
			}
			continue
		}
		b.end = true
		if !errors.Is(err, io.EOF) {
			b.err = err
		} else if sets, ok := rows.(driver.RowsNextResultSet); ok && sets.HasNextResultSet() {
			if b.err = sets.NextResultSet(); b.err == nil {
				b.more = true
				b.names, b.types = describe(rows)
				dest = make([]driver.Value, len(b.names))
			}
		}
		if !p.send(b) || !b.more {
			return
		}
		b = &batch{}
	}
}

func closeQuietly(rows driver.Rows, once driver.Stmt) {
	defer func() { _ = recover() }() // its rows were compared already
	_ = rows.Close()
	if once != nil {
		_ = once.Close()
	}
}

func (p *pump) send(b *batch) bool {
	select {
	case p.batches <- b:
		return true
	case <-p.stopped:
		return false
	}
}

// next is the next row; io.EOF at the end of a result set, errLate where none came
// in time.
func (p *pump) next() ([]driver.Value, error) {
	for {
		if p.current != nil {
			if p.at < len(p.current.rows) {
				p.at++
				return p.current.rows[p.at-1], nil
			}
			if p.current.end {
				if p.current.err != nil {
					return nil, p.current.err
				}
				return nil, io.EOF
			}
		}
		timer := time.NewTimer(p.s.m.timeout)
		select {
		case p.current = <-p.batches:
			p.at = 0
			timer.Stop()
		case <-timer.C:
			p.s.lose(p)
			p.current = &batch{end: true, err: errLate}
			p.at = 0
			return nil, errLate
		}
	}
}

// nextSet moves to the next result set after next gave io.EOF.
func (p *pump) nextSet() bool {
	if p.current == nil || !p.current.more {
		return false
	}
	p.columns, p.types = p.current.names, p.current.types
	p.current, p.at = nil, 0
	return true
}

// stop ends the reading and waits until the connection is free again, at most
// the deadline.
func (p *pump) stop() {
	if p.halted {
		return
	}
	p.halted = true
	close(p.stopped)
	if p.s.open == p {
		p.s.open = nil
	}
	timer := time.NewTimer(p.s.m.timeout)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.s.lose(p)
	}
}

// held reads all rows, at most limit bytes of them, and gives the connection free.
func (p *pump) held(limit int64) *pump {
	out := &pump{s: p.s, columns: p.columns, types: p.types, halted: true, current: &batch{end: true}}
	for {
		row, err := p.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				out.current.err = err
			}
			p.stop()
			return out
		}
		out.current.rows = append(out.current.rows, row)
		out.current.bytes += size(row)
		if int64(out.current.bytes) > limit {
			out.current.err = errors.New("the candidate's rows are more than may be held in memory")
			p.stop()
			return out
		}
	}
}

// lose gives up a connection whose rows do not come.
func (s *candidate) lose(p *pump) {
	p.cancel()
	if !p.halted {
		p.halted = true
		close(p.stopped)
	}
	s.abandon(s.conn, p.ended)
}
