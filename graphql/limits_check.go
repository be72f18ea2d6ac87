package graphql

import (
	"fmt"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// checkLimits holds a document to l, before validation: the work of validation
// depends on numbers that are bounded here. Its own work is in proportion to the
// text, for each fragment is counted once.
func checkLimits(doc *ast.QueryDocument, l *Limits) Errors {
	c := counter{fragments: make(map[string]*counts, len(doc.Fragments)), input: l.InputDepth}
	for _, f := range doc.Fragments {
		if c.fragments[f.Name] == nil { // validation refuses the second of a name
			c.fragments[f.Name] = &counts{fragment: f}
		}
		c.directives += len(f.Directives)
	}
	if over(len(doc.Fragments), l.Fragments) {
		return limitError("the document has more than " + strconv.Itoa(l.Fragments) + " fragments")
	}
	errs := collector{max: l.Errors}
	exceeds := func(have, limit int, code, what string, op *ast.OperationDefinition) {
		if over(have, limit) {
			errs.add(&Error{Message: fmt.Sprintf(what, limit), Locations: at(op.Position), Code: code})
		}
	}
	for _, op := range doc.Operations {
		c.directives += len(op.Directives)
		for _, v := range op.VariableDefinitions {
			c.directives += len(v.Directives)
			c.inputDepth(v.DefaultValue, 0)
		}
		c.inside = &counts{}
		c.operations = append(c.operations, c.inside)
		n := c.set(op.SelectionSet)
		exceeds(n.fields, l.Cost, codeCost, "the operation has more than %d fields, fragments spread", op)
		exceeds(n.depth, l.Depth, codeLimit, "the operation has fields more than %d deep", op)
		exceeds(n.introspect, l.Introspect, codeLimit, "the operation asks for the schema more than %d fields deep", op)
		exceeds(n.aliases, l.Aliases, codeLimit, "the operation has more than %d aliases, fragments spread", op)
		exceeds(n.roots, l.Roots, codeLimit, "the operation has more than %d root fields", op)
	}
	for _, f := range doc.Fragments {
		c.fragment(f.Name) // those that no operation spreads
	}
	if errs.list == nil && c.walked(doc) > mostWalked {
		return limitError("the document has too many operations that spread the same fragments")
	}
	if c.cycle != nil {
		errs.add(&Error{Message: "the fragment " + quoteShort(c.cycle.Name) + " spreads itself", Locations: at(c.cycle.Position), Code: codeValidation})
	}
	if over(c.directives, l.Directives) {
		errs.add(&Error{Message: "the document has more than " + strconv.Itoa(l.Directives) + " directives", Code: codeLimit})
	}
	if c.tooDeep != nil {
		errs.add(&Error{Message: "a value nests more than " + strconv.Itoa(l.InputDepth) + " deep", Locations: at(c.tooDeep), Code: codeLimit})
	}
	return errs.errors()
}

func over(have, limit int) bool { return limit > 0 && have > limit }

// counts are of a selection set with its fragments spread.
type counts struct {
	depth      int // fields in fields
	introspect int // the same below __schema and __type
	fields     int
	aliases    int
	roots      int // fields of the set itself

	fragment *ast.FragmentDefinition // whose counts these are
	state    int                     // of it: 0 not counted, 1 being counted, 2 counted
	own      int                     // selections of it, without those of other fragments
	spreads  []*counts               // the fragments that it spreads
	walked   int                     // the operation that was last seen to reach it
}

// mostWalked is how many selections validation may look at. It walks through all
// that an operation reaches for each operation; a document at the limit of tokens
// has less than 2,000 selections.
const mostWalked = 10_000

// walked is how many that are.
func (c *counter) walked(doc *ast.QueryDocument) int {
	total := 0
	var reach func(f *counts, op int)
	reach = func(f *counts, op int) {
		if f.walked == op || total > mostWalked {
			return
		}
		f.walked = op
		total += f.own + 1
		for _, next := range f.spreads {
			reach(next, op)
		}
	}
	for i := range doc.Operations {
		reach(c.operations[i], i+1)
	}
	return total
}

// most is where counts stop: 100 fragments that each spread the next one twice
// have 2^100 fields.
const most = 1 << 30

func (n *counts) add(m counts) {
	n.depth = max(n.depth, m.depth)
	n.introspect = max(n.introspect, m.introspect)
	n.fields = min(most, n.fields+m.fields)
	n.aliases = min(most, n.aliases+m.aliases)
	n.roots = min(most, n.roots+m.roots)
}

type counter struct {
	operations []*counts
	inside     *counts // what is being counted
	fragments  map[string]*counts
	directives int
	input      int // Limits.InputDepth
	tooDeep    *ast.Position
	cycle      *ast.FragmentSpread
}

func (c *counter) set(set ast.SelectionSet) counts {
	var n counts
	for _, selection := range set {
		c.inside.own++
		switch s := selection.(type) {
		case *ast.Field:
			n.add(c.field(s))
		case *ast.InlineFragment:
			c.directives += len(s.Directives)
			c.arguments(s.Directives)
			n.add(c.set(s.SelectionSet))
		case *ast.FragmentSpread:
			c.directives += len(s.Directives)
			c.arguments(s.Directives)
			if f := c.fragments[s.Name]; f != nil {
				c.inside.spreads = append(c.inside.spreads, f)
				if f.state == 1 {
					c.cycle = s
				}
			}
			n.add(c.fragment(s.Name))
		}
	}
	return n
}

func (c *counter) field(f *ast.Field) counts {
	c.directives += len(f.Directives)
	c.arguments(f.Directives)
	for _, arg := range f.Arguments {
		c.inputDepth(arg.Value, 0)
	}
	n := c.set(f.SelectionSet)
	n.roots = 1
	n.fields = min(most, n.fields+1)
	if f.Alias != f.Name {
		n.aliases = min(most, n.aliases+1)
	}
	if f.Name == "__schema" || f.Name == "__type" {
		n.introspect, n.depth = n.depth+1, 1
	} else {
		n.depth++
	}
	return n
}

func (c *counter) fragment(name string) counts {
	f := c.fragments[name]
	if f == nil || f.state == 1 {
		return counts{}
	}
	if f.state == 0 {
		around := c.inside
		f.state, c.inside = 1, f
		f.add(c.set(f.fragment.SelectionSet))
		f.state, c.inside = 2, around
	}
	return counts{depth: f.depth, introspect: f.introspect, fields: f.fields, aliases: f.aliases, roots: f.roots}
}

func (c *counter) arguments(directives ast.DirectiveList) {
	for _, d := range directives {
		for _, arg := range d.Arguments {
			c.inputDepth(arg.Value, 0)
		}
	}
}

// inputDepth finds values that nest too deep: lists and objects in lists and
// objects.
func (c *counter) inputDepth(value *ast.Value, depth int) {
	if value == nil || value.Kind != ast.ListValue && value.Kind != ast.ObjectValue {
		return
	}
	if over(depth+1, c.input) {
		c.tooDeep = value.Position
		return
	}
	for _, child := range value.Children {
		c.inputDepth(child.Value, depth+1)
	}
}
