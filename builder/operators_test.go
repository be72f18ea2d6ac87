package builder

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestOperatorTable checks what every row of the table has to have.
func TestOperatorTable(t *testing.T) {
	t.Parallel()
	taken := map[string]codec.Kind{}
	for op := range Operators() {
		id := op.Name + "/" + op.Accepts.String()
		if op.Doc == "" || op.SQL == "" || op.Family == "" || op.Accepts == 0 || !strings.Contains(op.SQL, "{x}") && op.Operand != Rank && op.Operand != Search {
			t.Errorf("%s: incomplete: %+v", id, op)
		}
		f, err := parseFilter(op.Example)
		if err != nil || !slices.Contains(op.Spellings(), f.Op) {
			t.Errorf("%s: example %s: %v, %+v", id, op.Example, err, f)
		}
		for _, name := range op.Spellings() {
			if _, clash := quantifiers[name]; clash || slices.Contains(logicNames, name) || slices.Contains(reserved, name) {
				t.Errorf("%s: spelling %s has a meaning of its own", id, name)
			}
			if op.only == nil && taken[name].Has(op.Accepts) {
				t.Errorf("%s: spelling %s is taken for %s", id, name, taken[name])
			}
			taken[name] |= op.Accepts
		}
	}
}

// operandFor makes an operand for op on a column whose ordinary value is value.
func operandFor(op *Operator, typ *codec.Type, value string) string {
	base := typ.Base()
	switch op.Operand {
	case Same:
		switch op.cast {
		case "inet":
			return `"10.0.0.0/8"`
		case "point":
			return `"(1,1)"`
		}
		return value
	case Flag:
		return "true"
	case List:
		return "[" + value + "]"
	case Pair:
		return "[" + value + "," + value + "]"
	case Element:
		return ""
	case Integer:
		return "1"
	case TextList:
		return `["a", "*"]`
	case Search:
		return `{"query":"fat","config":"simple"}`
	case Rank:
		return `{"query":"fat","threshold":0.01}`
	case Distance:
		return `{"to":` + value + `,"threshold":100,"comparison":"lt"}`
	case Text, Literal: // by the type, below
	}
	switch {
	case op.cast == "jsonpath":
		return `"$.a > 1"`
	case base.Kind() == codec.KindLTree:
		return `"Top"`
	}
	return `"a"`
}

// TestEveryOperatorOnEveryType runs each operator on each column of all_types
// that it takes, on both backends, with the column's ordinary value as operand.
func TestEveryOperatorOnEveryType(t *testing.T) {
	t.Parallel()
	l := openLive(t, pgtest.Sample(t))
	table := l.table(t, "all_types")
	ran := map[string]bool{}
	for _, c := range table.Columns {
		typ := l.schema.typeOf(c)
		var value, element sql.NullString
		q := fmt.Sprintf("SELECT to_json(%s)::text, NULL FROM all_types WHERE label = 'ordinary'", c.SQLName())
		if typ.Base().Kind().Has(codec.KindArray) {
			q = fmt.Sprintf("SELECT to_json(%[1]s)::text, to_json((%[1]s)[1])::text FROM all_types WHERE label = 'ordinary'", c.SQLName())
		} else if typ.Base().Kind().Has(codec.KindRange) {
			q = fmt.Sprintf("SELECT to_json(%[1]s)::text, to_json(lower(%[1]s))::text FROM all_types WHERE label = 'ordinary'", c.SQLName())
		} else if typ.Base().Kind().Has(codec.KindMultirange) {
			q = fmt.Sprintf("SELECT to_json(%[1]s)::text, to_json(lower(%[1]s))::text FROM all_types WHERE label = 'ordinary'", c.SQLName())
		}
		if err := l.pools["pgx"].QueryRowContext(t.Context(), q).Scan(&value, &element); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		for i := range operators {
			op := &operators[i]
			if !op.Takes(typ) || op.Extension == "vector" {
				continue
			}
			operand := operandFor(op, typ, value.String)
			if op.Operand == Element {
				operand = element.String
			}
			ran[op.Name+"/"+op.Accepts.String()] = true
			found, err := l.tryFind(t, "all_types", "label", fmt.Sprintf(`{%q: {%q: %s}}`, c.JSONName, op.Name, operand))
			if err != nil {
				t.Errorf("%s %s on %s: %v", op.Name, operand, c.Name, err)
				continue
			}
			if c.Name == "c_jsonb_array" && op.Name != "is_null" {
				continue // its JSON null is written like a NULL member
			}
			// The row whose value was the operand has to be found, or not.
			has := slices.Contains(found, "ordinary")
			switch op.Name {
			case "eq", "in", "gte", "lte", "between", "is_not_distinct_from", "is_not_null", "contained_by", "contains_range",
				"any_eq", "contains_value", "not_left", "not_right":
				if !has {
					t.Errorf("%s %s on %s does not find its own row; found %q", op.Name, operand, c.Name, found)
				}
			case "neq", "nin", "gt", "lt", "not_between", "is_distinct_from", "is_null", "strictly_contains", "adjacent", "is_empty":
				if has {
					t.Errorf("%s %s on %s finds its own row", op.Name, operand, c.Name)
				}
			}
		}
	}
	for op := range Operators() {
		if !ran[op.Name+"/"+op.Accepts.String()] && op.Extension != "vector" && !op.Accepts.Has(codec.KindVector) {
			t.Errorf("operator %s on %s was never run", op.Name, op.Accepts)
		}
	}
}

// TestEverySpelling: an alias and a camelCase name are the same statement.
func TestEverySpelling(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	table, err := s.cat.Table("all_types")
	if err != nil {
		t.Fatal(err)
	}
	for i := range operators {
		op := &operators[i]
		for _, c := range table.Columns {
			if !op.Takes(s.typeOf(c)) || op.Operand != Flag && op.Operand != Integer && op.Operand != TextList {
				continue
			}
			var first string
			for _, name := range op.Spellings() {
				f, err := parseFilter(fmt.Sprintf(`{%q: {%q: %s}}`, c.Name, name, operandFor(op, s.typeOf(c), "")))
				if err != nil {
					t.Fatal(err)
				}
				st, err := filterSQL(s, table, "id", f)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if first == "" {
					first = st.SQL
				}
				if st.SQL != first {
					t.Errorf("%s is not %s: %s", name, op.Name, st.SQL)
				}
			}
		}
	}
}

// TestOperatorRefused: what a type does not take is a problem that says what it takes.
func TestOperatorRefused(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	table, _ := s.cat.Table("users")
	for _, tt := range []struct{ name, filter, want, why string }{
		{"type", `{"id": {"like": "1%"}}`, `at $.filters.id.like: operator "like" does not take the type int8 of field "id"; allowed: eq, neq, gt`, "a pattern needs text"},
		{"unknown", `{"id": {"equals": 1}}`, `at $.filters.id.equals: unknown operator "equals"; allowed: eq, neq`, "never dropped, never ="},
		{"letter case", `{"id": {"EQ": 1}}`, `unknown operator "EQ"; did you mean "eq"?`, "letter case of a key counts"},
		{"misspelt", `{"field":"name","operator":"contanis","value":"x"}`, `at $.filters.operator: unknown operator "contanis"; did you mean "contains"?`, "a hint from the type's own operators"},
		{"field", `{"naem": {"eq": "x"}}`, `at $.filters.naem: unknown field "naem"; did you mean "name"?`, "an unknown key never finds nothing silently"},
		{"field place", `{"field":"naem","eq":"x"}`, `at $.filters.field: unknown field "naem"`, "the place is the field's"},
		{"null", `{"id": {"gt": null}}`, `at $.filters.id.gt: operator "gt" takes no null`, "a comparison with NULL would find nothing"},
		{"null member", `{"id": {"nin": [1, null]}}`, `at $.filters.id.nin[1]: null in a list`, "NOT IN with NULL finds nothing"},
		{"fraction", `{"id": {"eq": 5.5}}`, `at $.filters.id.eq: argument for int8`, "D6: pgx alone would cut it to 5"},
		{"number for text", `{"name": {"eq": 5}}`, `at $.filters.name.eq: argument for text`, "D6"},
		{"object for eq", `{"id": {"eq": {"gt": 1}}}`, `at $.filters.id.eq: argument for int8`, "no operator hides in a value"},
		{"flag", `{"id": {"is_null": 1}}`, `takes no number; allowed: true, false`, "isnull needs a boolean"},
		{"flag null", `{"id": {"isNull": null}}`, `takes no null`, "null is not true"},
		{"text in list", `{"id": {"in": ["x"]}}`, `at $.filters.id.in[0]: argument for int8`, "each element is checked"},
		{"list for in", `{"id": {"in": 5}}`, `takes no number; allowed: list of values`, ""},
		{"pair", `{"id": {"between": [1]}}`, `takes two values, not 1`, ""},
		{"backslash", `{"name": {"like": "x\\"}}`, `ends in a backslash`, "the server would refuse it only for some rows"},
		{"regex length", `{"name": {"regex": "` + strings.Repeat("a", 1001) + `"}}`, `has 1001 bytes; at most 1000`, ""},
		{"type without path", `{"profile": {"type": "text", "eq": "x"}}`, `type says how to read`, ""},
		{"path into text", `{"name": {"path": ["a"], "eq": "x"}}`, `a path leads into a json or jsonb column; the type here is text`, ""},
		{"json type", `{"profile": {"path": ["a"], "type": "txt", "eq": "x"}}`, `unknown type "txt"; did you mean "text"?`, ""},
		{"relation", `{"poosts": {"exists": {"id": {"eq": 1}}}}`, `unknown relation "poosts"; did you mean "posts"?`, ""},
		{"every without condition", `{"posts": {"every": {}}}`, `the condition is empty`, "it would be every row"},
		{"nested object of a relation", `{"posts": {"id": {"eq": 1}}}`, `at $.filters.posts: "posts" is a relation, not a field`, "the filter that others dropped"},
		{"config", `{"name": {"plain_query": {"query": "x", "config": "a'b"}}}`, `not the name of a configuration`, ""},
		{"search key", `{"name": {"plain_query": {"quary": "x"}}}`, `unknown key "quary"; did you mean "query"?`, ""},
		{"geometric", `{"name": {"distance": {"to": 1, "threshold": 1}}}`, `does not take the type text`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := parseFilter(tt.filter)
			if err == nil {
				_, err = filterSQL(s, table, "id", f)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s\ngot  %v\nwant %s\nwhy: %s", tt.filter, err, tt.want, tt.why)
			}
			if p, ok := err.(Problems); err != nil && (!ok || p.Code() != backend.CodeBadUserInput || backend.CodeOf(fmt.Errorf("execute: %w", err)) != p.Code()) {
				t.Errorf("%T is no Problems", err)
			}
		})
	}
}
