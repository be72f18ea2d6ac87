package graphql

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

// prelude is what every schema begins with: the scalars and directives of the
// spec and the types of introspection. The library's has @defer too, which is not
// in the spec and which nothing here obeys: it is taken out, so that it is neither
// advertised nor accepted and ignored.
func prelude() *ast.SchemaDocument {
	doc := validator.PreludeDocument()
	doc.Directives = slices.DeleteFunc(doc.Directives, func(d *ast.DirectiveDefinition) bool { return d.Name == "defer" })
	return doc
}
