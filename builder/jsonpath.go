package builder

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/codec"
)

// jsonTypes are the types that a value inside a json or jsonb column can be
// read as. guard is the JSON type that the value must have; another value, a
// missing one and a JSON null read as NULL. Without a guard the value's text is
// cast, and a text that is no such value is the server's error 22P02, 22007 or
// 22008 (BAD_USER_INPUT).
var jsonTypes = []struct {
	name    string
	aliases []string
	oid     uint32
	guard   string
}{
	{"text", []string{"string"}, oidText, ""},
	{"numeric", []string{"number", "decimal", "int", "integer", "bigint"}, oidNumeric, "number"},
	{"float", []string{"float8", "double"}, oidFloat8, "number"},
	{"boolean", []string{"bool"}, oidBool, "boolean"},
	{"date", nil, oidDate, "string"},
	{"time", nil, oidTime, "string"},
	{"timestamp", nil, oidTimestamp, "string"},
	{"timestamptz", nil, oidTimestampTZ, "string"},
	{"interval", nil, oidInterval, "string"},
	{"uuid", nil, oidUUID, "string"},
	{"json", []string{"jsonb"}, oidJSONB, ""},
}

// jsonTypeNames are the canonical names, for problems.
func jsonTypeNames() []string {
	names := make([]string, len(jsonTypes))
	for i := range jsonTypes {
		names[i] = jsonTypes[i].name
	}
	return names
}

// jsonField is the value at path inside f, a json or jsonb column, read as typ
// (see jsonTypes); "" stands for json. Path elements are object keys, or the
// decimal digits of a list position. The path is a parameter, so the same
// expression twice in one statement is two expressions to the server: ORDER BY
// and GROUP BY have to name an output column instead of repeating it.
func (sc *scope) jsonField(f field, path []string, typ string, at Path) (field, bool) {
	kind := f.typ.Kind()
	if !kind.Has(jsonKinds) {
		sc.probs.addf(at, nil, "a path leads into a json or jsonb column; the type here is %s", typeLabel(f.typ))
		return field{}, false
	}
	if len(path) == 0 {
		sc.probs.addf(at, nil, "the path is empty")
		return field{}, false
	}
	elems := make([]any, len(path))
	for i, p := range path {
		if strings.IndexByte(p, 0) >= 0 || !utf8.ValidString(p) { // from Go code; the parser has refused it
			sc.probs.addf(at, nil, "a path with a character that PostgreSQL can't store")
			return field{}, false
		}
		elems[i] = p
	}
	literal, err := arrayLiteral(elems, ',')
	if err != nil { // strings only
		sc.probs.addf(at, nil, "%s", err)
		return field{}, false
	}
	p, x := arg(literal, "text[]"), f.sql()
	if typ == "" {
		typ = "json"
	}
	for _, t := range jsonTypes {
		if !named(typ, append([]string{t.name}, t.aliases...)...) {
			continue
		}
		out := field{typ: sc.schema.types.Type(t.oid)}
		out.cast = castName(out.typ)
		var e expression
		typeof := "jsonb_typeof"
		if kind == codec.KindJSON {
			typeof = "json_typeof"
		}
		switch {
		case t.oid == oidText:
			e = splice("(? #>> ?)", x, p)
		case t.oid == oidJSONB && kind == codec.KindJSON:
			e = splice("(? #> ?)::jsonb", x, p)
		case t.oid == oidJSONB:
			e = splice("(? #> ?)", x, p)
		default:
			e = splice("CASE "+typeof+"(? #> ?) WHEN '"+t.guard+"' THEN (? #>> ?)::"+out.cast+" END", x, p, x, p)
		}
		out.expr, out.args = e.sql, e.args
		return out, true
	}
	sc.probs.unknown(at, "type", typ, jsonTypeNames())
	return field{}, false
}

// jsonOperand is the value that a condition with a path is about. Where the
// condition says no type, the operand decides: a number is compared as
// numeric, a string as text, a boolean as boolean, and whatever the operator
// does not take in that form as jsonb.
func (sc *scope) jsonOperand(f field, path []string, c *Filter, candidates []*Operator) (field, bool) {
	typ := c.Type
	if typ == "" {
		typ = "json"
		guess := jsonGuess(trimSpace(c.Value))
		if len(candidates) > 0 && candidates[0].Operand == Flag {
			guess = "text" // true and false are the operator's here, not the value's
		}
		if t, ok := jsonTypeOID(guess); ok && len(candidates) > 0 {
			for _, op := range candidates {
				if op.Takes(sc.schema.types.Type(t)) {
					typ = guess
					break
				}
			}
		}
	}
	at := c.Place
	if c.Type != "" && c.fieldAt != nil {
		at = c.Place.key("type")
	}
	return sc.jsonField(f, path, typ, at)
}

// jsonGuess is the type that an operand is most likely meant as.
func jsonGuess(raw json.RawMessage) string {
	switch jsonWord(raw) {
	case "number":
		return "numeric"
	case "boolean":
		return "boolean"
	case "string":
		return "text"
	case "null":
		return "text"
	case "list":
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil || len(items) == 0 {
			return "text"
		}
		guess := jsonGuess(trimSpace(items[0]))
		for _, item := range items {
			if w := jsonWord(trimSpace(item)); w == "list" || w == "object" || jsonGuess(trimSpace(item)) != guess {
				return ""
			}
		}
		return guess
	}
	return ""
}

// jsonTypeOID is the OID of a canonical name of jsonTypes.
func jsonTypeOID(name string) (uint32, bool) {
	for _, t := range jsonTypes {
		if t.name == name {
			return t.oid, true
		}
	}
	return 0, false
}
