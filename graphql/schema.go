package graphql

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Schema is the GraphQL schema of a catalog: its types, and what each field means
// in terms of definitions. It is immutable and safe for concurrent use.
type Schema struct {
	src    *builder.Schema
	ast    *ast.Schema
	in     *inputs
	limits Limits

	queries   map[string]*root
	mutations map[string]*root
	objects   map[string]*object         // of tables, by type name
	byTable   map[*catalog.Table]*object // the same
	enums     map[uint32]*enumNames      // by OID of the type
	// composites are the objects of composite types by OID; nil where one is JSON.
	composites map[uint32]*object
	filters    map[string]map[string]*operator // scalar filters: by input name, by field
	// plurals are the objects by their plurals, and filterByType are the names of
	// scalar filters: what types that are made later need to know.
	plurals      map[string]*object
	filterByType map[operandType]string
	numbers      map[operandType][]number // see maker.numbers
	keyTypes     map[string]*object       // of types whose names end in those of columns
	demanded     sync.Map                 // *ast.Definition by name
	broken       []Broken
	displaced    []Broken // those that other names have displaced
}

// Broken is an object of the database or the configuration that the schema lacks
// because the two do not fit.
type Broken struct {
	// Object is a name: table public.users, function public.f(…).
	Object string
	// Reason says why it is left out.
	Reason string
}

// object is the type of a table's rows.
type object struct {
	name   string // User
	plural string // Users
	table  *catalog.Table
	conf   TableConfig
	tags   tags
	fields map[string]*field
	order  []*field
	keys   []*catalog.Key // that a row is found by

	arguments ast.ArgumentDefinitionList // of lists of it
	vowed     []*catalog.Key             // those of keys that only the configuration or a comment knows

	composite *codec.Type  // whose values it is; nil: the rows of a table or a function
	nested    []nestedKind // the inputs of relations to it
	later     group        // types that are made when they are needed
}

// fieldKind is what a field of an object is.
type fieldKind uint8

const (
	columnField   fieldKind = iota
	oneField                // a relation to one row at most
	manyField               // a relation to many
	computedField           // a value that a function makes of the row
	computedRows            // rows, or a set of values, that a function makes of it
	toldField               // what became of a mutation
)

// field is one field of an object.
type field struct {
	name   string
	kind   fieldKind
	column *catalog.Column
	link   *builder.Link
	target *object
	dims   int // of a column that is an array
	// function is that of a computed field.
	function *function
	told     builder.System // of a toldField
	doc      string
	gone     *string // why it is deprecated
	typ      *ast.Type
}

// operator is a field of a scalar filter: an operator of the builder's table, or
// one of the words that the grammar has beside them.
type operator struct {
	op      string // name in the operator table
	operand builder.Operand
	at      bool            // a condition inside a json document
	attr    *catalog.Column // conditions on this attribute of a composite
}

// rootKind is what a field of Query or Mutation does.
type rootKind uint8

const (
	rootOne rootKind = iota
	rootList
	rootConnection
	rootAggregate
	rootCreate
	rootCreateMany
	rootUpdate
	rootUpdateMany
	rootDelete
	rootDeleteMany
	rootUpsert
	rootUpsertMany
	rootCall   // a function that reads
	rootInvoke // one that may write
)

// root is one field of Query or Mutation.
type root struct {
	kind   rootKind
	object *object
	key    *catalog.Key // rootOne, rootUpdate, rootDelete
	args   []string     // the argument of each column of key

	function *function // rootCall, rootInvoke
}

// NewSchema makes the schema of what src knows. Two things that meet in one name
// are an error that names both, unless WithoutCollisions says otherwise. What can't
// be told in GraphQL, or what the configuration says otherwise than it is, is left
// out and listed by Broken.
func NewSchema(src *builder.Schema, conf Config, options ...SchemaOption) (*Schema, error) {
	var opts schemaOptions
	for _, o := range options {
		o.apply(&opts)
	}
	left := leftOut{tables: map[*catalog.Table]string{}, types: map[uint32]string{}}
	for {
		m := newMaker(src, conf, opts, left)
		m.make()
		switch {
		case len(m.faults) == 0:
			return m.finish()
		case !opts.leaveOut || !left.add(m.faults):
			return nil, fmt.Errorf("make GraphQL schema: %w", m.errors())
		}
	}
}

func newMaker(src *builder.Schema, conf Config, opts schemaOptions, left leftOut) *maker {
	return &maker{
		schema: &Schema{
			src: src, limits: conf.Limits.withDefaults(),
			queries: map[string]*root{}, mutations: map[string]*root{},
			objects: map[string]*object{}, byTable: map[*catalog.Table]*object{},
			composites: map[uint32]*object{}, numbers: map[operandType][]number{}, keyTypes: map[string]*object{},
			enums: map[uint32]*enumNames{}, filters: map[string]map[string]*operator{},
		},
		src: src, conf: conf, opts: opts, left: left, same: newSharer(), types: map[string]*ast.Definition{}, origin: map[string]*origin{},
		tableConf: map[*catalog.Table]TableConfig{}, filterOf: map[string]string{}, filterByType: map[operandType]string{}, made: map[madeOf]bool{}, unfits: map[*catalog.Table]bool{},
		query:    &ast.Definition{Kind: ast.Object, Name: "Query", Description: "What can be read."},
		mutation: &ast.Definition{Kind: ast.Object, Name: "Mutation", Description: "What can be changed. Fields run in their order, each in a transaction of its own unless the server says otherwise."},
	}
}

// make makes everything, or faults.
func (m *maker) make() {
	m.reserve()
	m.define(m.query, origin{text: "the query type"})
	m.tellTypes()
	m.configure()
	m.tables()
}

// Broken lists what the schema lacks; empty where everything could be told.
func (s *Schema) Broken() []Broken { return slices.Clone(s.broken) }

// Builder is what the schema was made of.
func (s *Schema) Builder() *builder.Schema { return s.src }

// WriteSDL writes the schema in the schema definition language.
func (s *Schema) WriteSDL(w io.Writer) error { return printSDL(s.whole(), w) }

// maker is the making of one Schema.
type maker struct {
	schema       *Schema
	naming       bool // types of tables are not kept, their names are
	demanded     bool // types are made whose names were taken before
	src          *builder.Schema
	conf         Config
	opts         schemaOptions
	left         leftOut
	tableConf    map[*catalog.Table]TableConfig
	same         *sharer
	types        map[string]*ast.Definition
	origin       map[string]*origin // what each type was made of
	from         *origin            // that of the last one
	list         []*ast.Definition  // in the order of their making
	filterOf     map[string]string  // filter input by its fields
	filterByType map[operandType]string
	made         map[madeOf]bool
	unfits       map[*catalog.Table]bool
	composites   []string // scalars of composite types
	query        *ast.Definition
	mutation     *ast.Definition
	faults       []fault
}

// configure finds the tables that the configuration names.
func (m *maker) configure() {
	for name, conf := range m.conf.Tables {
		t, err := m.src.Catalog().Table(name)
		if err != nil {
			m.broken("table "+name, "the configuration names it, but there is no such table, view or materialized view that the role may use")
			continue
		}
		if _, twice := m.tableConf[t]; twice {
			m.errorf(origin{table: t}, "tables: %s stands there twice, once as %q", t, name)
		}
		for column := range conf.Columns {
			if _, ok := t.Column(column); !ok {
				m.unfit(t, "its configuration names the column "+column+", which is not there")
			}
		}
		m.tableConf[t] = conf
	}
}

// unfit leaves a table out whose configuration does not fit it any more: what was
// to be hidden must not show because it was renamed.
func (m *maker) unfit(t *catalog.Table, reason string) {
	m.unfits[t] = true
	m.broken("table "+t.String(), reason+"; the table is left out")
}

// tables makes the types and fields of every table.
func (m *maker) tables() {
	var objects []*object
	for t := range m.src.Catalog().Tables() {
		if t.Extension != "" && m.tableConf[t].Name == "" { // spatial_ref_sys is nobody's data
			continue
		}
		if o := m.object(t); o != nil {
			objects = append(objects, o)
		}
	}
	for _, o := range objects { // every target has its name now
		m.links(o)
	}
	functions := m.candidates()
	m.computed(functions)
	for _, o := range objects {
		if slices.ContainsFunc(o.order, func(f *field) bool { return f.function != nil }) {
			m.objectType(o) // with inputs of the functions
			m.filterType(o)
			m.orderType(o)
		} else {
			m.postpone(o, rowGroup|filterGroup|orderGroup)
		}
		m.rootFields(o)
	}
	for _, o := range objects { // every input has its type now
		m.nestedFields(o)
	}
	for _, o := range objects {
		if len(o.nested) > 0 {
			m.postpone(o, nestedGroup)
		}
	}
	m.functions(functions)
}

// object names a table and its columns.
func (m *maker) object(t *catalog.Table) *object {
	o := &object{table: t, conf: m.tableConf[t], tags: parseTags(t.Comment), fields: map[string]*field{}}
	if omits(o.conf.Omit, "all") || omits(o.tags.omit, "all") || m.unfits[t] {
		return nil
	}
	if reason := m.left.tables[t]; reason != "" {
		m.displace("table "+t.String(), reason+"; the table is left out")
		return nil
	}
	o.name = firstOf(o.conf.Name, o.tags.name, typeName(t.Name))
	o.plural = firstOf(o.conf.Plural, plural(o.name))
	if !isName(o.name) || !isName(o.plural) {
		m.errorf(o.origin(), "%s: %q or %q is no name of GraphQL", o.table, o.name, o.plural)
		return nil
	}
	if other := m.schema.objects[o.name]; other != nil {
		m.collide("type", o.name, other.origin(), o.origin())
		return nil
	}
	for _, c := range t.Columns {
		m.column(o, c)
	}
	if len(o.order) == 0 || t.CanSelect && !o.readable() {
		m.broken("table "+t.String(), "no column of it may be read")
		return nil
	}
	o.keys = slices.Collect(t.Keys())
	for _, k := range slices.Concat(o.conf.Keys, o.tags.keys) {
		m.viewKey(o, k)
	}
	o.keys = slices.DeleteFunc(o.keys, func(k *catalog.Key) bool {
		return slices.ContainsFunc(k.Columns, func(c *catalog.Column) bool { return o.column(c) == nil || m.schema.isComposite(c) })
	})
	o.vowed = slices.DeleteFunc(o.vowed, func(k *catalog.Key) bool { return !slices.Contains(o.keys, k) })
	m.schema.objects[o.name], m.schema.byTable[t] = o, o
	return o
}

// readable says whether a column of o may be read. A role may do no more than write
// to a table: then there is no type of its rows.
func (o *object) readable() bool {
	return slices.ContainsFunc(o.order, func(f *field) bool { return f.kind == columnField && f.column.CanSelect })
}

func firstOf(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// viewKey adds a key that only the configuration knows.
func (m *maker) viewKey(o *object, names []string) {
	k := &catalog.Key{Name: strings.Join(names, "_")}
	for _, name := range names {
		c, ok := o.table.Column(name)
		if !ok {
			m.broken("key ("+strings.Join(names, ", ")+") of "+o.table.String(), "there is no column "+name)
			return
		}
		k.Columns = append(k.Columns, c)
	}
	if len(k.Columns) == 0 {
		m.errorf(o.of("keys of "), "keys of %s: a key has no column", o.table)
		return
	}
	o.keys, o.vowed = append(o.keys, k), append(o.vowed, k)
}

// column adds the field of a column.
func (m *maker) column(o *object, c *catalog.Column) {
	conf := o.conf.Columns[c.Name]
	if conf == (ColumnConfig{}) {
		conf = o.conf.Columns[c.JSONName]
	}
	t, typ := parseTags(c.Comment), m.src.Types().Type(c.Type)
	if conf.Omit || omits(t.omit, "all") || m.without(typ) || !c.CanSelect && !c.CanInsert && !c.CanUpdate {
		return
	}
	f := &field{name: firstOf(conf.Name, t.name, fieldName(c.Name)), kind: columnField, column: c, doc: t.description, gone: t.deprecated}
	if f.doc == "" {
		f.doc = m.domainDoc(c.Type)
	}
	if conf.Description != nil {
		f.doc = *conf.Description
	}
	if conf.Deprecated != "" {
		f.gone = &conf.Deprecated
	}
	f.dims = m.dims(o, c, cmp.Or(conf.Dimensions, t.dims))
	f.typ = m.fieldRef(f, false)
	m.addField(o, f)
}

// column is the field of c, or nil where it has none.
func (o *object) column(c *catalog.Column) *field {
	for _, f := range o.order {
		if f.kind == columnField && f.column == c {
			return f
		}
	}
	return nil
}

func (m *maker) addField(o *object, f *field) {
	if other := o.fields[f.name]; other != nil {
		m.lackf(f.from()+" of "+o.table.String(), "%s and %s are both the field %s.%s: name one of them in the configuration, or by a comment that begins with @name", other.from(), f.from(), o.name, f.name)
		return
	}
	if !isName(f.name) {
		m.lackf(f.from()+" of "+o.table.String(), "%q is no name of GraphQL", f.name)
		return
	}
	o.fields[f.name] = f
	o.order = append(o.order, f)
}

func (f *field) from() string {
	switch {
	case f.column != nil:
		return "column " + f.column.Name
	case f.kind == toldField:
		return "outcome"
	case f.function != nil:
		return functionLabel(f.function.callable.Function, f.function.callable)
	}
	return "relation by " + f.link.FK.Name
}

func (m *maker) broken(object, reason string) {
	m.schema.broken = append(m.schema.broken, Broken{object, reason})
}

// displace is broken for a table whose names are others'.
func (m *maker) displace(object, reason string) {
	m.broken(object, reason)
	m.schema.displaced = append(m.schema.displaced, Broken{object, reason})
}

// enumNames are the GraphQL values of an enum's labels.
type enumNames struct {
	labels map[string]string // by value
	values map[string]string // by label; nil where each is itself
}

// enum is the name of the enum for t, which is defined if it is not yet. A label
// is its own value where GraphQL allows it.
func (m *maker) enum(t *codec.Type) string {
	conf := m.conf.Enums[t.Name()]
	info, _ := m.src.Catalog().Type(t.OID())
	var tag tags
	if info != nil {
		tag = parseTags(info.Comment)
	}
	name := firstOf(conf.Name, tag.name, typeName(t.Name()))
	if m.schema.enums[t.OID()] != nil {
		return name
	}
	e := &enumNames{labels: map[string]string{}}
	d := &ast.Definition{Kind: ast.Enum, Name: name, Description: tag.description}
	for _, label := range t.Labels() {
		value := conf.Values[label]
		if value == "" {
			if value = label; !validEnumValue(label) {
				value = enumValue(label)
			}
		}
		if other, twice := e.labels[value]; twice {
			m.errorf(ofType("enum ", t), "enum %s: the labels %q and %q are both %s in GraphQL: name one of them in the configuration (enums, values)", t, other, label, value)
		}
		e.labels[value] = label
		if value != label {
			if e.values == nil {
				e.values = map[string]string{}
			}
			e.values[label] = value
		}
		d.EnumValues = append(d.EnumValues, &ast.EnumValueDefinition{Name: value, Directives: valueDeprecated(label, t.Labels(), tag.gone)})
	}
	m.schema.enums[t.OID()] = e
	m.define(d, ofType("enum ", t))
	return name
}

func validEnumValue(label string) bool {
	return isPlain(label) && !isDigit(label[0]) && !strings.HasPrefix(label, "__") &&
		label != "true" && label != "false" && label != "null"
}

// finish checks the whole and makes it ready.
func (m *maker) finish() (*Schema, error) {
	doc := prelude()
	if len(m.query.Fields) == 0 {
		m.query.Fields = ast.FieldList{{Name: "_empty", Description: "The role may read no table.", Type: named("Boolean")}}
	}
	if len(m.mutation.Fields) > 0 {
		m.list = append(m.list, m.mutation)
	}
	s, err := assemble(doc, m.list, m.query, m.mutation, m.same, m.taken)
	if err != nil {
		return nil, fmt.Errorf("make GraphQL schema: %w", err)
	}
	m.schema.ast = s
	slices.SortStableFunc(m.schema.broken, func(a, b Broken) int { return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Reason, b.Reason)) })
	m.schema.filterByType, m.schema.plurals = m.filterByType, make(map[string]*object, len(m.schema.objects))
	for _, o := range m.schema.objects {
		if o.later != 0 {
			m.schema.plurals[o.plural] = o
		}
	}
	m.schema.in = newInputs(m.schema.definition, m.composites...)
	return m.schema, nil
}

// nowhere is the position of what no text has.
var nowhere = &ast.Position{Src: &ast.Source{Name: "catalog"}}
