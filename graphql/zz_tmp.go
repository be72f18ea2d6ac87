package graphql

import (
	"io"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

func appendIntrospection(dst []byte, s *ast.Schema, f *ast.Field, v *values) []byte {
	return append(dst, "null"...)
}
func printSDL(s *ast.Schema, w io.Writer) error {
	formatter.NewFormatter(w).FormatSchema(s)
	return nil
}
