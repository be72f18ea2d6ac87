package builder

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/fraiseql/fraiseql-go/codec"
)

// A Plan can be used again with other values in place of those that it was built
// with, as long as they have the same shape. Who makes the Definition numbers
// such values by Slots, and knows what their shape is: whether it is null, true or
// false, a number or a string, a list with elements or without. What depends on
// more than that makes the Plan one for its values (Reusable is false).

// ErrRebuild is what Bind answers when a value needs a statement of another form:
// build the Definition anew.
var ErrRebuild = errors.New("the value needs another plan")

// bind is one argument of a Statement that comes from a slot.
type bind struct {
	arg  int
	slot Slot
	make func(leaf []byte) (any, error)
	at   Path
}

// slotted is an argument of an expression on its way into a Statement.
type slotted struct {
	value any // the argument that the Statement is built with
	bind
}

// Reusable says whether Bind works.
func (p *Plan) Reusable() bool { return !p.fixed }

// Bind is p with its arguments made of leaves: JSON values, the one of slot n at
// n-1, of the shape of those that p was built with. p is not changed. What a
// column's type does not take is among the Problems of the error.
func (p *Plan) Bind(leaves [][]byte) (*Plan, error) {
	if p.fixed {
		return nil, ErrRebuild
	}
	if !p.bound {
		return p, nil
	}
	b := binder{leaves: leaves}
	bound := *p
	b.node(&bound.Root)
	if b.err == nil && p.limitSlot > 0 {
		// A number that is none is among the problems of its statement.
		if n, err := leafInt(leaves[p.limitSlot-1]); err == nil {
			bound.Unbounded = n > smallPage && !p.pinned
			if p.Paged {
				bound.Page = n
			}
		}
	}
	if b.err != nil {
		return nil, b.err
	}
	if err := b.probs.err(); err != nil {
		return nil, err
	}
	return &bound, nil
}

type binder struct {
	leaves [][]byte
	probs  problems
	err    error
}

// node gives n, which is a copy, arguments of its own.
func (b *binder) node(n *Node) {
	if binds := n.Statement.binds; len(binds) > 0 {
		args := slices.Clone(n.Statement.Args)
		for i := range binds {
			v := &binds[i]
			a, err := v.make(b.leaves[v.slot-1])
			if err != nil {
				b.failed(err, v.at)
			}
			args[v.arg] = a
		}
		n.Statement.Args = args
	}
	if !slices.ContainsFunc(n.Children, func(c Child) bool { return c.Node.bound() }) {
		return
	}
	n.Children = slices.Clone(n.Children)
	for i := range n.Children {
		b.node(&n.Children[i].Node)
	}
}

// bound says whether Bind changes something of n.
func (n *Node) bound() bool {
	return len(n.Statement.binds) > 0 || slices.ContainsFunc(n.Children, func(c Child) bool { return c.Node.bound() })
}

func (b *binder) failed(err error, at Path) {
	var list Problems
	switch {
	case errors.Is(err, ErrRebuild):
		b.err = err
	case errors.As(err, &list):
		for _, p := range list {
			if p.Path == nil {
				p.Path = at
			}
			b.probs.addf(p.Path, p.Allowed, "%s", p.Message)
		}
	default:
		argumentProblem(&b.probs, err, at)
	}
}

// argumentProblem tells of a value that a type does not take.
func argumentProblem(probs *problems, err error, at Path) {
	if bad, ok := errors.AsType[*codec.ArgumentError](err); ok {
		probs.addf(at, []string{bad.Allowed}, "argument for %s: %s", bad.Type, bad.Reason)
		return
	}
	probs.addf(at, nil, "%s", err)
}

// slotArg is value as one placeholder that Bind fills by make.
func slotArg(value any, cast string, slot Slot, at Path, mk func(leaf []byte) (any, error)) expression {
	if slot <= 0 {
		return arg(value, cast)
	}
	return arg(&slotted{value, bind{slot: slot, at: at, make: mk}}, cast)
}

// rereads makes an argument for Bind by what made it the first time: read, which
// puts what is wrong among the problems.
func rereads(read func(probs *problems, leaf []byte) any) func(leaf []byte) (any, error) {
	return func(leaf []byte) (any, error) {
		probs := &problems{}
		v := read(probs, trimSpace(leaf))
		return v, probs.err()
	}
}

// leafInt is a leaf as a whole number from 0.
func leafInt(leaf []byte) (int64, error) {
	n, err := strconv.ParseInt(string(leaf), 10, 64)
	if err != nil || n < 0 {
		return 0, Problems{{Message: "must be a whole number, not negative"}}
	}
	return n, nil
}

// number is a count for LIMIT or OFFSET, more of them and at most most (0: no
// bound).
func number(n int64, slot Slot, at Path, more, most int64) expression {
	text := func(n int64) string {
		n += more
		if most > 0 {
			n = min(n, most)
		}
		return strconv.FormatInt(n, 10)
	}
	return slotArg(text(n), "int8", slot, at, func(leaf []byte) (any, error) {
		n, err := leafInt(leaf)
		return text(n), err
	})
}

// settle takes the slots out of a Statement's arguments.
func (s *Statement) settle() {
	for i, a := range s.Args {
		v, ok := a.(*slotted)
		if !ok {
			continue
		}
		s.Args[i] = v.value
		b := v.bind
		b.arg = i
		s.binds = append(s.binds, b)
	}
}

// fix says that the plan depends on the value of a slot, not on its shape alone.
func (sc *scope) fix(slot Slot) {
	if slot > 0 {
		sc.shared.fixed = true
	}
}

// leafValue is the value of a slot, or what from finds in it.
func leafValue(from func([]byte) (json.RawMessage, error), leaf []byte) (json.RawMessage, error) {
	if from == nil {
		return leaf, nil
	}
	return from(leaf)
}
