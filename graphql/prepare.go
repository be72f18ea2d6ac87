package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// validate reads a document and finds the operation of it that is meant.
func (s *Schema) validate(query, name string) (*ast.OperationDefinition, Errors) {
	doc, errs := parseDocument(query, &s.limits)
	if len(errs) > 0 {
		return nil, errs
	}
	if errs := checkLimits(doc, &s.limits); len(errs) > 0 {
		return nil, errs
	}
	if errs := validate(s.ast, s.in, doc, &s.limits); len(errs) > 0 {
		return nil, errs
	}
	return operationOf(doc, name)
}
