package graphql

import (
	"errors"
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
)

// codeIntrospection is extensions.code where introspection is refused.
const codeIntrospection = "INTROSPECTION_DISABLED"

// appendError appends an error of root field r as an element of "errors". The
// client sees the code with its sentence; of a violated constraint its name, its
// table and the fields; and the message of a RAISE whose SQLSTATE is shown.
func (e *Engine) appendError(dst []byte, s *Schema, r *rootPlan, err error) []byte {
	out := &Error{Message: inGraphQL.Replace(executor.Message(err)), Code: executor.CodeOf(err).String()}
	if r != nil {
		out.Locations, out.Path = place(r.field), []any{r.key}
	}
	be, _ := errors.AsType[*backend.Error](err)
	if be != nil && be.Code == backend.CodeConstraintViolation {
		out.Extensions = append(out.Extensions, s.constraint(be, executor.ConstraintColumns(err))...)
	}
	if be != nil && be.Message != "" && slices.Contains(e.options.ShowStates, be.SQLState) {
		out.Message = shorten(be.Message)
		if be.Code == backend.CodeInternal { // raised for the client, so that it mends its request
			out.Code = codeBadInput
		}
		out.Extensions = append(out.Extensions, Extension{"sqlState", be.SQLState})
	}
	if nested, ok := errors.AsType[*nestedError](err); ok {
		nested.tell(out)
	}
	return out.AppendJSON(dst)
}

// constraint tells of a violated constraint: names of the schema, no values.
func (s *Schema) constraint(e *backend.Error, columns []string) []Extension {
	var list []Extension
	if e.Constraint != "" {
		list = append(list, Extension{"constraint", e.Constraint})
	}
	o := s.objectOf(e.Schema, e.Table)
	if o == nil {
		return list
	}
	list = append(list, Extension{"table", o.table.Name})
	var fields []string
	for _, name := range columns {
		if c, ok := o.table.Column(name); ok {
			if f := o.column(c); f != nil {
				fields = append(fields, f.name)
			}
		}
	}
	if len(fields) > 0 {
		list = append(list, Extension{"fields", fields})
	}
	return list
}

// objectOf is the object of a table, or nil.
func (s *Schema) objectOf(schema, table string) *object {
	for _, o := range s.objects {
		if o.table.Schema == schema && o.table.Name == table {
			return o
		}
	}
	return nil
}
