package parity

import (
	"cmp"
	"slices"

	"github.com/fraiseql/fraiseql-go/builder"
)

// bag matches two streams of rows whatever their order. It holds only the rows
// that have not met their equal yet, so two streams in nearly the same order
// need nearly no memory.
type bag struct {
	hash    hasher
	open    map[rowKey]*openRow
	bytes   int64 // of the rows in open, roughly
	limit   int64
	swapped bool // a row met its equal out of step
	full    bool // the limit was passed: nothing can be said any more
}

// openRow is a row seen count times more on one side than on the other:
// positive for the control.
type openRow struct {
	row   *row
	count int64
	first int64 // 1-based position at which it was first seen
}

func newBag(limit int64) *bag { return &bag{open: make(map[rowKey]*openRow), limit: limit} }

// put adds a row of the control (side 1) or of the candidate (side -1).
func (b *bag) put(r *row, side, position int64) {
	if b.full {
		return
	}
	k := b.hash.key(r)
	o, ok := b.open[k]
	if !ok {
		o = &openRow{row: r.clone(), first: position}
		b.open[k] = o
		b.bytes += int64(len(r.data)) + 4*int64(len(r.ends)) + 96
	}
	o.count += side
	if o.count == 0 {
		delete(b.open, k)
		b.bytes -= int64(len(o.row.data)) + 4*int64(len(o.row.ends)) + 96
		b.swapped = true
	}
	if b.bytes > b.limit {
		b.full, b.open = true, nil
	}
}

// finish reports what has no equal.
func (b *bag) finish(c *comparison, statement string, columns []builder.Column) {
	switch {
	case b.full:
		c.inconclusive("too many rows came in another order to hold them in memory")
		return
	case len(b.open) == 0:
		if b.swapped {
			c.rules[RuleBag]++
		}
		return
	}
	missing, extra := []*openRow{}, []*openRow{}
	for _, o := range b.open {
		if o.count > 0 {
			missing = append(missing, o)
		} else {
			extra = append(extra, o)
		}
	}
	byFirst(missing)
	byFirst(extra)
	// A row that differs in a cell is missing on one side and extra on the other:
	// compared as one row when there are equally many of both.
	if len(missing) == len(extra) {
		if b.swapped {
			c.rules[RuleBag]++
		}
		match(missing, extra)
		for i := range missing {
			c.weigh(statement, columns, missing[i].first, missing[i].row, extra[i].row)
		}
		return
	}
	for _, o := range missing {
		c.missing(statement, columns, o.first, o.row)
	}
	for _, o := range extra {
		c.extra(statement, columns, o.row)
	}
}

// matched bounds how many rows are matched by likeness: each is looked at with
// each. Beyond it their places decide.
const matched = 200

// match puts extra into the order of missing, each row beside the one that it
// shares most cells with.
func match(missing, extra []*openRow) {
	if len(missing) > matched {
		return
	}
	for i, m := range missing {
		best, most := i, -1
		for j := i; j < len(extra); j++ {
			if n := m.row.shares(extra[j].row); n > most {
				best, most = j, n
			}
		}
		e := extra[best]
		copy(extra[i+1:best+1], extra[i:best]) // the others keep their order
		extra[i] = e
	}
}

func byFirst(rows []*openRow) {
	slices.SortFunc(rows, func(a, b *openRow) int { return cmp.Compare(a.first, b.first) })
}
