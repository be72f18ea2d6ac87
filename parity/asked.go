package parity

import (
	"context"
	"slices"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// asked are the rows of a read, as the JSON that answers are made of, which the
// server is asked about although both sides agree.
type asked struct {
	limit, bytes int64
	rows         []answered
	full         bool
}

// answered is one row as both sides have it.
type answered struct {
	control   row
	candidate *row // nil: the same
}

// take keeps the current row; same says that it is the candidate's current row too.
func (a *asked) take(columns []builder.Column, control, candidate *executor.Rows, same bool) {
	if a.full {
		return
	}
	var t answered
	t.control.fillJSON(columns, control)
	if same {
		other := new(row)
		other.fillJSON(columns, candidate)
		if !other.equal(&t.control) {
			t.candidate = other
			a.bytes += int64(len(other.data))
		}
	}
	a.bytes += int64(len(t.control.data)) + 4*int64(len(t.control.ends)) + 64
	a.rows = append(a.rows, t)
	if a.bytes > a.limit {
		a.full, a.rows = true, nil
	}
}

// fillJSON makes r the JSON of the current row; columns for which codec does not
// promise the server's own are left empty.
func (r *row) fillJSON(columns []builder.Column, rows *executor.Rows) {
	r.reset()
	for i, v := range rows.Values() {
		switch {
		case !columns[i].Type.Exact():
		case v == nil:
			r.data = append(r.data, sqlNull...)
		default:
			text, err := columns[i].Type.AppendJSON(r.data, v, rows.Formats()[i])
			if err != nil {
				text = append(text, "unreadable: "+err.Error()...)
			}
			r.data = text
		}
		r.ends = append(r.ends, int32(len(r.data)))
	}
}

// ask asks the server about a read whose backends agree.
func (p *pair) ask(ctx context.Context, s *builder.Statement, l *lockstep) {
	q, ok := asking(s, l.columns)
	if !ok || l.asked.full {
		return
	}
	var answer []*row
	err := p.control.InTx(ctx, nil, func(ctx context.Context, r executor.Runner) error {
		rows, err := r.Query(ctx, q)
		if err != nil {
			return err
		}
		for rows.Next() {
			server := new(row)
			for _, token := range spoken(rows.Values(), l.columns) {
				server.data = append(server.data, token...)
				server.ends = append(server.ends, int32(len(server.data)))
			}
			answer = append(answer, server)
		}
		return rows.Close()
	})
	toldBy(p.control) // it repeats the statement's notices
	if err != nil {
		return // a statement that can't stand in a FROM
	}
	if !l.ordered {
		answer = inOrderOf(l.asked.rows, answer)
	}
	if len(answer) != len(l.asked.rows) {
		return // it has other rows each time: nothing can be said of values
	}
	for i, t := range l.asked.rows {
		p.cmp.contradict(l.name, l.columns, int64(i+1), t, answer[i])
	}
}

// inOrderOf puts the server's rows beside their equals, what has none into the
// places that are left.
func inOrderOf(rows []answered, answer []*row) []*row {
	if len(rows) != len(answer) {
		return nil
	}
	var h hasher
	places := make(map[rowKey][]int, len(rows))
	for i := range rows {
		k := h.key(&rows[i].control)
		places[k] = append(places[k], i)
	}
	out := make([]*row, len(rows))
	var rest []*row
	for _, r := range answer {
		k := h.key(r)
		if at := places[k]; len(at) > 0 {
			out[at[0]], places[k] = r, at[1:]
		} else {
			rest = append(rest, r)
		}
	}
	for i := range out {
		if out[i] == nil && len(rest) > 0 {
			best := 0
			for j := range rest[:min(len(rest), matched)] {
				if rows[i].control.shares(rest[j]) > rows[i].control.shares(rest[best]) {
					best = j
				}
			}
			out[i] = rest[best]
			rest = slices.Delete(rest, best, best+1)
		}
	}
	return out
}

// contradict compares one row with what the server says.
func (c *comparison) contradict(statement string, columns []builder.Column, n int64, t answered, server *row) {
	candidate := t.candidate
	if candidate == nil {
		candidate = &t.control
	}
	if t.control.equal(server) && candidate.equal(server) {
		return
	}
	d := Diff{Kind: DiffServer, Statement: statement, Row: n}
	var at []int
	for i, col := range columns {
		a, b, s := t.control.part(i), candidate.part(i), server.part(i)
		if a == s && b == s {
			continue
		}
		at = append(at, i)
		c.blame(a != s, b != s)
		d.Cells = append(d.Cells, Cell{
			Column: col.Name, Type: col.Type.String(),
			Control: Value{Text: a}, Candidate: Value{Text: b}, Server: &Value{Text: s},
		})
		d.Detail += col.Name + ": control " + a + ", candidate " + b + ", server " + s + "\n"
	}
	c.note(&finding{columns: columns, at: at, Diff: d})
}
