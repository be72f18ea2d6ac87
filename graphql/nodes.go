package graphql

import (
	"iter"

	"github.com/vektah/gqlparser/v2/ast"
)

// nodeKind is what a value is after coercion.
type nodeKind uint8

const (
	nodeAbsent nodeKind = iota // not given and without a default; never inside another node
	nodeNull                   // null
	nodeLeaf                   // a scalar; JSON of any form is one leaf
	nodeLeaves                 // a list of scalars (of any depth), as one leaf
	nodeEnum                   // name is the value
	nodeList                   // of enums, input objects or such lists
	nodeObject                 // children have names
)

// nodeID is the place of a node in values.nodes. The zero value is the node of
// kind nodeAbsent.
type nodeID int32

// node is one value of a tree: variables, the literals of a document and the
// defaults of a schema all become these.
type node struct {
	kind nodeKind
	// json is how a leaf is written: 's' string, 'd' number, 't', 'f', 'o' object,
	// 'a' list; 0 for other nodes.
	json byte
	// of nodeLeaves: what the list holds.
	empty, hasNull, nested bool
	// leaf is the place in values.leaves of what the next request of the same shape
	// may have another value for. It is 0 where raw is the document's or the
	// schema's and always the same.
	leaf int32
	// first and next are the first child and the next child of the same parent. A
	// leaf with a child is put together of several (a list or an object of the
	// document with variables in it): recipe serialises it.
	first, next nodeID
	name        string // of a field of an object; the value of an enum
	value       string // of nodeEnum: the value
	raw         []byte // of a leaf: its JSON
}

// values are the values of one operation: what coerce made of the variables and
// literal of the document. It may be used again after reset and is not safe for
// concurrent use.
type values struct {
	in     *inputs
	nodes  []node
	leaves [][]byte // [0] is never used
	// shape is the same for two requests whose values have the same structure: the
	// same keys, enums, booleans, nulls, and the same ways of writing scalars. A
	// plan for the one serves the other with its own leaves.
	shape []byte

	op     *ast.OperationDefinition
	vars   []nodeID // one for each variable of op
	starts []int    // where each variable begins in text; -1 where it is not given
	// The reader of the JSON text.
	text    []byte
	at      int
	broken  bool // text is not JSON: nothing more is told
	rewrite bool // a list in text lacks brackets that its type wants
	depth   int  // Limits.InputDepth, or a number beyond any text
	path    []pathStep
	place   *ast.Position // of the argument that is read; nil for variables
	errs    collector
}

type pathStep struct {
	name  string
	index int
}

// reset empties v and keeps its memory, unless a large request made it large.
func (v *values) reset() {
	const keep = 1 << 12
	if cap(v.nodes) > keep || cap(v.leaves) > keep || cap(v.shape) > 16*keep {
		*v = values{}
	}
	clear(v.nodes)
	clear(v.leaves)
	v.nodes = append(v.nodes[:0], node{})
	v.leaves = append(v.leaves[:0], nil)
	v.shape, v.vars, v.starts, v.path = v.shape[:0], v.vars[:0], v.starts[:0], v.path[:0]
	v.text, v.at, v.broken, v.op, v.in, v.place = nil, 0, false, nil, nil, nil
	v.errs = collector{}
}

func (v *values) add(n node) nodeID {
	v.nodes = append(v.nodes, n)
	return nodeID(len(v.nodes) - 1)
}

// addLeaf adds a scalar of the request.
func (v *values) addLeaf(n node, raw []byte) nodeID {
	v.leaves = append(v.leaves, raw)
	n.leaf, n.raw = int32(len(v.leaves)-1), raw
	return v.add(n)
}

// node is the node at id; it stays valid until the next is added.
func (v *values) node(id nodeID) *node { return &v.nodes[id] }

// variable is the value of $name, or the absent node.
func (v *values) variable(name string) nodeID {
	for i, def := range v.op.VariableDefinitions {
		if def.Variable == name && i < len(v.vars) {
			return v.vars[i]
		}
	}
	return 0
}

// children are the elements of a list or the fields of an object, in the order
// in which they were written; defaults of the schema stand behind them.
func (v *values) children(id nodeID) iter.Seq[nodeID] {
	return func(yield func(nodeID) bool) {
		for c := v.nodes[id].first; c != 0; c = v.nodes[c].next {
			if !yield(c) {
				return
			}
		}
	}
}

// child is the field called name of an object, or the absent node.
func (v *values) child(id nodeID, name string) nodeID {
	for c := v.nodes[id].first; c != 0; c = v.nodes[c].next {
		if v.nodes[c].name == name {
			return c
		}
	}
	return 0
}

// siblings makes a chain of nodes.
type siblings struct{ first, last nodeID }

func (s *siblings) add(v *values, id nodeID, name string) {
	v.nodes[id].name = name
	if s.first == 0 {
		s.first = id
	} else {
		v.nodes[s.last].next = id
	}
	s.last = id
}

// part is a piece of JSON: leaf of the request, or text where leaf is 0.
type part struct {
	leaf int32
	text []byte
}

// recipe appends how the JSON of a node is put together for every request of
// this shape: constant texts and leaves.
func (v *values) recipe(dst []part, id nodeID) []part {
	n := &v.nodes[id]
	switch n.kind {
	case nodeAbsent, nodeNull:
		return text(dst, "null")
	case nodeEnum:
		return text(dst, `"`+n.value+`"`)
	case nodeLeaf:
		if n.first != 0 {
			return v.recipe(dst, n.first)
		}
		return leafPart(dst, n)
	case nodeLeaves:
		if n.leaf != 0 || n.raw != nil {
			return leafPart(dst, n)
		}
	case nodeList, nodeObject:
	}
	open, end := "[", "]"
	if n.kind == nodeObject {
		open, end = "{", "}"
	}
	dst = text(dst, open)
	for c := n.first; c != 0; c = v.nodes[c].next {
		if c != n.first {
			dst = text(dst, ",")
		}
		if n.kind == nodeObject {
			dst = text(dst, `"`+v.nodes[c].name+`":`)
		}
		dst = v.recipe(dst, c)
	}
	return text(dst, end)
}

func leafPart(dst []part, n *node) []part {
	if n.leaf == 0 {
		return text(dst, string(n.raw))
	}
	return append(dst, part{leaf: n.leaf})
}

// text appends a constant, to the last part if that is one too.
func text(dst []part, s string) []part {
	if len(dst) > 0 && dst[len(dst)-1].leaf == 0 {
		last := &dst[len(dst)-1]
		last.text = append(last.text, s...)
		return dst
	}
	return append(dst, part{text: []byte(s)})
}

// appendParts is the JSON that a recipe makes of the leaves of a request.
func appendParts(dst []byte, parts []part, leaves [][]byte) []byte {
	for _, p := range parts {
		if p.leaf != 0 {
			dst = append(dst, leaves[p.leaf]...)
			continue
		}
		dst = append(dst, p.text...)
	}
	return dst
}

// appendJSON appends a node as JSON.
func (v *values) appendJSON(dst []byte, id nodeID) []byte { //nolint:unparam // an append function, as all here
	return appendParts(dst, v.recipe(nil, id), v.leaves)
}
