package httpaudit

import "fmt"

// must, should and may make an audit of their level. The levels are those of the
// package, which calls "may not" a may.
func must(id, name string, r requester, c ...check) Audit { return Audit{id, "MUST", name, r, c} }

func should(id, name string, r requester, c ...check) Audit { return Audit{id, "SHOULD", name, r, c} }
func may(id, name string, r requester, c ...check) Audit    { return Audit{id, "MAY", name, r, c} }

// wrongTypes are values of four types with the names of these. Index i has the id
// that ends in i.
func wrongTypes(object, number, boolean, array any) []struct {
	name  string
	value any
} {
	first := "object"
	if _, ok := object.(string); ok {
		first = "string"
	}
	return []struct {
		name  string
		value any
	}{{first, object}, {"number", number}, {"boolean", boolean}, {"array", array}}
}

// All returns the 61 audits: 13 MUST, 23 SHOULD, 25 MAY.
func All() []Audit {
	list := mediaTypes()
	list = append(list, methods()...)
	list = append(list, parameters()...)
	list = append(list, malformed()...)
	list = append(list, legacyStatus()...)
	return append(list, statusCodes()...)
}

func mediaTypes() []Audit {
	query := object("query", typename)
	return []Audit{
		should("22EB", "accept application/graphql-response+json and match the content-type", post(jsonType, responseType, query), is(200), contentType(responseType)),
		must("4655", "accept application/json and match the content-type", post(jsonType, jsonType, query), is(200), contentType(jsonType)),
		should("47DE", "accept */* and use application/json for the content-type", post(jsonType, "*/*", query), is(200), contentType(jsonType)),
		should("80D8", "assume application/json content-type when accept is missing", post(jsonType, "", query), is(200), contentType(jsonType)),
		must("82A3", "use utf-8 encoding when responding", post(jsonType, "", query), is(200), inUTF8),
		must("BF61", "accept utf-8 encoded request", post(jsonType+"; charset=utf-8", "", object("query", `{ __type(name: "Run🏃Swim🏊") { name } }`)), is(200)),
		must("78D5", "assume utf-8 in request if encoding is unspecified", post(jsonType, "", query), is(200)),
	}
}

func methods() []Audit {
	query := object("query", typename)
	return []Audit{
		must("2C94", "accept POST requests", post(jsonType, "", query), is(200)),
		may("5A70", "accept application/x-www-form-urlencoded formatted GET requests", get("*/*", "query", typename), is(200)),
		may("9C48", "not allow executing mutations on GET requests", get(responseType, "query", "mutation { __typename }"), status(400, 499)),
		should("9ABE", "respond with 4xx status code if content-type is not supplied on POST requests", post("", "", query), status(400, 499)),
		must("03D4", "accept application/json POST requests", post(jsonType, "", query), is(200)),
		may("A5BF", "use 400 status code when request body is missing on POST", post(jsonType, "", ""), is(400)),
	}
}

func parameters() []Audit {
	const named, typed = "query Query { __typename }", "query Type($name: String!) { __type(name: $name) { name } }"
	variables := map[string]string{"name": "sometype"}
	list := []Audit{
		may("423L", "use 400 status code on missing {query} parameter", post(jsonType, responseType, object("notquery", typename)), is(400)),
		should("34A2", "allow string {query} parameter when accepting application/graphql-response+json", post(jsonType, responseType, object("query", typename)), is(200)),
		must("13EE", "allow string {query} parameter when accepting application/json", post(jsonType, jsonType, object("query", typename)), is(200), without("errors")),
		should("8161", "allow string {operationName} parameter when accepting application/graphql-response+json", post(jsonType, responseType, object("operationName", "Query", "query", named)), is(200)),
		must("B8B3", "allow string {operationName} parameter when accepting application/json", post(jsonType, jsonType, object("operationName", "Query", "query", named)), is(200), without("errors")),
		should("2EA1", "allow map {variables} parameter when accepting application/graphql-response+json", post(jsonType, responseType, object("query", typed, "variables", variables)), is(200)),
		must("28B9", "allow map {variables} parameter when accepting application/json", post(jsonType, jsonType, object("query", typed, "variables", variables)), is(200), without("errors")),
		may("D6D5", "allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json", get(responseType, "query", typed, "variables", object("name", "sometype")), is(200), without("errors")),
		may("6A70", "allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json", get(jsonType, "query", typed, "variables", object("name", "sometype")), is(200), without("errors")),
		should("428F", "allow map {extensions} parameter when accepting application/graphql-response+json", post(jsonType, responseType, object("query", typename, "extensions", map[string]string{"some": "value"})), is(200)),
		must("1B7A", "allow map {extensions} parameter when accepting application/json", post(jsonType, jsonType, object("query", typename, "extensions", map[string]string{"some": "value"})), is(200), without("errors")),
	}
	for i, parameter := range []string{"variables", "operationName", "extensions"} {
		body := object("query", typename, parameter, nil)
		list = append(list,
			should(fmt.Sprint("94B", i), "allow null {"+parameter+"} parameter when accepting application/graphql-response+json", post(jsonType, responseType, body), is(200), without("errors")),
			must(fmt.Sprint("022", i), "allow null {"+parameter+"} parameter when accepting application/json", post(jsonType, jsonType, body), is(200), without("errors")))
	}
	ofObject, array := map[string]string{"obj": "ect"}, []string{"array"} //nolint:misspell // the words of the package
	for i, wrong := range wrongTypes(ofObject, 0, false, array) {
		list = append(list,
			may(fmt.Sprint("LKJ", i), "use 400 status code on "+wrong.name+" {query} parameter", post(jsonType, "", object("query", wrong.value)), is(400)),
			may(fmt.Sprint("6C0", i), "use 400 status code on "+wrong.name+" {operationName} parameter", post(jsonType, "", object("operationName", wrong.value, "query", typename)), is(400)))
	}
	for i, wrong := range wrongTypes("string", 0, false, array) {
		list = append(list,
			may(fmt.Sprint("476", i), "use 400 status code on "+wrong.name+" {variables} parameter", post(jsonType, "", object("query", typename, "variables", wrong.value)), is(400)),
			may(fmt.Sprint("58B", i), "use 400 status code on "+wrong.name+" {extensions} parameter", post(jsonType, "", object("query", typename, "extensions", wrong.value)), is(400)))
	}
	return list
}

func malformed() []Audit {
	const cut = `{ "not a JSON`
	typo := object("qeury", typename)
	return []Audit{
		may("B6DC", "use 2xx, 4xx, or 5xx status codes on JSON parsing failure when accepting application/json", post(jsonType, jsonType, cut), not3xx),
		should("BCF8", "use 400 status code on JSON parsing failure when accepting application/json", post(jsonType, jsonType, cut), is(400)),
		should("B7N8", "use 400 status code on JSON parsing failure when accepting application/graphql-response+json", post(jsonType, responseType, cut), is(400)),
		may("8764", "use 4xx or 5xx status codes if parameters are invalid", post(jsonType, "", typo), status(400, 599)),
		may("3E3A", "use 400 status code if parameters are invalid", post(jsonType, "", typo), is(400)),
	}
}

// Documents that can't be answered. That the field begins with a digit is the
// package's own: no schema can have it.
const (
	unparsable = "{"
	invalid    = "{ 8f31403dfe404bccbb0e835f2629c6a7 }"
	coerced    = "query CoerceFailure($id: ID!){ __typename }"
)

func legacyStatus() []Audit {
	return []Audit{
		should("572B", "use 200 status code on document parsing failure when accepting application/json", post(jsonType, jsonType, object("query", unparsable)), is(200)),
		should("FDE2", "use 200 status code on document validation failure when accepting application/json", post(jsonType, jsonType, object("query", invalid)), is(200)),
		should("7B9B", "use a status code of 200 on variable coercion failure when accepting application/json", post(jsonType, jsonType, object("query", coerced, "variables", map[string]any{"id": nil})), is(200)),
	}
}

func statusCodes() []Audit {
	parse, validate := post(jsonType, responseType, object("query", unparsable)), post(jsonType, responseType, object("query", invalid))
	return []Audit{
		should("865D", "use 4xx or 5xx status codes on document parsing failure when accepting application/graphql-response+json", parse, status(400, 599)),
		should("556A", "use 400 status code on document parsing failure when accepting application/graphql-response+json", parse, is(400)),
		should("D586", "not contain the data entry on document parsing failure when accepting application/graphql-response+json", parse, without("data")),
		should("51FE", "use 4xx or 5xx status codes on document validation failure when accepting application/graphql-response+json", validate, status(400, 599)),
		should("74FF", "use 400 status code on document validation failure when accepting application/graphql-response+json", validate, is(400)),
		should("5E5B", "not contain the data entry on document validation failure when accepting application/graphql-response+json", validate, without("data")),
		should("86EE", "use a status code of 400 on variable coercion failure when accepting application/graphql-response+json", post(jsonType, responseType, object("query", coerced, "variables", map[string]any{"id": nil})), is(400)),
	}
}
