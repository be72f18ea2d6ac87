package parity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
)

// recorded is how an operation ended when it was recorded.
type recorded struct {
	outcome string   // "ok", a SQLSTATE; anything else says nothing
	unless  []string // SQLSTATEs that the replay itself brings about
}

type recordedKey struct{}

// WithRecorded says in the context of a statement, or of an InTx, how it ended when it was
// recorded: "ok" or the SQLSTATE of its error. Where both sides now end in one error that is
// another, they agree and still nothing is known of what the program did: its table, rights or
// rows are not there. Such a Report is Inconclusive, and never Equal. unless are SQLSTATEs that
// are left out of this, since the replay itself brings them about. Any other outcome, such as
// "", says nothing.
func WithRecorded(ctx context.Context, outcome string, unless ...string) context.Context {
	return context.WithValue(ctx, recordedKey{}, recorded{outcome, unless})
}

func recordedOf(ctx context.Context) recorded {
	r, _ := ctx.Value(recordedKey{}).(recorded)
	return r
}

// isState says that s is a SQLSTATE.
func isState(s string) bool {
	return len(s) == 5 && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// unlike looks whether one error that both sides have is that of the recording.
func (c *comparison) unlike(statement string, was recorded, control, candidate error) {
	if control == nil || candidate == nil || errors.Is(control, ErrRollback) || errors.Is(control, errRehearsed) || failureOf(control) != failureOf(candidate) {
		return
	}
	now := backend.SQLStateOf(control)
	then := "went well"
	switch {
	case slices.Contains(was.unless, now) && now != "", outage(control):
		return
	case was.outcome == "ok":
	case !isState(was.outcome), was.outcome == now:
		return
	case was.outcome == "25P02" && errors.Is(control, executor.ErrAborted): // what comes after an error, by another name
		return
	default:
		then = "had another error"
	}
	if now == "" {
		now = backend.CodeOf(control).String()
	}
	why := "fails here on both sides"
	if errors.Is(control, executor.ErrAborted) {
		why = "is not sent here, since a statement before it fails on both sides"
	}
	why += condition(now) + ": " + now
	c.inconclusive(fmt.Sprintf("%s %s when it was recorded, and %s", statement, then, why))
}

// condition is the name that the PostgreSQL documentation gives to a SQLSTATE (appendix A),
// behind a comma, of those that a replay in another world meets; else "".
func condition(state string) string {
	name := map[string]string{
		"23502": "not null violation", "23503": "foreign key violation", "23505": "unique violation", "23514": "check violation", "23P01": "exclusion violation",
		"25001": "active SQL transaction", "25006": "read only SQL transaction", "26000": "invalid SQL statement name", "2BP01": "dependent objects still exist",
		"3F000": "invalid schema name", "42501": "insufficient privilege", "42601": "syntax error", "42703": "undefined column", "42704": "undefined object",
		"42710": "duplicate object", "42723": "duplicate function", "42883": "undefined function", "42P01": "undefined table", "42P06": "duplicate schema", "42P07": "duplicate table",
	}[state]
	if name == "" {
		return ""
	}
	return ", " + name
}

// unbegun says of a transaction that neither side could begin that nothing was compared: one
// error on both is no agreement on what would have run in it.
func (c *comparison) unbegun(control, candidate error) {
	c.errs("begin", control, candidate)
	if control == nil || failureOf(control) != failureOf(candidate) {
		return
	}
	now := backend.SQLStateOf(control)
	if now == "" {
		now = backend.CodeOf(control).String()
	}
	what := "the transaction could not begin on either side" + condition(now) + ": "
	if e, ok := errors.AsType[*backend.Error](control); ok && e.Op == "set session" {
		what = "its settings can't be made on either side" + condition(now) + ": "
	}
	c.inconclusive(what + now)
}

// unbegun reports a read that the control could not begin: what the candidate says to the
// same is compared.
func (r *Runner) unbegun(ctx context.Context, o *executor.TxOptions, report Report, c *comparison, err error) {
	var candidateErr error
	if !outage(err) {
		candidateErr = contained(func() error {
			tx, err := r.candidate.Begin(ctx, o)
			if err == nil {
				_ = tx.Rollback(ctx) // it has done nothing
			}
			return err
		})
	}
	report.Operation = "begin"
	c.unbegun(err, candidateErr)
	r.h.publish(ctx, r.h.fill(report, c, err, candidateErr))
}
