package builder

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/codec"
)

const (
	maxRegex    = 1000 // bytes of a regular expression
	maxOneByOne = 1000 // values of an in list whose type can't be an array's element

	oidBool, oidInt8, oidText, oidJSON, oidFloat8  = 16, 20, 25, 114, 701
	oidInt4, oidPoint, oidInet, oidNumeric         = 23, 600, 869, 1700
	oidDate, oidTime, oidTimestamp, oidTimestampTZ = 1082, 1083, 1114, 1184
	oidInterval, oidUUID, oidJSONB                 = 1186, 2950, 3802
)

// operandReader turns the JSON operand of one condition into the parts of the
// operator's SQL.
type operandReader struct {
	sc    *scope
	op    *Operator
	field field
	slot  Slot
	parts map[string]expression

	negated  bool        // a Flag that is false
	constant *expression // the condition is this, whatever the field
}

// read fills parts from raw, which is not null. What is wrong becomes a problem.
func (o *operandReader) read(raw json.RawMessage, at Path) {
	probs := o.sc.probs
	o.parts["s"] = expression{sql: ident(o.field.typ.Base().Schema())}
	switch o.op.Operand {
	case Same:
		o.parts["v"] = o.value(raw, at)
	case Flag:
		switch string(raw) {
		case "true":
		case "false":
			o.negated = true
		default:
			probs.addf(at, []string{"true", "false"}, "operator %s takes no %s", quoted(o.op.Name), jsonWord(raw))
		}
	case List:
		o.list(raw, at)
	case Pair:
		o.fix()
		items, ok := o.items(probs, raw, at)
		if !ok {
			return
		}
		if len(items) != 2 {
			probs.addf(at, []string{"[low, high]"}, "operator %s takes two values, not %d", quoted(o.op.Name), len(items))
			return
		}
		o.parts["lo"], o.parts["hi"] = o.value(items[0], at.index(0)), o.value(items[1], at.index(1))
	case Element:
		if e := o.element(); e != nil {
			o.parts["v"] = o.typed(e, castName(e), raw, at)
		}
	case Text, Literal:
		if s, ok := o.text(o.sc.probs, raw, at); ok {
			o.parts["v"] = o.bound(s, func(probs *problems, leaf []byte) any {
				s, _ := o.text(probs, leaf, at)
				return s
			}, at)
		}
	case TextList:
		o.textList(raw, at)
	case Integer:
		o.parts["v"] = o.typed(o.sc.schema.types.Type(oidInt4), "int4", raw, at)
	case Search, Rank, Distance:
		o.object(raw, at)
	}
}

// typed is raw as an argument of type t. null is refused: no operator but the
// ones for NULL takes one, and apply has seen to those.
func (o *operandReader) typed(t *codec.Type, cast string, raw json.RawMessage, at Path) expression {
	if string(raw) == "null" {
		o.sc.probs.addf(at, nil, "null can't stand here; is_null finds NULL")
		return never
	}
	v := o.sc.argument(t, raw, at)
	return slotArg(v, cast, o.slot, at, argumentOf(t))
}

// fix takes the operand as it is: see Plan.Reusable.
func (o *operandReader) fix() {
	o.sc.fix(o.slot)
	o.slot = 0
}

// value is raw as an argument of the field's type, or of the operator's own.
func (o *operandReader) value(raw json.RawMessage, at Path) expression {
	switch o.op.cast {
	case "":
		return o.typed(o.field.typ, o.field.cast, raw, at)
	case "inet":
		return o.typed(o.sc.schema.types.Type(oidInet), "inet", raw, at)
	default: // "point"
		return o.typed(o.sc.schema.types.Type(oidPoint), o.op.cast, raw, at)
	}
}

// bound is checked text as an argument of the operator's own type; read makes it
// of another leaf.
func (o *operandReader) bound(text string, read func(*problems, []byte) any, at Path) expression {
	cast := o.op.cast
	if t, ok := strings.CutPrefix(cast, "{s}."); ok { // a type of the field's extension
		cast = o.parts["s"].sql + "." + t
	}
	return slotArg(text, cast, o.slot, at, rereads(read))
}

// element is the type of what an array, range or multirange consists of.
func (o *operandReader) element() *codec.Type {
	e := o.field.typ.Base().Elem()
	for e != nil && e.Base().Kind().Has(codec.KindArray|rangeKinds) && o.field.typ.Kind().Has(codec.KindMultirange|codec.KindArray) {
		if o.field.typ.Kind() == codec.KindArray && e.Base().Kind() != codec.KindArray {
			break // an array of ranges: a range is the element
		}
		e = e.Base().Elem()
	}
	return e
}

// text is raw as a string, with its wildcards escaped where they are literal.
func (o *operandReader) text(probs *problems, raw json.RawMessage, at Path) (string, bool) {
	s, ok := jsonText(raw)
	if !ok {
		probs.addf(at, []string{"a string"}, "operator %s takes no %s", quoted(o.op.Name), jsonWord(raw))
		return "", false
	}
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		probs.addf(at, nil, "text with a character that PostgreSQL can't store")
		return "", false
	}
	if o.op.Operand == Literal {
		return o.op.affix[0] + escapeLike(s) + o.op.affix[1], true
	}
	switch o.op.Name {
	case "like", "ilike", "nlike", "nilike":
		if trailingEscape(s) {
			probs.addf(at, nil, "the pattern ends in a backslash that escapes nothing; write two for one")
			return "", false
		}
	case "regex", "iregex", "nregex", "niregex", "similar", "nsimilar":
		if len(s) > maxRegex {
			probs.addf(at, nil, "the regular expression has %d bytes; at most %d are taken", len(s), maxRegex)
			return "", false
		}
	}
	return s, true
}

// escapeLike makes the wildcards of LIKE stand for themselves ("Pattern
// Matching": the default escape character is the backslash).
func escapeLike(s string) string {
	return likeEscaper.Replace(s)
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// trailingEscape says that a pattern ends in an odd number of backslashes,
// which the server refuses only when it comes to compare that far.
func trailingEscape(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// jsonText is raw as a string, if it is one.
func jsonText(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// jsonWord names the kind of a JSON value for a message.
func jsonWord(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// items are the elements of a list.
func (o *operandReader) items(probs *problems, raw json.RawMessage, at Path) ([]json.RawMessage, bool) {
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		probs.addf(at, []string{o.op.Operand.String()}, "operator %s takes no %s", quoted(o.op.Name), jsonWord(raw))
		return nil, false
	}
	for i := range items {
		items[i] = bytes.TrimSpace(items[i])
	}
	return items, true
}

// list makes the values of in and nin one array parameter, so that a list of
// any length is the same statement and no number of values passes the
// protocol's count of parameters.
func (o *operandReader) list(raw json.RawMessage, at Path) {
	values, ok := o.listValues(o.sc.probs, raw, at)
	switch {
	case !ok:
		return
	case len(values) == 0:
		c := never
		if o.op.Name == "nin" {
			c = always
		}
		o.constant = &c
		return
	case o.field.typ.Kind() == codec.KindArray: // an array of arrays would be flattened
		o.fix()
		o.oneByOne(values, at)
		return
	}
	literal := func(probs *problems, values []any) any {
		text, err := arrayLiteral(values, o.field.typ.Base().Delim())
		if err != nil {
			probs.addf(at, nil, "%s", err)
		}
		return text
	}
	o.parts["v"] = slotArg(literal(o.sc.probs, values), o.field.cast+"[]", o.slot, at,
		func(leaf []byte) (any, error) {
			probs := &problems{}
			values, _ := o.listValues(probs, trimSpace(leaf), at)
			if err := probs.err(); err != nil {
				return nil, err
			}
			return literal(probs, values), probs.err()
		})
}

// listValues are the values of a list as arguments of the field's type.
func (o *operandReader) listValues(probs *problems, raw json.RawMessage, at Path) ([]any, bool) {
	items, ok := o.items(probs, raw, at)
	if !ok {
		return nil, false
	}
	before := probs.count()
	values := make([]any, len(items))
	base := o.field.typ.Base()
	for i, item := range items {
		if string(item) == "null" {
			probs.addf(at.index(i), nil, "null in a list finds nothing and hides rows from nin; say is_null beside it")
			continue
		}
		var err error
		if values[i], err = base.Argument(item); err != nil {
			argumentProblem(probs, err, at.index(i))
		}
	}
	return values, probs.count() == before
}

// oneByOne is a list with a parameter for each value.
func (o *operandReader) oneByOne(values []any, at Path) {
	if len(values) > maxOneByOne {
		o.sc.probs.addf(at, nil, "a list of %d arrays; at most %d are taken", len(values), maxOneByOne)
		return
	}
	word := " IN ("
	if o.op.Name == "nin" {
		word = " NOT IN ("
	}
	c := o.parts["x"]
	c.sql += word
	c.args = slices.Clone(c.args)
	for i, v := range values {
		if i > 0 {
			c.sql += ", "
		}
		c.sql += "?::" + o.field.cast
		c.args = append(c.args, v)
	}
	c.sql += ")"
	o.constant = &c
}

// textList makes a list of strings one array parameter.
func (o *operandReader) textList(raw json.RawMessage, at Path) {
	read := func(probs *problems, raw []byte) any {
		items, ok := o.items(probs, raw, at)
		if !ok {
			return nil
		}
		values := make([]any, len(items))
		for i, item := range items {
			s, ok := o.text(probs, item, at.index(i))
			if !ok {
				return nil
			}
			values[i] = s
		}
		literal, err := arrayLiteral(values, ',')
		if err != nil {
			probs.addf(at, nil, "%s", err)
		}
		return literal
	}
	if literal, ok := read(o.sc.probs, raw).(string); ok {
		o.parts["v"] = o.bound(literal, read, at)
	}
}

// members of the operands that are objects.
var (
	searchMembers   = []string{"query", "config"}
	rankMembers     = []string{"query", "threshold", "config"}
	distanceMembers = []string{"to", "threshold", "comparison"}
	comparisonSQL   = map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
)

// object reads the operand of a search, a rank or a distance.
func (o *operandReader) object(raw json.RawMessage, at Path) {
	probs, types := o.sc.probs, o.sc.schema.types
	if o.op.Operand == Search && raw[0] == '"' {
		if s, ok := o.text(probs, raw, at); ok {
			o.search(slotArg(s, "text", o.slot, at, rereads(func(probs *problems, leaf []byte) any {
				s, _ := o.text(probs, leaf, at)
				return s
			})), "")
		}
		return
	}
	o.fix()
	d := scan(raw, Limits{MaxBytes: len(raw), MaxNodes: defaultMaxNodes}, probs)
	if d == nil || d.nodes[0].kind != jsonObject {
		probs.addf(at, []string{o.op.Operand.String()}, "operator %s takes no %s", quoted(o.op.Name), jsonWord(raw))
		return
	}
	names := map[Operand][]string{Search: searchMembers, Rank: rankMembers, Distance: distanceMembers}[o.op.Operand]
	m := d.members(0, at, names, probs)
	if o.op.Operand == Distance {
		o.distance(m, at)
		return
	}
	if o.op.Operand == Rank && o.need(m, "threshold", at) {
		o.parts["t"] = o.typed(types.Type(oidFloat8), "float8", m["threshold"], at.key("threshold"))
	}
	config := ""
	if c, ok := m["config"]; ok {
		name, isText := jsonText(c)
		if !isText || !configName(name) {
			probs.addf(at.key("config"), []string{"the name of a text search configuration, such as english"}, "not the name of a configuration")
			return
		}
		config = name
	}
	if o.need(m, "query", at) {
		if s, ok := o.text(probs, m["query"], at.key("query")); ok {
			o.search(arg(s, "text"), config)
		}
	}
}

// need says that the operand's object lacks a member.
func (o *operandReader) need(m map[string]json.RawMessage, name string, at Path) bool {
	_, ok := m[name]
	if !ok {
		o.sc.probs.addf(at, nil, "operator %s needs %s", quoted(o.op.Name), quoted(name))
	}
	return ok
}

// search sets the parts of a full text condition.
func (o *operandReader) search(query expression, config string) {
	o.parts["v"], o.parts["c"] = query, expression{}
	vec := o.parts["x"]
	if config != "" {
		c := arg(config, "regconfig")
		o.parts["c"] = expression{c.sql + ", ", c.args}
	}
	if o.field.typ.Kind() == codec.KindText {
		vec = expand("to_tsvector({c}{x}::text)", map[string]expression{"c": o.parts["c"], "x": vec})
	}
	o.parts["vec"] = vec
}

// configName says that s can be the name of a text search configuration:
// name or schema.name of letters, digits and underscores.
func configName(s string) bool {
	parts := strings.Split(s, ".")
	return len(s) <= 127 && len(parts) <= 2 && !slices.ContainsFunc(parts, func(p string) bool { return !plainKey(p) })
}

// distance sets the parts of a distance: {"to":…,"threshold":…,"comparison":"lte"}.
func (o *operandReader) distance(m map[string]json.RawMessage, at Path) {
	o.parts["cmp"] = expression{sql: "<="}
	if c, ok := m["comparison"]; ok {
		name, _ := jsonText(c)
		sql, known := comparisonSQL[name]
		if !known {
			o.sc.probs.addf(at.key("comparison"), sortedKeys(comparisonSQL), "unknown comparison")
			return
		}
		o.parts["cmp"] = expression{sql: sql}
	}
	if o.need(m, "to", at) {
		o.parts["v"] = o.value(m["to"], at.key("to"))
	}
	if o.need(m, "threshold", at) {
		o.parts["t"] = o.typed(o.sc.schema.types.Type(oidFloat8), "float8", m["threshold"], at.key("threshold"))
	}
}

// members are the members of the object at node n by name; an unknown one is a
// problem.
func (d *document) members(n int32, at Path, names []string, probs *problems) map[string]json.RawMessage {
	m := make(map[string]json.RawMessage, len(names))
	for k := n + 1; k < d.nodes[n].after; k = d.nodes[k+1].after {
		name := d.str(k)
		if !slices.Contains(names, name) {
			probs.unknown(at.key(name), "key", name, names)
			continue
		}
		m[name] = d.raw(k + 1)
	}
	return m
}
