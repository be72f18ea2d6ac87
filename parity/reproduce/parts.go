package reproduce

import (
	"slices"
	"strconv"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// sentences drops whole statements of a line of many; no part of one, which could do more.
func sentences(list *[]sqltext.Lexeme, without func(at, n int) (bool, error)) error {
	for at := 0; at < len(*list); {
		n := slices.IndexFunc((*list)[at:], func(l sqltext.Lexeme) bool { return l.Text == ";" }) + 1
		if n == 0 {
			n = len(*list) - at
		}
		gone := false
		if n < len(*list) {
			var err error
			if gone, err = without(at, n); err != nil {
				return err
			}
		}
		if !gone {
			at += n
		}
	}
	return nil
}

// members drops members of long lists, such as the rows of an INSERT: many at once, and
// fewer and fewer.
func members(list *[]sqltext.Lexeme, without func(at, n int) (bool, error)) error {
	const long = 16
	for from := 0; ; {
		start, ends := longList(*list, from, long)
		if ends == nil {
			return nil
		}
		from = start + 1
		for chunk := len(ends) / 2; chunk > 0; chunk /= 2 {
			for k := 0; k < len(ends) && len(ends) > 1; {
				// With the comma behind them, or before the last.
				first, to := start, min(k+chunk, len(ends))
				if k > 0 {
					first = ends[k-1]
				}
				n := ends[to-1] - first
				if to == len(ends) {
					first, n = first-1, n+1
				}
				if k == 0 && to == len(ends) {
					break
				}
				gone, err := without(first, n)
				if err != nil {
					return err
				}
				if !gone {
					k = to
					continue
				}
				if start, ends = longList(*list, start, 2); ends == nil || start != from-1 {
					return nil
				}
			}
		}
	}
}

// longList finds, from a place on, a list of as many members in one depth of parentheses:
// where it starts, and where each member ends, its comma included.
func longList(list []sqltext.Lexeme, from, many int) (start int, ends []int) {
	type open struct {
		start int
		ends  []int
	}
	var found *open
	take := func(o open, end int) {
		if len(o.ends)+1 >= many && o.start >= from && (found == nil || o.start < found.start) {
			found = &open{o.start, append(o.ends, end)}
		}
	}
	stack := []open{{}}
	for i, l := range list {
		top := &stack[len(stack)-1]
		switch {
		case l.Text == "(" || l.Text == "[":
			stack = append(stack, open{start: i + 1})
		case (l.Text == ")" || l.Text == "]") && len(stack) > 1:
			take(*top, i)
			stack = stack[:len(stack)-1]
		case l.Text == ",":
			top.ends = append(top.ends, i+1)
		case l.Sort == sqltext.Word && listEdges[l.Name()]:
			take(*top, i)
			*top = open{start: i + 1}
		}
	}
	for _, o := range stack {
		take(o, len(list))
	}
	if found == nil {
		return 0, nil
	}
	return found.start, found.ends
}

// listEdges are words that a list begins after, or ends before.
var listEdges = wordSet("select values from where returning set on order group by having limit offset union intersect except into")

// edges are words at which a part of a statement may begin.
var edges = map[string]bool{
	"and": true, "or": true, "not": true, "where": true, "order": true, "group": true, "having": true, "limit": true, "offset": true, "fetch": true, "for": true,
	"from": true, "join": true, "left": true, "right": true, "inner": true, "outer": true, "full": true, "cross": true, "natural": true, "on": true, "using": true,
	"union": true, "intersect": true, "except": true, "all": true, "returning": true, "as": true, "asc": true, "desc": true, "nulls": true, "distinct": true,
	"case": true, "when": true, "then": true, "else": true, "with": true, "set": true, "values": true, "is": true, "between": true, "in": true, "like": true, "over": true, "filter": true, "window": true, "partition": true, "conflict": true,
}

// whole says whether the n lexemes from at may be a part that can go: with as many
// parentheses opened as closed, and something at one of its ends that divides parts.
func whole(list []sqltext.Lexeme, at, n int) bool {
	first, last := list[at], list[at+n-1]
	inside := at > 0 && list[at-1].Text == "(" && at+n < len(list) && list[at+n].Text == ")"
	if !inside && !divides(first) && !divides(last) {
		return false
	}
	depth := 0
	for _, l := range list[at : at+n] {
		switch l.Text {
		case "(", "[":
			depth++
		case ")", "]":
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

// shorter is the next number of lexemes to drop at once: of a long text not every one.
func shorter(n int) int {
	const every = 100
	return max(n-1-n/4*min(n/every, 1), 0)
}

// stride is how far the next run of n lexemes is from the last: of long ones not every one.
func stride(n int) int { return max(n/25, 1) }

func divides(l sqltext.Lexeme) bool {
	switch l.Sort {
	case sqltext.Mark, sqltext.Operator, sqltext.Comment:
		return true
	case sqltext.Word:
		return edges[l.Name()]
	default:
		return false
	}
}

// rewritten is l with other text, whose parameters are numbered from 1 again. false: a
// parameter has no argument.
func rewritten(l corpus.Line, list []sqltext.Lexeme) (corpus.Line, bool) {
	list = slices.Clone(list)
	to := map[int]int{}
	args := []corpus.Arg{}
	for i := range list {
		if list[i].Sort != sqltext.Param {
			continue
		}
		n, err := strconv.Atoi(list[i].Text[1:])
		if err != nil || n < 1 || n > len(l.Args) && l.Kind != corpus.KindDescribe {
			return l, false
		}
		if to[n] == 0 {
			if to[n] = len(to) + 1; n <= len(l.Args) {
				args = append(args, l.Args[n-1])
			}
		}
		list[i].Text = "$" + strconv.Itoa(to[n])
	}
	l.SQL, l.Args = sqltext.Join(list), args
	return l, true
}
