package graphql

import "github.com/vektah/gqlparser/v2/ast"

// AST is the whole schema as the library has it.
func (s *Schema) AST() *ast.Schema { return s.whole() }

// allTypes are the types of a schema of the library.
type allTypes struct{ schema *ast.Schema }

func (a allTypes) definition(name string) *ast.Definition { return a.schema.Types[name] }
func (a allTypes) whole() *ast.Schema                     { return a.schema }

// Kept are how many documents and programs e keeps.
func (e *Engine) Kept() (documents int, programs int64) {
	g := e.current.Load()
	for _, d := range g.documents.Values() {
		d.mu.RLock()
		programs += int64(len(d.programs))
		d.mu.RUnlock()
	}
	if programs != g.programs.Load() {
		return g.documents.Len(), -1
	}
	return g.documents.Len(), programs
}
