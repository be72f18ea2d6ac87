package catalog

import (
	"cmp"
	"fmt"
)

// NewRowType makes a Table of kind RowType: what the rows of a function look
// like that are no table's, those of a composite type or of RETURNS TABLE. Its
// columns can be read and not written, may all be NULL (a function can return
// what it likes), and no key tells its rows apart. schema and name are the
// type's or the function's, for messages; no Catalog lists the Table, its OID
// is 0, and its SQLName is no relation's.
//
// A field of a type that the Catalog does not have, or of a pseudo-type, is an
// error; so are two fields with one name, a *CollisionError.
func (c *Catalog) NewRowType(schema, name string, fields []TypeField) (*Table, error) {
	t := &Table{
		Schema: schema, Name: name, Kind: RowType, CanSelect: true,
		byName: make(map[string]*Column, 2*len(fields)), sqlName: QuoteIdent(schema) + "." + QuoteIdent(name),
	}
	for i, f := range fields {
		typ := c.types[f.Type]
		if typ == nil || typ.Kind == 'p' {
			return nil, fmt.Errorf("row type of %s: column %q has a type that has no values of its own", t, f.Name)
		}
		col := &Column{
			Table: t, Num: i + 1, Name: f.Name, JSONName: CamelCase(f.Name), Type: f.Type, TypeMod: -1,
			TypeName: typ.SQLName, Declared: typ.SQLName, BaseType: c.BaseType(f.Type), Dims: cmp.Or(typ.Dims, f.Dims), ReadOnly: true,
			Comment: f.Comment, CanSelect: true, sqlName: QuoteIdent(f.Name),
		}
		if other := t.byName[col.JSONName]; other != nil {
			return nil, &CollisionError{schema, name, col.JSONName, [2]string{other.Name, col.Name}}
		}
		t.byName[col.JSONName] = col
		t.Columns = append(t.Columns, col)
	}
	for _, col := range t.Columns {
		t.byName[col.Name] = col
	}
	return t, nil
}
