package graphql

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// Check holds a document to the schema, with all of its operations, as a request
// that asks for it would be; variables and what a request costs are left out. The
// error is Errors.
func (s *Schema) Check(document string) error {
	if _, errs := s.checked(document); len(errs) > 0 {
		return errs
	}
	return nil
}

// validate reads a document and finds the operation of it that is meant.
func (s *Schema) validate(query, name string) (*ast.OperationDefinition, Errors) {
	doc, errs := s.checked(query)
	if len(errs) > 0 {
		return nil, errs
	}
	return operationOf(doc, name)
}

func (s *Schema) checked(query string) (*ast.QueryDocument, Errors) {
	doc, errs := parseDocument(query, &s.limits)
	if len(errs) > 0 {
		return nil, errs
	}
	if errs := checkLimits(doc, &s.limits); len(errs) > 0 {
		return nil, errs
	}
	return doc, validate(s.view(doc), s.in, doc, &s.limits)
}
