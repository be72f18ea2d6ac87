package builder

import (
	"iter"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Operator is one row of the operator table: the only place that says which
// operators exist. The parser's hints, the conditions in SQL, the reference
// page, GraphQL's inputs and the parity corpus are all made from it.
//
// Several rows may share a Name where the same word means different SQL for
// different families of types ("contains" of a text and of an array). No two
// rows of one name accept the same type.
type Operator struct {
	// Name is the canonical spelling, snake_case. Its camelCase spelling and
	// those of Aliases are understood as well.
	Name    string
	Aliases []string
	Family  string // for the reference: "comparison", "text", "array", …
	// Accepts is the set of families that the field may have.
	Accepts codec.Kind
	// Operand is the shape of the JSON value.
	Operand Operand
	// SQL is the condition: {x} is the field, {v} the operand as a parameter.
	SQL string
	// Doc says in one or two sentences what the operator is for and where its
	// edges are. Example is a whole filter.
	Doc, Example string
	// Extension is the extension that the SQL needs, where the type alone does
	// not show that it is there.
	Extension string

	cast   string    // the type that the operand is bound as; "" for the field's
	affix  [2]string // Pattern: wildcards before and after the text
	only   []string  // type names; nil for every type of Accepts
	except []string  // type names that are not taken
}

// Operand is the shape of an operator's JSON value.
type Operand uint8

// The shapes of operands.
const (
	Same     Operand = iota // a value of the field's type
	Flag                    // true, or false for the opposite condition
	List                    // a list of values of the field's type, none of them null
	Pair                    // a list of two values of the field's type: lowest and highest
	Element                 // a value of the type inside an array, range or multirange
	Text                    // a string of its own kind: a pattern, a query, a path
	Literal                 // a string whose wildcards stand for themselves
	TextList                // a list of strings
	Integer                 // a whole number
	Search                  // a string, or {"query": "…", "config": "english"}
	Rank                    // {"query": "…", "threshold": 0.1, "config": "english"}
	Distance                // {"to": value, "threshold": 5, "comparison": "lte"}
)

var operandDocs = [...]string{
	Same: "value of the field's type", Flag: "true or false", List: "list of values", Pair: "[low, high]",
	Element: "value of the element type", Text: "string", Literal: "string, taken literally", TextList: "list of strings",
	Integer: "whole number", Search: `string or {"query","config"}`, Rank: `{"query","threshold","config"}`,
	Distance: `{"to","threshold","comparison"}`,
}

// String describes the operand for people: "list of values".
func (o Operand) String() string { return operandDocs[o] }

// Sets of families that several operators share.
const (
	equalKinds = codec.KindBool | codec.KindJSONB | codec.KindHStore | codec.KindTSVector | codec.KindTSQuery | orderKinds
	orderKinds = codec.KindInt | codec.KindFloat | codec.KindNumeric | codec.KindMoney | codec.KindText | codec.KindBytes |
		codec.KindDate | codec.KindTime | codec.KindTimestamp | codec.KindInterval | codec.KindUUID | codec.KindEnum |
		codec.KindArray | codec.KindRange | codec.KindMultirange | codec.KindInet | codec.KindMAC | codec.KindBit |
		codec.KindLTree | codec.KindCube | codec.KindVector | codec.KindOID | codec.KindLSN
	anyKind    = codec.KindOther<<1 - 1
	jsonKinds  = codec.KindJSON | codec.KindJSONB
	rangeKinds = codec.KindRange | codec.KindMultirange
)

// noOrder are types of an ordered family that have equality only.
var noOrder = []string{"xid", "cid"}

// operators is the table, made once from one list for each family.
var operators = slices.Concat(
	comparisonOperators, textOperators, arrayOperators, jsonOperators, searchOperators,
	rangeOperators, networkOperators, ltreeOperators, distanceOperators,
)

// Operators are all rows of the operator table, family by family.
func Operators() iter.Seq[Operator] { return slices.Values(operators) }

// operatorIndex has every spelling of every operator.
var operatorIndex = func() map[string][]*Operator {
	index := make(map[string][]*Operator, 4*len(operators))
	for i := range operators {
		op := &operators[i]
		for _, name := range op.Spellings() {
			index[name] = append(index[name], op)
		}
	}
	return index
}()

// Spellings are all words that mean op, the canonical one first.
func (op *Operator) Spellings() []string {
	var names []string
	for _, n := range append([]string{op.Name}, op.Aliases...) {
		for _, spelling := range []string{n, catalog.CamelCase(n)} {
			if !slices.Contains(names, spelling) {
				names = append(names, spelling)
			}
		}
	}
	return names
}

// Takes says whether op can be used on a field of type t.
func (op *Operator) Takes(t *codec.Type) bool {
	t = t.Base()
	if !t.Kind().Has(op.Accepts) || op.only != nil && !slices.Contains(op.only, t.Name()) || slices.Contains(op.except, t.Name()) {
		return false
	}
	if t.Kind() != codec.KindArray || op.Accepts == anyKind || strings.HasPrefix(op.Name, "len_") {
		return true
	}
	// An array is compared by its elements: they need an operator of their own.
	e := t.Elem()
	for e != nil && e.Base().Kind() == codec.KindArray {
		e = e.Base().Elem()
	}
	return e != nil && e.Base().Kind().Has(equalKinds) && !slices.Contains(op.except, e.Base().Name())
}

// OperatorsFor lists the names of the operators that take t, without repeats,
// in the order of the table. ext says which extensions are installed; nil
// stands for none.
func OperatorsFor(t *codec.Type, ext func(name string) bool) []string {
	var names []string
	for i := range operators {
		op := &operators[i]
		if op.Takes(t) && (op.Extension == "" || ext != nil && ext(op.Extension)) && !slices.Contains(names, op.Name) {
			names = append(names, op.Name)
		}
	}
	return names
}
