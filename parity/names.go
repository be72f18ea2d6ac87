package parity

import "github.com/fraiseql/fraiseql-go/builder"

// renames matches volatile values: the first pair that differs in a column gets
// a number on both sides, and from then on one may stand where the other stands.
// Each column has pairs of its own: two sequences give the same numbers, and run
// apart by different steps.
type renames struct {
	columns map[columnName]*pairing
	known   map[[2]string]bool // every pair, for the cells that refer to one
}

// columnName is a volatile column of one kind of statement, such as "insert t".
type columnName struct{ statement, column string }

type pairing struct{ control, candidate map[string]int }

// refers says whether the cells a (control) and b (candidate), which differ, are
// known to be the same volatile value.
func (n *renames) refers(a, b string) bool { return n.known[[2]string{a, b}] }

// match says whether the cells a (control) and b (candidate) of a volatile
// column, which differ, are the same value, and remembers a new pair.
func (n *renames) match(a, b string, of columnName) bool {
	if a == "n" || b == "n" {
		return false // NULL on one side only is never volatile
	}
	p := n.columns[of]
	if p == nil {
		p = &pairing{make(map[string]int), make(map[string]int)}
		if n.columns == nil {
			n.columns, n.known = make(map[columnName]*pairing), make(map[[2]string]bool)
		}
		n.columns[of] = p
	}
	i, seenA := p.control[a]
	j, seenB := p.candidate[b]
	if seenA || seenB {
		return seenA && seenB && i == j
	}
	p.control[a], p.candidate[b] = len(p.control), len(p.candidate)
	n.known[[2]string{a, b}] = true
	return true
}

// refers says whether cells that differ are known to be one volatile value, from
// this operation or, on two databases, from one before.
func (c *comparison) refers(a, b string) bool {
	return c.names.refers(a, b) || c.apart != nil && c.apart.refers(a, b)
}

// same says whether cells that differ are one volatile value.
func (c *comparison) same(statement string, col builder.Column, a, b string) bool {
	if col.Volatile {
		return c.names.match(a, b, columnName{statement, col.Name})
	}
	return c.refers(a, b)
}

// named counts the use of an existing rename.
func (c *comparison) named(a, b string) bool {
	if !c.refers(a, b) {
		return false
	}
	c.rules[RuleVolatile]++
	return true
}

// namedArray matches array literals of keys, as nested selections take them,
// member by member.
func (c *comparison) namedArray(a, b string) bool {
	x, y := arrayMembers(a), arrayMembers(b)
	if x == nil || len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] && !c.named("v"+x[i], "v"+y[i]) {
			return false
		}
	}
	return true
}
