package graphql

import "github.com/vektah/gqlparser/v2/ast"

// AST is the schema as the library has it.
func (s *Schema) AST() *ast.Schema { return s.ast }

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
