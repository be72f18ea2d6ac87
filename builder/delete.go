package builder

import (
	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// delete plans a delete. What it returns are the rows as they were.
func (p *planner) delete() *Plan {
	p.guard()
	del := squirrel.Delete(p.scope.from())
	if w := condition(p.scope, p.def.Filter); w != nil {
		del = del.Where(w)
	}
	r := p.returns()
	if p.probs.count() > 0 {
		return nil
	}
	if c := r.clause(); c != nil {
		del = del.SuffixExpr(c)
	}
	none := func(*catalog.Column) bool { return false }
	return p.pin(p.plan(del, r, none, false))
}
