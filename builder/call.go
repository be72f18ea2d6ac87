package builder

import (
	"encoding/json"
	"slices"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// Call is a function of the catalog with its arguments. As Definition.From its
// rows are those of the definition; as Field.Call, Filter.Call, Sort.Call and
// Relation.Call its first argument is the row of the level, and Args are the
// others.
//
// Arguments are checked by the codec of their type and stay parameters. One
// that is left out has the function's default; null is NULL, which a STRICT
// function answers with NULL (or no row) without being run. A VARIADIC argument
// is given as one list.
type Call struct {
	Function *catalog.Function
	Args     []CallArg
	Place    Path
}

// CallArg is one argument of a Call.
type CallArg struct {
	Name  string // in either spelling, or arg1, arg2, … as CallableArg.JSONName has it
	Value json.RawMessage
	Slot  Slot // of Value
	Place Path
}

// callable is what is known of the function, or a problem.
func (sc *scope) callable(c *Call) (*Callable, bool) {
	known, err := sc.schema.Callable(c.Function)
	if err != nil {
		sc.probs.addf(c.Place, nil, "%s", err)
		return nil, false
	}
	return known, true
}

// given is one argument of a call as SQL.
type given struct {
	arg   *CallableArg     // nil for an OUT argument of a procedure
	value squirrel.Sqlizer // nil where it is left out
	name  string           // "" where the function has none
	typ   uint32
}

// call is the SQL of a call: "schema"."name"("x" => ?::t). row is the first
// argument of a function of rows, else nil.
func (sc *scope) call(c *Call, k *Callable, row squirrel.Sqlizer) (expression, bool) {
	before := sc.probs.count()
	values := make([]squirrel.Sqlizer, len(k.Args))
	own := 0 // arguments that are not the call's
	if row != nil {
		values[0], own = row, 1
	}
	names := make([]string, 0, len(k.Args))
	for _, a := range k.Args[own:] {
		names = append(names, a.JSONName)
	}
	for i := range c.Args {
		a := &c.Args[i]
		j := own + slices.IndexFunc(k.Args[own:], func(f CallableArg) bool {
			return a.Name == f.JSONName || a.Name == f.Name && a.Name != ""
		})
		switch {
		case j < own:
			sc.probs.unknown(a.Place, "argument", a.Name, names)
		case values[j] != nil:
			sc.probs.addf(a.Place, nil, "argument %s is there already", quoted(a.Name))
		default:
			values[j] = sc.callArgument(&k.Args[j], a)
		}
	}
	for i, v := range values {
		if v == nil && !k.Args[i].Optional {
			sc.probs.addf(c.Place, nil, "argument %s is required", quoted(k.Args[i].JSONName))
		}
	}
	if sc.probs.count() != before {
		return never, false
	}
	return sc.notation(c, sc.arguments(k.Function, k.Args, values), own)
}

// callArgument is the value of one argument. The cast is to the declared type,
// of a domain to the domain itself: it decides between overloads.
func (sc *scope) callArgument(f *CallableArg, a *CallArg) squirrel.Sqlizer {
	switch {
	case len(a.Value) == 0 || !json.Valid(a.Value):
		sc.probs.addf(a.Place, nil, "the argument is missing or not JSON")
		return always
	case f.NotNull && isNull(a.Value):
		sc.probs.addf(a.Place, nil, "argument %s can't be null: type %s refuses it", quoted(f.JSONName), typeLabel(f.Type))
		return always
	}
	return slotArg(sc.argument(f.Type, a.Value, a.Place), sqlText(f.Type.SQLName()), a.Slot, a.Place, argumentOf(f.Type))
}

// arguments are those of f in declared order. The OUT arguments of a procedure
// have to stand among them, and are not looked at ("CALL").
func (sc *scope) arguments(f *catalog.Function, in []CallableArg, values []squirrel.Sqlizer) []given {
	var all []given
	n := 0
	for i := range f.Args {
		a := &f.Args[i]
		switch {
		case a.Input():
			all = append(all, given{&in[n], values[n], a.Name, a.Type})
			n++
		case f.Procedure:
			null := expression{sql: "NULL::" + sqlText(sc.schema.types.Type(a.Type).SQLName())}
			all = append(all, given{nil, null, a.Name, a.Type})
		}
	}
	return all
}

// notation writes the call: arguments stand by place up to the last one without
// a name, and the row always does; behind that they are named, so that one that
// has moved since the catalog was read is not taken for another.
//
// What is left out can make the call fit an overload, which PostgreSQL would
// prefer, or find ambiguous. Where nothing is left out places and types tell.
func (sc *scope) notation(c *Call, all []given, placed int) (expression, bool) {
	omitted := false
	for i, g := range all {
		omitted = omitted || g.value == nil
		if g.value != nil && g.name == "" {
			placed = max(placed, i+1)
		}
	}
	if sc.overloaded(c.Function, all, placed) {
		if omitted || sc.overloaded(c.Function, all, len(all)) {
			sc.probs.addf(c.Place, nil, "the arguments fit another function of the same name as well; give those that have a default")
			return never, false
		}
		placed = len(all)
	}
	var parts []squirrel.Sqlizer
	for i, g := range all {
		if g.value == nil {
			if i < placed {
				sc.probs.addf(c.Place, nil, "argument %s must be given, for one behind it has no name", quoted(g.arg.JSONName))
				return never, false
			}
			continue
		}
		form := "?"
		if i >= placed {
			form = ident(g.name) + " => ?"
		}
		if g.arg != nil && g.arg.Variadic {
			form = "VARIADIC " + form
		}
		parts = append(parts, splice(form, g.value))
	}
	return splice(sc.schema.nameIn(c.Function.Schema, c.Function.Name)+"(?)", join(parts, ", ")), true
}

// overloaded says whether the given arguments, as they are written, are also
// arguments of another function of the same name.
func (sc *scope) overloaded(f *catalog.Function, all []given, placed int) bool {
	name := catalog.QuoteIdent(f.Schema) + "." + catalog.QuoteIdent(f.Name)
	return slices.ContainsFunc(sc.schema.cat.Function(name), func(other *catalog.Function) bool {
		return other != f && fits(other, all, placed)
	})
}

// fits says whether f takes the given input arguments, of just these types, and
// has defaults for the rest.
func fits(f *catalog.Function, all []given, placed int) bool {
	left := 0
	for _, g := range all {
		if g.value != nil && g.arg != nil {
			left++
		}
	}
	place := 0
	for i := range f.Args {
		a := &f.Args[i]
		if !a.Input() {
			continue
		}
		j := place
		if place >= placed {
			j = slices.IndexFunc(all, func(g given) bool { return g.name == a.Name && g.name != "" })
		}
		place++
		if j >= 0 && j < len(all) && all[j].arg != nil && all[j].value != nil {
			if all[j].typ != a.Type {
				return false
			}
			left--
		} else if !a.HasDefault {
			return false
		}
	}
	return left == 0
}
