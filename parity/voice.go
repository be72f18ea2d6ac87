package parity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
)

// The third voice is the server: what its own to_json says of each value. No driver
// has a part in that but to carry a text, and codec promises the same bytes for
// what a driver gave. So it says who is wrong where the two differ, and that both
// are where they agree on something else.

// maxAsked bounds the columns that the server is asked about.
const maxAsked = 800

// asking is s with each column as the server's JSON of it; false where s can't
// stand in a FROM.
func asking(s *builder.Statement, columns []builder.Column) (*builder.Statement, bool) {
	if len(columns) == 0 || len(columns) > maxAsked {
		return nil, false
	}
	_, names, list := columnLists(columns)
	return &builder.Statement{
		Name: s.Name + ", as the server has it", Effect: builder.Read, Ordered: s.Ordered, Args: s.Args,
		SQL: "select " + list + " from (\n" + inside(s.SQL) + "\n) q(" + names + ")",
	}, true
}

// inside is a statement's text as a part of another's; it may end in a comment.
func inside(sql string) string { return strings.TrimRight(sql, "; \t\r\n") }

// columnLists are the columns of q, their names, and the server's JSON of each.
func columnLists(columns []builder.Column) (values, names, json string) {
	var v, n, j []string
	for i, col := range columns {
		name := fmt.Sprintf("c%d", i)
		v, n = append(v, "q."+name), append(n, name)
		if col.Type.Exact() {
			j = append(j, "pg_catalog.to_json(q."+name+")::pg_catalog.text")
		} else {
			j = append(j, "null::pg_catalog.text")
		}
	}
	return strings.Join(v, ", "), strings.Join(n, ", "), strings.Join(j, ", ")
}

// sqlNull stands for NULL, which has the JSON of a jsonb null, and is another value.
const sqlNull = "NULL"

// jsonCell is the JSON of a canonical cell.
func jsonCell(t *codec.Type, cell string) string {
	if cell == "n" {
		return sqlNull
	}
	text, err := t.AppendJSON(nil, []byte(cell[1:]), codec.Text)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return string(text)
}

// spoken is the server's JSON in the values of a row; "" where it was not asked.
func spoken(values [][]byte, columns []builder.Column) []string {
	list := make([]string, len(columns))
	for i, v := range values {
		switch {
		case !columns[i].Type.Exact():
		case v == nil:
			list[i] = sqlNull
		default:
			list[i] = string(v)
		}
	}
	return list
}

// hear asks the server about findings of one statement, in tx.
func (p *pair) hear(ctx context.Context, tx *executor.Tx, s *builder.Statement, columns []builder.Column, list []*finding, first, candidate outcome) {
	q, ok := asking(s, columns)
	if !ok {
		return
	}
	ordered := p.ordered(s)
	heard := make([]hearing, len(list))
	var n int64
	err := tx.InTx(ctx, nil, func(ctx context.Context, r executor.Runner) error {
		rows, err := r.Query(ctx, q)
		if err != nil {
			return err
		}
		for rows.Next() {
			n++
			tokens := spoken(rows.Values(), columns)
			for k, f := range list {
				if f.Kind == DiffValue && (!ordered || f.Row == n) {
					heard[k].take(f, tokens, ordered)
				}
			}
		}
		return rows.Close()
	})
	if outage(err) || backend.CodeOf(err) == backend.CodeTimeout {
		return
	}
	for k, f := range list {
		switch f.Kind {
		case DiffError:
			state := backend.SQLStateOf(err)
			if state != "" && state != f.failures[0].SQLState && state != f.failures[1].SQLState {
				continue // the server only refused the question
			}
			p.cmp.blame(state != f.failures[0].SQLState, state != f.failures[1].SQLState)
		case DiffMissing, DiffExtra:
			if err == nil {
				p.cmp.blame(n != first.rows, n != candidate.rows)
			}
		case DiffValue:
			if err == nil {
				p.cmp.blame(f.sentence(heard[k].tokens))
			}
		default: // the server has no word on these
		}
	}
}

// blame takes note of who is wrong.
func (c *comparison) blame(control, candidate bool) {
	c.wrong[0], c.wrong[1] = c.wrong[0] || control, c.wrong[1] || candidate
}

// voice is Report.Wrong.
func (c *comparison) voice() Voice {
	switch {
	case c.wrong[0] && c.wrong[1]:
		return VoiceBoth
	case c.wrong[0]:
		return VoiceControl
	case c.wrong[1]:
		return VoiceCandidate
	}
	return ""
}

// hearing is the server's row for one finding.
type hearing struct {
	tokens []string
	sure   bool // it is what one of the two said
}

// take looks whether a row of the server's is the one in question. Without an order
// that is a row which says what both sides agree on; of several the one that
// agrees with either counts.
func (h *hearing) take(f *finding, tokens []string, ordered bool) {
	if h.sure {
		return
	}
	if !ordered {
		for i, token := range tokens {
			if token != "" && f.agreed(i) && jsonCell(f.columns[i].Type, f.a.cell(i)) != token {
				return
			}
		}
	}
	control, candidate := f.against(tokens)
	if h.tokens == nil || !control || !candidate {
		h.tokens, h.sure = tokens, !control || !candidate
	}
}

// against says whether the server's row contradicts the control, and the candidate,
// in columns that are not noise.
func (f *finding) against(tokens []string) (control, candidate bool) {
	for _, i := range f.stuck {
		if tokens[i] == "" {
			continue
		}
		control = control || jsonCell(f.columns[i].Type, f.a.cell(i)) != tokens[i]
		candidate = candidate || jsonCell(f.columns[i].Type, f.b.cell(i)) != tokens[i]
	}
	return control, candidate
}

// sentence writes the server's words into the cells and says who is wrong.
func (f *finding) sentence(tokens []string) (control, candidate bool) {
	if tokens == nil { // it has no such row, or was not asked
		return false, false
	}
	for k, i := range f.at {
		if tokens[i] == "" || !slices.Contains(f.stuck, i) {
			continue
		}
		cell := &f.Cells[k]
		switch tokens[i] {
		case jsonCell(f.columns[i].Type, f.a.cell(i)):
			cell.Server = new(cell.Control)
		case jsonCell(f.columns[i].Type, f.b.cell(i)):
			cell.Server = new(cell.Candidate)
		default:
			cell.Server = &Value{Text: tokens[i]}
		}
	}
	return f.against(tokens)
}
