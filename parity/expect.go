package parity

import (
	"context"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
)

type recordedKey struct{}

// WithRecorded says in ctx how the statements that run with it ended when they were
// recorded: "ok", a SQLSTATE or a backend.Code, as a corpus has it; "" says nothing.
// What went well then and fails now on both sides in the same way is Inconclusive, and
// not Equal: it met another database, and its answer was never compared.
func WithRecorded(ctx context.Context, outcome string) context.Context {
	if outcome == "" && ctx.Value(recordedKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, recordedKey{}, outcome)
}

// wentWell says that what runs with ctx did so when it was recorded.
func wentWell(ctx context.Context) bool { return ctx.Value(recordedKey{}) == "ok" }

// surprised is called with the errors of both sides where the statement went well when
// it was recorded.
func (c *comparison) surprised(statement string, control, candidate error) {
	if control == nil || candidate == nil || interrupted(control) || interrupted(candidate) {
		return
	}
	state := backend.SQLStateOf(control)
	if state == "" {
		state = backend.CodeOf(control).String()
	}
	c.inconclusive(fmt.Sprintf("%s went well when it was recorded, and fails here on both sides: %s", statement, state))
}
