package builder

import "github.com/fraiseql/fraiseql-go/codec"

// lengths are the six comparisons of a length, such as len_eq and depth_lte.
func lengths(prefix, what, family string, accepts codec.Kind, sql string) []Operator {
	var rows []Operator
	for _, c := range []struct{ name, sql, word string }{
		{"eq", "=", "is"},
		{"neq", "<>", "is not"},
		{"gt", ">", "is greater than"},
		{"gte", ">=", "is at least"},
		{"lt", "<", "is less than"},
		{"lte", "<=", "is at most"},
	} {
		rows = append(rows, Operator{
			Name: prefix + "_" + c.name, Family: family, Accepts: accepts, Operand: Integer, cast: "int4",
			SQL: sql + " " + c.sql + " {v}", Doc: "The " + what + " " + c.word + " the number.",
			Example: `{"` + family + `": {"` + prefix + "_" + c.name + `": 2}}`,
		})
	}
	return rows
}

// The array operators are named with their schema: the extension intarray has
// others of the same names for int4[], which refuse NULL members and make the
// plain names ambiguous for int2[].
var arrayOperators = append([]Operator{
	{
		Name: "contains", Aliases: []string{"array_contains"}, Family: "array", Accepts: codec.KindArray, SQL: "{x} OPERATOR(pg_catalog.@>) {v}",
		Doc:     "Has every element of the list, in any order. Every array contains the empty list.",
		Example: `{"tags": {"contains": ["go", "sql"]}}`,
		except:  []string{"int2vector", "oidvector"},
	},
	{
		Name: "contained_by", Aliases: []string{"array_contained_by", "array_contained_in", "contained_in"}, Family: "array",
		Accepts: codec.KindArray, SQL: "{x} OPERATOR(pg_catalog.<@) {v}", except: []string{"int2vector", "oidvector"},
		Doc: "Has no element that is not in the list.", Example: `{"tags": {"contained_by": ["go", "sql", "json"]}}`,
	},
	{
		Name: "overlaps", Aliases: []string{"array_overlaps"}, Family: "array", Accepts: codec.KindArray, SQL: "{x} OPERATOR(pg_catalog.&&) {v}",
		except: []string{"int2vector", "oidvector"},
		Doc:    "Shares an element with the list.", Example: `{"tags": {"overlaps": ["go", "rust"]}}`,
	},
	{
		Name: "any_eq", Aliases: []string{"array_any_eq"}, Family: "array", Accepts: codec.KindArray, Operand: Element, SQL: "{v} = ANY({x})",
		Doc: "Has the value as an element.", Example: `{"tags": {"any_eq": "go"}}`,
	},
	{
		Name: "all_eq", Aliases: []string{"array_all_eq"}, Family: "array", Accepts: codec.KindArray, Operand: Element, SQL: "{v} = ALL({x})",
		Doc: "Every element is the value; true of an empty array.", Example: `{"tags": {"all_eq": "go"}}`,
	},
}, lengths("len", "number of elements (of all dimensions)", "array", codec.KindArray, "cardinality({x})")...)

// jsonLength is the length of a JSON array, and NULL of any other value, where
// jsonb_array_length alone would fail.
const jsonLength = "CASE WHEN jsonb_typeof({x}) = 'array' THEN jsonb_array_length({x}) END"

var jsonOperators = append([]Operator{
	{
		Name: "has_key", Family: "jsonb", Accepts: jsonKinds | codec.KindHStore, Operand: Text, cast: "text", SQL: "{x} ? {v}",
		Doc:     "Is an object with the key (also where its value is null), or an array with the string.",
		Example: `{"profile": {"has_key": "email"}}`,
	},
	{
		Name: "has_any_keys", Aliases: []string{"has_any_key", "has_keys_any"}, Family: "jsonb", Accepts: jsonKinds | codec.KindHStore,
		Operand: TextList, cast: "text[]", SQL: "{x} ?| {v}",
		Doc: "Has at least one of the keys; an empty list finds nothing.", Example: `{"profile": {"has_any_keys": ["email", "phone"]}}`,
	},
	{
		Name: "has_all_keys", Aliases: []string{"has_keys_all"}, Family: "jsonb", Accepts: jsonKinds | codec.KindHStore,
		Operand: TextList, cast: "text[]", SQL: "{x} ?& {v}",
		Doc: "Has all of the keys; an empty list finds every value.", Example: `{"profile": {"has_all_keys": ["email", "phone"]}}`,
	},
	{
		Name: "contains", Family: "jsonb", Accepts: jsonKinds | codec.KindHStore, SQL: "{x} @> {v}",
		Doc:     "Contains the value: every key and value of an object, every element of an array, at every depth.",
		Example: `{"profile": {"contains": {"role": "admin"}}}`,
	},
	{
		Name: "contained_by", Aliases: []string{"contained_in"}, Family: "jsonb", Accepts: jsonKinds | codec.KindHStore, SQL: "{x} <@ {v}",
		Doc: "Is contained in the value.", Example: `{"profile": {"contained_by": {"role": "admin", "age": 3}}}`,
	},
	{
		Name: "strictly_contains", Family: "jsonb", Accepts: jsonKinds, SQL: "({x} @> {v} AND {x} <> {v})",
		Doc: "Contains the value and is not equal to it.", Example: `{"profile": {"strictly_contains": {"role": "admin"}}}`,
	},
	{
		Name: "overlaps", Family: "jsonb", Accepts: jsonKinds, Operand: TextList, cast: "text[]", SQL: "{x} ?| {v}",
		Doc:     "Is an array with at least one of the strings, or an object with one of them as a key.",
		Example: `{"labels": {"overlaps": ["go", "sql"]}}`,
	},
	{
		Name: "path_exists", Family: "jsonb", Accepts: jsonKinds, Operand: Text, cast: "jsonpath", SQL: "{x} @? {v}",
		Doc: "The JSON path finds something. Errors within the path find nothing.", Example: `{"profile": {"path_exists": "$.tags[*] ? (@ == \"go\")"}}`,
	},
	{
		Name: "path_match", Family: "jsonb", Accepts: jsonKinds, Operand: Text, cast: "jsonpath", SQL: "{x} @@ {v}",
		Doc: "The JSON path predicate is true.", Example: `{"profile": {"path_match": "$.age > 18"}}`,
	},
}, lengths("len", "length of a JSON array (other values are never found)", "jsonb", jsonKinds, jsonLength)...)

var rangeOperators = []Operator{
	{
		Name: "contains_value", Aliases: []string{"contains_date", "contains_element"}, Family: "range", Accepts: rangeKinds, Operand: Element,
		SQL: "{x} @> {v}", Doc: "Contains the value.", Example: `{"stay": {"contains_value": "2025-06-01"}}`,
	},
	{
		Name: "contains_range", Aliases: []string{"contains"}, Family: "range", Accepts: rangeKinds, SQL: "{x} @> {v}",
		Doc: "Contains the whole range. Every range contains the empty one.", Example: `{"stay": {"contains_range": "[2025-06-01,2025-06-05)"}}`,
	},
	{
		Name: "contained_by", Family: "range", Accepts: rangeKinds, SQL: "{x} <@ {v}",
		Doc: "Lies within the range.", Example: `{"stay": {"contained_by": "[2025-01-01,2026-01-01)"}}`,
	},
	{
		Name: "overlaps", Family: "range", Accepts: rangeKinds, SQL: "{x} && {v}",
		Doc: "Shares a value with the range.", Example: `{"stay": {"overlaps": "[2025-06-01,2025-07-01)"}}`,
	},
	{
		Name: "adjacent", Family: "range", Accepts: rangeKinds, SQL: "{x} -|- {v}",
		Doc: "Touches the range without sharing a value.", Example: `{"stay": {"adjacent": "[2025-06-01,2025-07-01)"}}`,
	},
	{
		Name: "strictly_left", Family: "range", Accepts: rangeKinds, SQL: "{x} << {v}",
		Doc: "Ends before the range begins.", Example: `{"stay": {"strictly_left": "[2025-06-01,2025-07-01)"}}`,
	},
	{
		Name: "strictly_right", Family: "range", Accepts: rangeKinds, SQL: "{x} >> {v}",
		Doc: "Begins after the range ends.", Example: `{"stay": {"strictly_right": "[2025-06-01,2025-07-01)"}}`,
	},
	{
		Name: "not_left", Family: "range", Accepts: rangeKinds, SQL: "{x} &> {v}",
		Doc: "Does not begin before the range begins.", Example: `{"stay": {"not_left": "[2025-06-01,2025-07-01)"}}`,
	},
	{
		Name: "not_right", Family: "range", Accepts: rangeKinds, SQL: "{x} &< {v}",
		Doc: "Does not end after the range ends.", Example: `{"stay": {"not_right": "[2025-06-01,2025-07-01)"}}`,
	},
	{
		Name: "is_empty", Family: "range", Accepts: rangeKinds, Operand: Flag, SQL: "isempty({x})",
		Doc: "The empty range, or with false any other.", Example: `{"stay": {"is_empty": false}}`,
	},
}
