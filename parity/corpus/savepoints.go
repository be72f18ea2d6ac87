package corpus

import (
	"context"
	"errors"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// step is a statement of a transaction and the line that it is of, with what it does with
// which savepoint.
type step struct {
	*builder.Statement
	line       Line
	verb, name string
}

// errBack undoes what a program went back from.
var errBack = errors.New("back to the savepoint")

// steps run in tx one after the other. What stands between a SAVEPOINT and its end is a
// savepoint of tx: a statement that fails there spoils that alone, as it did for the
// program, which went back.
func steps(ctx context.Context, tx executor.Runner, list []step) error {
	var failed error
	for i := 0; i < len(list); i++ {
		name := list[i].name
		if list[i].verb != "savepoint" {
			if err := run(parity.WithRecorded(ctx, list[i].line.Outcome), tx, list[i].line, list[i].Statement); err != nil {
				failed = err // the transaction goes on, as the captured one did
			}
			continue
		}
		for back := true; back; { // it is there still after a ROLLBACK TO
			var end int
			end, back = endOf(list, i+1, name)
			inner := list[i+1 : end]
			err := tx.InTx(ctx, nil, func(ctx context.Context, sub executor.Runner) error {
				err := steps(ctx, sub, inner)
				if back {
					return errBack
				}
				return err
			})
			if err != nil && !errors.Is(err, errBack) {
				return err // it was aborted to its end
			}
			i = end
		}
	}
	return failed
}

// savepointOf is what a statement does with which savepoint: "savepoint", "release" or
// "rollback"; "" where it does nothing with one.
func savepointOf(sql string) (verb, name string) {
	if sqltext.Parse(sql).Tx != sqltext.Savepoint {
		return "", ""
	}
	var names []string
	for _, l := range sqltext.Lex(sql) {
		if l.Sort == sqltext.Word {
			names = append(names, l.Name())
		}
	}
	return names[0], names[len(names)-1]
}

// endOf is where the savepoint that stands before from ends: at its RELEASE, at a
// ROLLBACK to it, or with list.
func endOf(list []step, from int, name string) (end int, back bool) {
	same := 0 // younger ones of this name
	for i, s := range list[from:] {
		switch {
		case s.verb == "" || s.name != name:
		case s.verb == "savepoint":
			same++
		case same > 0:
			if s.verb == "release" {
				same--
			}
		default:
			return from + i, s.verb == "rollback"
		}
	}
	return len(list), false
}
