package graphql

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// function is a function of the database as a field.
type function struct {
	callable *builder.Callable
	args     []argument // without the row of a computed field
	rows     *object    // what its rows are; nil for values
	own      map[string]bool
}

// argument is an argument of a function.
type argument struct {
	name string
	arg  *builder.CallableArg
}

// value is the column that stands for the value of a function that gives no rows.
func (fn *function) value() *catalog.Column { return fn.callable.Table.Columns[0] }

// addArguments are the words of a list, without those that are arguments of the
// function itself.
func (fn *function) addArguments(words ast.ArgumentDefinitionList) ast.ArgumentDefinitionList {
	var list ast.ArgumentDefinitionList
	for _, w := range words {
		if !fn.own[w.Name] {
			list = append(list, w)
		}
	}
	return list
}

// functionConf is what the configuration and the comment say of a function.
type functionConf struct {
	FunctionConfig
	tags  tags
	named bool // the configuration names it
}

// omitted says whether the function is to be left out.
func (c *functionConf) omitted() bool { return c.Omit || omits(c.tags.omit, "all") }

func (c *functionConf) deprecated() *string {
	if c.Deprecated != "" {
		return &c.Deprecated
	}
	return c.tags.deprecated
}

// configureFunctions finds the functions that the configuration names: all
// overloads of "name", or the one of "name(int4, text)".
func (m *maker) configureFunctions() map[*catalog.Function]*functionConf {
	all := map[*catalog.Function]*functionConf{}
	for f := range m.src.Catalog().Functions() {
		all[f] = &functionConf{tags: parseTags(f.Comment)}
	}
	for _, name := range sortedNames(m.conf.Functions) {
		conf := m.conf.Functions[name]
		base, types, overload := strings.Cut(name, "(")
		found := false
		for _, f := range m.src.Catalog().Function(strings.TrimSpace(base)) {
			c := all[f]
			if c == nil || overload && !m.takes(f, strings.TrimSuffix(strings.TrimSpace(types), ")")) {
				continue
			}
			found = true
			if c.named && !overload { // what is said of one of several comes first
				continue
			}
			c.FunctionConfig, c.named = conf, true
		}
		switch {
		case !found:
			m.broken("function "+name, "the configuration names it, but there is no such function that the role may call")
		case conf.As != "" && conf.As != asQuery && conf.As != asMutation:
			m.errorf(origin{}, "function %s: as is %q in the configuration; it is query or mutation", name, conf.As)
		}
	}
	return all
}

// What a function can be said to be.
const (
	asQuery    = "query"
	asMutation = "mutation"
)

// sortedNames are the keys of a configuration, longest last: with its types a
// name means one function.
func sortedNames(conf map[string]FunctionConfig) []string {
	names := make([]string, 0, len(conf))
	for name := range conf {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := strings.Contains(a, "("), strings.Contains(b, "("); x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	return names
}

// typeWords are the words of SQL for types whose names are others.
var typeWords = map[string]string{
	"smallint": "int2", "integer": "int4", "int": "int4", "bigint": "int8", "boolean": "bool", "real": "float4",
	"double precision": "float8", "decimal": "numeric", "character varying": "varchar", "character": "bpchar",
	"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp",
	"time with time zone": "timetz", "time without time zone": "time",
}

// takes says whether the arguments of f are of the types in a list: "int4, text".
func (m *maker) takes(f *catalog.Function, list string) bool {
	var words []string
	if list = strings.TrimSpace(list); list != "" {
		words = strings.Split(list, ",")
	}
	for i := range f.Args {
		if !f.Args[i].Input() {
			continue
		}
		if len(words) == 0 || !m.isType(f.Args[i].Type, strings.TrimSpace(words[0])) {
			return false
		}
		words = words[1:]
	}
	return len(words) == 0
}

func (m *maker) isType(oid uint32, word string) bool {
	info, ok := m.src.Catalog().Type(oid)
	if !ok {
		return false
	}
	if elem, array := strings.CutSuffix(word, "[]"); array {
		return info.Elem != 0 && m.isType(info.Elem, elem)
	}
	if other := typeWords[word]; other != "" {
		word = other
	}
	return word == info.Name || word == info.Schema+"."+info.Name
}

// function is k as a field of the name base, or a reason why it can't be one. The
// first own arguments are not the field's.
func (m *maker) function(k *builder.Callable, base string, own int) (fn *function, reason string) {
	fn = &function{callable: k, own: map[string]bool{}}
	for i := range k.Args[own:] {
		a := &k.Args[own+i]
		name := a.JSONName
		if a.Name != "" {
			name = fieldName(a.Name)
		}
		if fn.own[name] {
			return nil, "two of its arguments are called " + name + " in GraphQL"
		}
		fn.own[name] = true
		fn.args = append(fn.args, argument{name, a})
	}
	if k.Result != builder.RowResult {
		return fn, ""
	}
	if fn.rows, reason = m.rowsOf(k, base); reason == "" && k.Response != builder.NoResponse {
		m.toldFields(fn.rows)
	}
	return fn, reason
}

// rowsOf is the object that the rows of k are.
func (m *maker) rowsOf(k *builder.Callable, base string) (rows *object, reason string) {
	if o := m.schema.byTable[k.Table]; o != nil {
		if !o.readable() {
			return nil, "it returns rows of " + k.Table.String() + ", of which no column may be read"
		}
		return o, ""
	}
	if k.Table.Kind != catalog.RowType {
		return nil, "it returns rows of " + k.Table.String() + ", which is left out"
	}
	if f := k.Function; !f.Procedure {
		if o := m.composite(m.src.Types().Type(f.Returns)); o != nil {
			m.schema.byTable[k.Table] = o
			return o, ""
		}
	}
	if reason := m.left.tables[k.Table]; reason != "" {
		return nil, reason
	}
	name := pascal(base) + "Row"
	if m.taken(name) || m.schema.objects[name] != nil {
		return nil, "its rows would have the type " + name + ", which is there already"
	}
	o := &object{name: name, plural: plural(name), table: k.Table, fields: map[string]*field{}}
	for _, c := range k.Table.Columns {
		m.column(o, c)
	}
	m.schema.byTable[k.Table], m.schema.objects[name] = o, o
	m.objectType(o)
	return o, ""
}

// toldFields adds what the rows of a function tell by a convention for mutations,
// unless they have columns of these names.
func (m *maker) toldFields(o *object) {
	for _, f := range []*field{
		{name: "success", told: builder.Success, typ: nonNull("Boolean"), doc: "Whether the mutation did what it was asked for: there is no errorCode."},
		{name: "errorCode", told: builder.ErrorCode, typ: named("String"), doc: "What became of it otherwise, such as NOT_FOUND; null where it succeeded."},
	} {
		if o.fields[f.name] != nil {
			continue
		}
		f.kind = toldField
		m.addField(o, f)
		d := m.types[o.name]
		d.Fields = append(d.Fields, &ast.FieldDefinition{Name: f.name, Type: f.typ, Description: f.doc})
	}
}

// functionArguments are the arguments of fn. One without a default must be given,
// so that NULL is given only where the function has it as its default.
func (m *maker) functionArguments(fn *function) ast.ArgumentDefinitionList {
	var list ast.ArgumentDefinitionList
	for _, a := range fn.args {
		d := &ast.ArgumentDefinition{Name: a.name, Type: maybe(m.typeRef(a.arg.Type, true), !a.arg.Optional)}
		if a.arg.Optional {
			d.Description = "Left out: " + a.arg.Default
		}
		list = append(list, d)
	}
	return list
}

// functionList are the arguments of what fn gives a set of.
func (m *maker) functionList(fn *function) ast.ArgumentDefinitionList {
	if fn.rows != nil {
		m.rowInputs(fn.rows)
		list := fn.rows.listArguments()
		list.ForName("orderBy").Description = "The first key counts most; left out: the function's own order."
		return fn.addArguments(list)
	}
	col := fn.value()
	t := m.src.Types().Type(col.Type)
	var list ast.ArgumentDefinitionList
	if filter := m.scalarFilter(t); filter != "" {
		list = append(list, &ast.ArgumentDefinition{Name: "filter", Type: named(filter), Description: "Which values; left out: all."})
	}
	if m.src.SortableType(t) {
		m.direction()
		list = append(list, &ast.ArgumentDefinition{Name: "orderBy", Type: named("OrderDirection"), Description: "Left out: the function's own order."})
	}
	return fn.addArguments(append(list,
		&ast.ArgumentDefinition{Name: "limit", Type: named("Int"), Description: "How many values at most."},
		&ast.ArgumentDefinition{Name: "offset", Type: named("Int"), Description: "How many values to skip."}))
}

// rowInputs makes the inputs that select and sort the rows of a function.
func (m *maker) rowInputs(o *object) {
	if name := o.name + "Filter"; o.table.Kind == catalog.RowType && m.once(name, o) {
		m.filterType(o)
		m.orderType(o)
	}
}

// result is the type of what fn gives.
func (m *maker) result(fn *function) *ast.Type {
	k := fn.callable
	switch {
	case k.Result == builder.NoResult:
		return nonNull("Boolean")
	case fn.rows != nil && k.Set:
		return listOf(fn.rows.name)
	case fn.rows != nil:
		return named(fn.rows.name)
	}
	t := m.typeRef(m.src.Types().Type(fn.value().Type), false)
	if k.Set {
		return ast.ListType(t, nil)
	}
	return t
}

// codecType is the type of the value of fn.
func (fn *function) codecType() *codec.Type { return fn.callable.Type }
