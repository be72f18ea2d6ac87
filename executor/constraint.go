package executor

import (
	"errors"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// constraintError adds the columns of the violated constraint.
type constraintError struct {
	err     error
	columns []string
}

func (e *constraintError) Error() string { return e.err.Error() }

func (e *constraintError) Unwrap() error { return e.err }

// named adds to a violated constraint the columns that it is on, as far as cat
// knows them. The server names the table with every constraint that has columns,
// also at a commit, where no definition is to blame.
func named(cat *catalog.Catalog, err error) error {
	var e *backend.Error
	if _, known := errors.AsType[*constraintError](err); known {
		return err
	}
	if cat == nil || backend.CodeOf(err) != backend.CodeConstraintViolation || !errors.As(err, &e) || e.Constraint == "" || e.Table == "" {
		return err
	}
	var columns []string
	if t, terr := cat.Table(quote(e.Schema) + "." + quote(e.Table)); terr == nil {
		columns = constraintColumns(t, e.Constraint)
	} else {
		columns = namesake(cat, e)
	}
	if len(columns) > 0 {
		return &constraintError{err, columns}
	}
	return err
}

// namesake is constraintColumns for a table of a schema that the catalog does
// not have, a tenant's: its like in the schema that stands for it has the same
// constraint.
func namesake(cat *catalog.Catalog, e *backend.Error) []string {
	for t := range cat.Tables() {
		if t.Name != e.Table {
			continue
		}
		if columns := constraintColumns(t, e.Constraint); len(columns) > 0 {
			return columns
		}
	}
	return nil
}

func constraintColumns(t *catalog.Table, name string) []string {
	for k := range t.Keys() {
		if k.Name == name {
			return columnNames(k.Columns)
		}
	}
	for _, k := range t.Unique {
		if k.Name == name {
			return columnNames(k.Columns)
		}
	}
	for i := range t.Checks {
		if t.Checks[i].Name == name {
			return columnNames(t.Checks[i].Columns)
		}
	}
	for _, fk := range t.ForeignKeys {
		if fk.Name == name {
			return columnNames(fk.Columns)
		}
	}
	return nil
}

func columnNames(columns []*catalog.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// ofDomain adds to err, the refusal e of a domain, what the server does not say: the
// table, and the columns that p gives values to which are of the domain.
func ofDomain(p *builder.Plan, e *backend.Error, err error) error {
	var table *catalog.Table
	var columns []string
	for _, u := range p.Root.Statement.Uses {
		if u.Column == nil || u.How != builder.UseWrite && u.How != builder.UseWriteNull || !has(p.Catalog(), u.Column.Type, e) {
			continue
		}
		if !slices.Contains(columns, u.Column.Name) {
			table, columns = u.Column.Table, append(columns, u.Column.Name)
		}
	}
	if table == nil {
		return err
	}
	c := again(e, err)
	c.Schema, c.Table = table.Schema, table.Name
	if len(columns) == 1 {
		c.Column = columns[0]
	}
	return &constraintError{c, columns}
}

// has says whether values of a type are of the domain that e names, or of domains
// or elements that are. The domain of a tenant has the name of the catalog's.
func has(cat *catalog.Catalog, oid uint32, e *backend.Error) bool {
	_, known := cat.TypeByName(e.Schema, e.DataType)
	for {
		t, ok := cat.Type(oid)
		switch {
		case !ok:
			return false
		case t.Kind == 'd' && t.Name == e.DataType && (!known || t.Schema == e.Schema):
			return true
		case t.Kind == 'd':
			oid = t.Base
		default:
			oid = t.Elem
		}
	}
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
