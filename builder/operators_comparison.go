package builder

import "github.com/fraiseql/fraiseql-go/codec"

// sameAs are the geometric types whose equality is the operator ~= ("same
// as"): their = compares areas, or is not there.
var sameAs = []string{"point", "box", "polygon", "circle"}

// byEqual are the geometric types with a true =. path has none: its = compares
// numbers of points.
var byEqual = []string{"line", "lseg"}

// onlyEqual are the types that have = and no <>.
var onlyEqual = []string{"cid"}

var comparisonOperators = []Operator{
	{
		Name: "eq", Family: "comparison", Accepts: equalKinds, SQL: "{x} = {v}",
		Doc:     "Equal. null finds NULL (IS NULL). A jsonb value equals another whatever the order of its keys.",
		Example: `{"name": {"eq": "Ann"}}`,
	},
	{
		Name: "eq", Family: "comparison", Accepts: codec.KindGeometric, SQL: "{x} ~= {v}", only: sameAs,
		Doc:     "The same point, box, polygon or circle. A path has no equality.",
		Example: `{"place": {"eq": "(1,2)"}}`,
	},
	{
		Name: "eq", Family: "comparison", Accepts: codec.KindGeometric, SQL: "{x} = {v}", only: byEqual,
		Doc:     "The same line or line segment.",
		Example: `{"edge": {"eq": "[(0,0),(1,1)]"}}`,
	},
	{
		Name: "neq", Aliases: []string{"ne"}, Family: "comparison", Accepts: equalKinds, SQL: "{x} <> {v}", except: onlyEqual,
		Doc:     "Not equal. A NULL field is not found; null finds every value (IS NOT NULL).",
		Example: `{"status": {"neq": "archived"}}`,
	},
	{
		Name: "neq", Aliases: []string{"ne"}, Family: "comparison", Accepts: codec.KindGeometric, SQL: "NOT ({x} ~= {v})", only: sameAs,
		Doc:     "Another point, box, polygon or circle.",
		Example: `{"place": {"neq": "(1,2)"}}`,
	},
	{
		Name: "neq", Aliases: []string{"ne"}, Family: "comparison", Accepts: codec.KindGeometric, SQL: "NOT ({x} = {v})", only: byEqual,
		Doc:     "Another line or line segment.",
		Example: `{"edge": {"neq": "[(0,0),(1,1)]"}}`,
	},
	{
		Name: "gt", Family: "comparison", Accepts: orderKinds, SQL: "{x} > {v}", except: noOrder,
		Doc:     "Greater. Text by the column's collation, enums by the order of their labels, timestamps as instants.",
		Example: `{"age": {"gt": 18}}`,
	},
	{
		Name: "gte", Family: "comparison", Accepts: orderKinds, SQL: "{x} >= {v}", except: noOrder,
		Doc: "Greater or equal.", Example: `{"created_at": {"gte": "2025-01-01T00:00:00Z"}}`,
	},
	{
		Name: "lt", Family: "comparison", Accepts: orderKinds, SQL: "{x} < {v}", except: noOrder,
		Doc: "Less.", Example: `{"price": {"lt": 99.99}}`,
	},
	{
		Name: "lte", Family: "comparison", Accepts: orderKinds, SQL: "{x} <= {v}", except: noOrder,
		Doc: "Less or equal.", Example: `{"born": {"lte": "2006-12-31"}}`,
	},
	{
		Name: "between", Family: "comparison", Accepts: orderKinds, Operand: Pair, SQL: "{x} BETWEEN {lo} AND {hi}", except: noOrder,
		Doc:     "From the first to the second value, both included. Where the first is greater, nothing is found.",
		Example: `{"age": {"between": [18, 65]}}`,
	},
	{
		Name: "not_between", Aliases: []string{"nbetween"}, Family: "comparison", Accepts: orderKinds, Operand: Pair,
		SQL: "{x} NOT BETWEEN {lo} AND {hi}", except: noOrder,
		Doc: "Outside of the two values.", Example: `{"age": {"not_between": [18, 65]}}`,
	},
	{
		Name: "in", Family: "comparison", Accepts: equalKinds, Operand: List, SQL: "{x} = ANY({v})",
		Doc: "One of the values. An empty list finds nothing. null is refused in the list: say is_null. " +
			"The list is one parameter, however long it is.",
		Example: `{"id": {"in": [1, 2, 3]}}`,
	},
	{
		Name: "in", Family: "comparison", Accepts: codec.KindGeometric, Operand: List, SQL: "{x} ~= ANY({v})", only: sameAs,
		Doc: "One of the points, boxes, polygons or circles.", Example: `{"place": {"in": ["(1,2)", "(3,4)"]}}`,
	},
	{
		Name: "nin", Aliases: []string{"notin", "not_in"}, Family: "comparison", Accepts: equalKinds, Operand: List, SQL: "{x} <> ALL({v})",
		except: onlyEqual,
		Doc: "None of the values. An empty list finds every row, also where the field is NULL; otherwise a NULL field is not found. " +
			"null is refused in the list, because NOT IN with a NULL finds nothing.",
		Example: `{"status": {"nin": ["archived", "deleted"]}}`,
	},
	{
		Name: "is_distinct_from", Aliases: []string{"distinct_from"}, Family: "comparison", Accepts: equalKinds, SQL: "{x} IS DISTINCT FROM {v}",
		Doc: "Not equal, where NULL is a value like others: a NULL field is found.", Example: `{"status": {"is_distinct_from": "open"}}`,
	},
	{
		Name: "is_not_distinct_from", Aliases: []string{"not_distinct_from"}, Family: "comparison", Accepts: equalKinds,
		SQL: "{x} IS NOT DISTINCT FROM {v}",
		Doc: "Equal, where NULL is a value like others. Unlike eq it uses no index.", Example: `{"status": {"is_not_distinct_from": null}}`,
	},
	{
		Name: "is_null", Aliases: []string{"isnull"}, Family: "null", Accepts: anyKind &^ codec.KindComposite, Operand: Flag, SQL: "{x} IS NULL",
		Doc: "NULL, or with false not NULL. A JSON null inside a jsonb column is a value, not NULL.", Example: `{"deleted_at": {"is_null": true}}`,
	},
	{
		Name: "is_null", Aliases: []string{"isnull"}, Family: "null", Accepts: codec.KindComposite, Operand: Flag,
		SQL: "{x} IS NOT DISTINCT FROM NULL",
		Doc: "NULL. A composite whose fields are all NULL is not NULL itself.", Example: `{"address": {"is_null": true}}`,
	},
	{
		Name: "is_not_null", Aliases: []string{"isnotnull"}, Family: "null", Accepts: anyKind &^ codec.KindComposite, Operand: Flag,
		SQL: "{x} IS NOT NULL",
		Doc: "Not NULL, or with false NULL.", Example: `{"email": {"is_not_null": true}}`,
	},
	{
		Name: "is_not_null", Aliases: []string{"isnotnull"}, Family: "null", Accepts: codec.KindComposite, Operand: Flag,
		SQL: "{x} IS DISTINCT FROM NULL",
		Doc: "Not NULL, also where all fields are.", Example: `{"address": {"is_not_null": true}}`,
	},
}

// text is a row of the text family on a string operand.
func text(name, sql, doc, example string, aliases ...string) Operator {
	return Operator{
		Name: name, Aliases: aliases, Family: "text", Accepts: codec.KindText, Operand: Text, cast: "text",
		SQL: sql, Doc: doc, Example: example,
	}
}

// literal is a row of the text family whose operand has no wildcards.
func literal(name, sql, before, after, doc, example string, aliases ...string) Operator {
	op := text(name, sql, doc, example, aliases...)
	op.Operand, op.affix = Literal, [2]string{before, after}
	return op
}

const regexDoc = " At most 1000 bytes. PostgreSQL's syntax (POSIX, advanced)."

var textOperators = []Operator{
	literal("contains", "{x} LIKE {v}", "%", "%", "Contains the text; %, _ and \\ stand for themselves.", `{"name": {"contains": "50%"}}`),
	literal("icontains", "{x} ILIKE {v}", "%", "%", "Contains the text in any letter case.", `{"name": {"icontains": "ann"}}`),
	literal("ncontains", "{x} NOT LIKE {v}", "%", "%", "Does not contain the text.", `{"name": {"ncontains": "test"}}`, "not_contains"),
	literal("nicontains", "{x} NOT ILIKE {v}", "%", "%", "Does not contain the text in any letter case.",
		`{"name": {"nicontains": "test"}}`, "not_icontains"),
	literal("startswith", "{x} LIKE {v}", "", "%", "Begins with the text.", `{"path": {"startswith": "/a_b/"}}`, "starts_with"),
	literal("istartswith", "{x} ILIKE {v}", "", "%", "Begins with the text in any letter case.", `{"name": {"istartswith": "ann"}}`, "istarts_with"),
	literal("nstartswith", "{x} NOT LIKE {v}", "", "%", "Does not begin with the text.", `{"name": {"nstartswith": "_"}}`, "not_starts_with"),
	literal("endswith", "{x} LIKE {v}", "%", "", "Ends with the text.", `{"email": {"endswith": "@example.com"}}`, "ends_with"),
	literal("iendswith", "{x} ILIKE {v}", "%", "", "Ends with the text in any letter case.", `{"email": {"iendswith": ".COM"}}`, "iends_with"),
	literal("nendswith", "{x} NOT LIKE {v}", "%", "", "Does not end with the text.", `{"email": {"nendswith": ".test"}}`, "not_ends_with"),
	text("like", "{x} LIKE {v}", "Matches the pattern: % is any text, _ any one character, \\ takes the next literally. A pattern must not end in \\.",
		`{"email": {"like": "%@example.com"}}`),
	text("ilike", "{x} ILIKE {v}", "Matches the pattern in any letter case.", `{"email": {"ilike": "%@EXAMPLE.com"}}`),
	text("nlike", "{x} NOT LIKE {v}", "Does not match the pattern.", `{"email": {"nlike": "%.test"}}`, "not_like"),
	text("nilike", "{x} NOT ILIKE {v}", "Does not match the pattern in any letter case.", `{"email": {"nilike": "%.TEST"}}`, "not_ilike"),
	text("similar", "{x} SIMILAR TO {v}", "Matches the SQL regular expression (SIMILAR TO).", `{"code": {"similar": "(A|B)[0-9]+"}}`),
	text("nsimilar", "{x} NOT SIMILAR TO {v}", "Does not match the SQL regular expression.", `{"code": {"nsimilar": "(A|B)[0-9]+"}}`, "not_similar"),
	text("regex", "{x} ~ {v}", "Matches the regular expression."+regexDoc, `{"code": {"regex": "^[A-Z]{3}$"}}`, "matches_regex"),
	text("iregex", "{x} ~* {v}", "Matches the regular expression in any letter case."+regexDoc, `{"code": {"iregex": "^[a-z]{3}$"}}`, "imatches"),
	text("nregex", "{x} !~ {v}", "Does not match the regular expression."+regexDoc, `{"code": {"nregex": "[0-9]"}}`, "not_matches", "not_regex"),
	text("niregex", "{x} !~* {v}", "Does not match the regular expression in any letter case."+regexDoc, `{"code": {"niregex": "[a-z]"}}`,
		"not_imatches", "not_iregex"),
	{
		Name: "similar_to", Aliases: []string{"trigram_similar"}, Family: "trigram", Accepts: codec.KindText, Operand: Text, cast: "text",
		SQL: "{x} % {v}", Extension: "pg_trgm",
		Doc:     "Similar by trigrams, at pg_trgm.similarity_threshold or above.",
		Example: `{"name": {"similar_to": "Jon Smiht"}}`,
	},
	{
		Name: "word_similar_to", Family: "trigram", Accepts: codec.KindText, Operand: Text, cast: "text",
		SQL: "{v} <% {x}", Extension: "pg_trgm",
		Doc:     "Has a part that is similar by trigrams, at pg_trgm.word_similarity_threshold or above.",
		Example: `{"title": {"word_similar_to": "postgers"}}`,
	},
}
