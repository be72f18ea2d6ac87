package builder

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/codec"
)

// maxArgs is how many parameters one statement can have: the protocol counts
// them in 16 bits (PostgreSQL documentation, "Message Formats", Bind).
const maxArgs = 65535

// expression is SQL text with one question mark for each argument, in
// squirrel's form: a question mark that is meant for PostgreSQL is doubled.
type expression struct {
	sql  string
	args []any
}

// ToSql implements squirrel.Sqlizer.
func (e expression) ToSql() (string, []any, error) { return e.sql, e.args, nil } //nolint:staticcheck // squirrel's spelling

// Conditions that need no argument.
var (
	always = expression{sql: "TRUE"}
	never  = expression{sql: "FALSE"}
)

// arg is one placeholder with its type: ?::int8. The cast is always there, so
// that neither the server nor a driver infers another type from the context.
// value is nil, a string, or []byte where cast is bytea.
func arg(value any, cast string) expression {
	return expression{"?::" + cast, []any{value}}
}

// bind is raw as an argument for f: checked and made canonical by the codec of
// the field's type. A value that the type does not take is a problem at at.
func (sc *scope) bind(f field, raw json.RawMessage, at Path) squirrel.Sqlizer {
	return arg(sc.argument(f.typ, raw, at), f.cast)
}

// bindSlot is bind for a value that comes from a slot.
func (sc *scope) bindSlot(f field, raw json.RawMessage, slot Slot, at Path) squirrel.Sqlizer {
	return slotArg(sc.argument(f.typ, raw, at), f.cast, slot, at, argumentOf(f.typ))
}

// argumentOf makes the arguments of a slot for t.
func argumentOf(t *codec.Type) func([]byte) (any, error) {
	base := t.Base()
	return func(leaf []byte) (any, error) { return base.Argument(leaf) }
}

// argument is raw in the form of a driver's argument, as the type under any
// domain takes it. A value that it does not take is a problem at at, and nil.
func (sc *scope) argument(t *codec.Type, raw json.RawMessage, at Path) any {
	v, err := t.Base().Argument(raw)
	if err != nil {
		argumentProblem(sc.probs, err, at)
		return nil
	}
	return v
}

// splice puts parts, in their order, in place of the question marks of format.
// A doubled question mark stays doubled.
func splice(format string, parts ...squirrel.Sqlizer) expression {
	var b strings.Builder
	var args []any
	for i := 0; i < len(format); i++ {
		if format[i] != '?' {
			b.WriteByte(format[i])
			continue
		}
		if i+1 < len(format) && format[i+1] == '?' {
			b.WriteString("??")
			i++
			continue
		}
		sql, more, err := parts[0].ToSql()
		if err != nil { // an expression never fails; a squirrel builder may
			panic(fmt.Sprintf("builder: render a part of %q: %v", format, err))
		}
		parts = parts[1:]
		b.WriteString(sql)
		args = append(args, more...)
	}
	return expression{b.String(), args}
}

// join puts sep between parts.
func join(parts []squirrel.Sqlizer, sep string) expression {
	if len(parts) == 0 {
		return expression{}
	}
	return splice("?"+strings.Repeat(sep+"?", len(parts)-1), parts...)
}

// arrayLiteral is PostgreSQL's text of a one-dimensional array, every element
// quoted ("Array Input and Output Syntax"). A nil element is NULL; a delimiter
// other than a comma is passed in delim.
func arrayLiteral(elems []any, delim byte) (string, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, e := range elems {
		if i > 0 {
			b.WriteByte(delim)
		}
		var text string
		switch v := e.(type) {
		case nil:
			b.WriteString("NULL")
			continue
		case string:
			text = v
		case []byte:
			text = fmt.Sprintf(`\x%x`, v)
		default:
			return "", fmt.Errorf("array element of Go type %T", e)
		}
		b.WriteByte('"')
		for j := range len(text) {
			if text[j] == '"' || text[j] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(text[j])
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String(), nil
}

// finish renders s with placeholders $1..$n. name and e are the Statement's.
// It fails only where this package has made a broken statement, or one with
// more parameters than the protocol can count.
func finish(name string, e Effect, s squirrel.Sqlizer) (Statement, error) {
	sql, args, err := s.ToSql()
	if err != nil {
		return Statement{}, fmt.Errorf("render %s: %w", name, err)
	}
	if len(args) > maxArgs {
		return Statement{}, fmt.Errorf("render %s: %d parameters; PostgreSQL takes %d", name, len(args), maxArgs)
	}
	if n := strings.Count(strings.ReplaceAll(sql, "??", ""), "?"); n != len(args) {
		return Statement{}, fmt.Errorf("render %s: %d placeholders for %d arguments", name, n, len(args))
	}
	for i, a := range args {
		switch a.(type) {
		case nil, string, []byte, *slotted:
		default:
			return Statement{}, fmt.Errorf("render %s: argument %d has Go type %T", name, i+1, a)
		}
	}
	sql, err = squirrel.Dollar.ReplacePlaceholders(sql)
	if err != nil {
		return Statement{}, errors.Join(fmt.Errorf("render %s", name), err)
	}
	st := Statement{Name: name, SQL: sql, Args: args, Effect: e}
	st.settle()
	return st, nil
}

// sortedKeys are the keys of m in order: what is made of a map is the same
// each time.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
