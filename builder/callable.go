package builder

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// ResultKind is what a function gives.
type ResultKind uint8

// The kinds of result. A set of either is a list of them.
const (
	// NoResult: a function that returns void, a procedure without OUT arguments.
	NoResult ResultKind = iota
	// ScalarResult: one value. As a source of rows it is a row of one column.
	ScalarResult
	// RowResult: a row of a table, of a composite type, or of OUT arguments.
	RowResult
)

// Callable is what is to be known of a function to call it. It belongs to one
// Schema, which makes one for each function, and is not to be changed.
type Callable struct {
	Function *catalog.Function
	// Args are the arguments that a call gives, in declared order.
	Args   []CallableArg
	Result ResultKind
	// Set: any number of rows or values; otherwise exactly one.
	Set bool
	// Table is what the rows look like: a table of the catalog (its row type is
	// returned), or one of kind catalog.RowType, which is the same for all
	// functions that return one composite type. Nil for NoResult.
	Table *catalog.Table
	// Type is the type of a ScalarResult's value, else nil.
	Type *codec.Type
	// Of is the table whose row type the first argument has, nil for none. Then
	// Field.Call, Filter.Call and Sort.Call take the function where it gives one
	// value, and Relation.Call where it gives rows; Args[0] is the row, which a
	// call does not give.
	Of *catalog.Table
	// Effect is Read for stable and immutable functions. Everything else is
	// called by an Invoke.
	Effect Effect
	// Response says that the rows follow one of FraiseQL's conventions for the
	// result of a mutation.
	Response ResponseShape

	// columns is the list of names behind the alias; "" where the rows have their
	// names anyway.
	columns string
}

// CallableArg is one argument that a call gives.
type CallableArg struct {
	Name string // as the database has it, "" where it has none
	// JSONName is the camelCase name; for one without a name arg1, arg2, … by
	// its place among Args.
	JSONName string
	Type     *codec.Type
	// Optional: the call may leave it out. Default is then its text.
	Optional bool
	Default  string
	// Variadic: an array, whose elements the function takes one by one.
	Variadic bool
	// NotNull: the type is a domain that refuses NULL.
	NotNull bool

	index int // in Function.Args
}

// Callable is what is to be known of f, a function of the Schema's catalog. The
// error says why definitions can't call it: it belongs to an extension, takes or
// returns a pseudo-type (record without OUT arguments, anyelement), returns rows
// of a table that the role may not read, or rows whose columns meet in one name.
func (s *Schema) Callable(f *catalog.Function) (*Callable, error) {
	if f == nil {
		return nil, errors.New("call function: the function is nil")
	}
	if known, ok := s.callables.Load(f); ok {
		k := known.(callability) //nolint:forcetypeassert // nothing else is in it
		return k.Callable, k.err
	}
	c, err := s.callable(f)
	if err != nil {
		c, err = nil, fmt.Errorf("call %s: %w", f.SQLName(), err)
	}
	known, _ := s.callables.LoadOrStore(f, callability{c, err})
	k := known.(callability) //nolint:forcetypeassert // nothing else is in it
	return k.Callable, k.err
}

// callability is what Callable answers.
type callability struct {
	*Callable
	err error
}

func (s *Schema) callable(f *catalog.Function) (*Callable, error) {
	if f.Extension != "" {
		return nil, fmt.Errorf("it belongs to extension %q", f.Extension)
	}
	c := &Callable{Function: f, Set: f.ReturnsSet}
	if !f.Procedure && f.Volatility != 'v' {
		c.Effect = Read
	}
	if err := s.callArgs(c); err != nil {
		return nil, err
	}
	if err := s.callResult(c); err != nil {
		return nil, err
	}
	c.Response = s.responseShape(c.Table)
	return c, nil
}

// callArgs resolves the arguments that a call gives.
func (s *Schema) callArgs(c *Callable) error {
	for i := range c.Function.Args {
		a := &c.Function.Args[i]
		if !a.Input() {
			continue
		}
		info, err := s.valueType(a.Type)
		if err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
		if len(c.Args) == 0 && info.Table != 0 && a.Mode == 'i' {
			if t, ok := s.cat.TableByOID(info.Table); ok {
				c.Of = t
			}
		}
		arg := CallableArg{
			Name: a.Name, JSONName: catalog.CamelCase(a.Name), Type: s.types.Type(a.Type), Optional: a.HasDefault,
			Default: a.Default, Variadic: a.Mode == 'v', NotNull: info.NotNull, index: i,
		}
		if a.Name == "" {
			arg.JSONName = "arg" + strconv.Itoa(len(c.Args)+1)
		}
		c.Args = append(c.Args, arg)
	}
	return nil
}

// valueType is a type that values of a request can have.
func (s *Schema) valueType(oid uint32) (*catalog.Type, error) {
	t, ok := s.cat.Type(oid)
	switch {
	case !ok:
		return nil, errors.New("its type is not in the catalog")
	case t.Kind == 'p':
		return nil, fmt.Errorf("its type %s is a pseudo-type", t.Name)
	}
	return t, nil
}

// callResult resolves what comes out.
func (s *Schema) callResult(c *Callable) error {
	f := c.Function
	var out []catalog.TypeField
	for i := range f.Args {
		if a := &f.Args[i]; a.Output() {
			name := a.Name
			if name == "" {
				name = "column" + strconv.Itoa(len(out)+1) // as PostgreSQL calls it
			}
			out = append(out, catalog.TypeField{Name: name, Type: a.Type})
		}
	}
	switch {
	case f.Procedure && len(out) == 0, f.Returns == 0, f.Returns == oidVoid:
		c.Result = NoResult
		return nil
	case len(out) > 1, f.Procedure:
		c.Result = RowResult
		return s.callRow(c, f, f.Schema, f.Name, out)
	}
	base, ok := s.cat.Type(s.cat.BaseType(f.Returns))
	switch {
	case !ok:
		return errors.New("its result has a type that is not in the catalog")
	case base.Kind == 'p':
		return fmt.Errorf("its result has the pseudo-type %s", base.Name)
	case base.Kind == 'c' && base.Table != 0:
		c.Result = RowResult
		t, ok := s.cat.TableByOID(base.Table)
		if !ok || !t.CanSelect {
			return errors.New("its rows are those of a table that can't be read")
		}
		c.Table = t
		return nil
	case base.Kind == 'c':
		c.Result = RowResult
		return s.callRow(c, base, base.Schema, base.Name, base.Fields)
	}
	// One value: the name of its column is said, because an alias would take
	// the place of the function's name.
	name := f.Name
	if len(out) == 1 {
		name = out[0].Name
	}
	c.Result, c.Type = ScalarResult, s.types.Type(f.Returns)
	return s.callRow(c, f, f.Schema, f.Name, []catalog.TypeField{{Name: name, Type: f.Returns}})
}

// callRow makes the virtual table of c's rows; of is what it is made of.
func (s *Schema) callRow(c *Callable, of any, schema, name string, fields []catalog.TypeField) error {
	if len(fields) == 0 {
		return errors.New("its rows have no columns")
	}
	t, err := s.cat.NewRowType(schema, name, fields)
	if err != nil {
		return err
	}
	known, _ := s.rowTypes.LoadOrStore(of, t)
	c.Table = known.(*catalog.Table) //nolint:forcetypeassert // nothing else is in it
	if _, composite := of.(*catalog.Type); !composite {
		for i, col := range c.Table.Columns {
			if i > 0 {
				c.columns += ", "
			}
			c.columns += sqlText(col.SQLName())
		}
	}
	return nil
}

// oidVoid is the pseudo-type of a function that returns nothing.
const oidVoid = 2278
