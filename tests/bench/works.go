package main

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// work is a kind of request. Request n is the same for every server, in its own words.
type work struct {
	name, title string
	asks        map[dialect]func(n int) request // one that is missing can't do it
	writes      bool
	large       bool // an answer has thousands of rows
}

// dialect is what a server speaks.
type dialect string

const (
	ours         dialect = "fraiseql"     // the ceilings and the FastAPI service take it too
	postgraphile dialect = "postgraphile" // version 5
	prest        dialect = "prest"
)

// request is one to a server, and where its answer has the rows.
type request struct {
	method, path string
	body         string
	rows         string   // the way to a row or to the list, with points
	only         []string // fields to compare; nil: all
	work         string   // what it is of a mix
}

// graphql are requests of a document; variables are the JSON of request n.
func graphql(rows, document string, variables func(n int) string) func(int) request {
	head := `{"query":` + strconv.Quote(document) + `,"variables":`
	return func(n int) request {
		return request{method: "POST", path: "/graphql", body: head + variables(n) + "}", rows: rows}
	}
}

// rest are requests to pREST's tables.
func rest(method, rows string, path, body func(n int) string) func(int) request {
	return func(n int) request {
		return request{method: method, path: path(n), body: body(n), rows: rows, only: []string{"id", "name", "email", "createdAt"}}
	}
}

func none(int) string     { return "" }
func noValues(int) string { return "{}" }

func always(text string) func(int) string { return func(int) string { return text } }

const user = "id name email createdAt"

// worksOf are the works on a database with so many users called users. database is its
// name.
func worksOf(users int, database string) []work {
	id := func(n int) int { return 1 + n*7919%users }
	byID := func(n int) string { return fmt.Sprintf(`{"id":"%d"}`, id(n)) }
	email := func(n int) string { return fmt.Sprintf("bench-%d-%d@example.com", os.Getpid(), n) }
	name := func(n int) string { return fmt.Sprintf("Bench %d", n) }
	table := "/" + database + "/public/"
	key := work{name: "key", title: "one row by key", asks: map[dialect]func(int) request{
		ours: graphql("data.user", `query ($id: BigInt!) { user(id: $id) { `+user+` } }`, byID),
		// its id is that of nodes
		postgraphile: graphql("data.user", `query ($id: BigInt!) { user(rowId: $id) { id: rowId name email createdAt } }`, byID),
		prest:        rest("GET", "0", func(n int) string { return fmt.Sprintf("%susers?id=%d&_select=id,name,email,created_at", table, id(n)) }, none),
	}}
	update := work{name: "update", title: "update returning", writes: true, asks: map[dialect]func(int) request{
		ours: graphql("data.updateUser", `mutation ($id: BigInt!, $name: String!) { updateUser(id: $id, input: {name: $name}) { `+user+` } }`,
			func(n int) string { return fmt.Sprintf(`{"id":"%d","name":%q}`, id(n), name(n)) }),
		postgraphile: graphql("data.updateUser.user", `mutation ($id: BigInt!, $name: String!) { updateUser(input: {rowId: $id, patch: {name: $name}}) { user { id: rowId name email createdAt } } }`,
			func(n int) string { return fmt.Sprintf(`{"id":"%d","name":%q}`, id(n), name(n)) }),
		prest: rest("PUT", "0", func(n int) string {
			return fmt.Sprintf("%susers?id=%d&_returning=id,name,email,created_at", table, id(n))
		},
			func(n int) string { return fmt.Sprintf(`{"name":%q}`, name(n)) }),
	}}
	return []work{
		key,
		{name: "top", title: "10 rows by an unindexed name", asks: map[dialect]func(int) request{
			ours:         graphql("data.users", `{ users(orderBy: [{name: ASC}], limit: 10) { `+user+` } }`, noValues),
			postgraphile: graphql("data.users.nodes", `{ users(orderBy: [NAME_ASC], first: 10) { nodes { id: rowId name email createdAt } } }`, noValues),
			prest:        rest("GET", "", always(table+"users?_select=id,name,email,created_at&_order=name,id&_page=1&_page_size=10"), none),
		}},
		{name: "filter", title: "three conditions, 50 rows", asks: map[dialect]func(int) request{
			ours: graphql("data.users", `query ($balance: BigDecimal!, $name: String!) { users(filter: {isActive: {eq: true}, balance: {gt: $balance}, name: {startswith: $name}}, orderBy: [{id: ASC}], limit: 50) { `+user+` } }`,
				balanceAndName),
			postgraphile: graphql("data.users.nodes", `query ($balance: BigFloat!, $name: String!) { users(filter: {isActive: {equalTo: true}, balance: {greaterThan: $balance}, name: {startsWith: $name}}, orderBy: [ROW_ID_ASC], first: 50) { nodes { id: rowId name email createdAt } } }`,
				balanceAndName),
			prest: rest("GET", "", func(n int) string {
				return fmt.Sprintf("%susers?_select=id,name,email,created_at&is_active=$true&balance=$gt.%d&name=$like.%s&_order=id&_page=1&_page_size=50", table, n%50, url.QueryEscape(initial(n)+"%"))
			}, none),
		}},
		{name: "nested", title: "nested 20 × 5 × 3", asks: map[dialect]func(int) request{
			ours:         graphql("data.users", `{ users(orderBy: [{id: ASC}], limit: 20) { id name posts(orderBy: [{id: ASC}], limit: 5) { id title comments(orderBy: [{id: ASC}], limit: 3) { id body } } } }`, noValues),
			postgraphile: graphql("data.users.nodes", `{ users(orderBy: [ROW_ID_ASC], first: 20) { nodes { id: rowId name posts: authoredPosts(orderBy: [ROW_ID_ASC], first: 5) { nodes { id: rowId title comments(orderBy: [ROW_ID_ASC], first: 3) { nodes { id: rowId body } } } } } } }`, noValues),
		}},
		{name: "large", title: "all users", large: true, asks: map[dialect]func(int) request{
			ours:         graphql("data.users", `{ users { `+user+` } }`, noValues),
			postgraphile: graphql("data.users.nodes", `{ users { nodes { id: rowId name email createdAt } } }`, noValues),
			prest:        rest("GET", "", always(table+"users?_select=id,name,email,created_at"), none),
		}},
		{name: "huge", title: "100,000 rows", large: true, asks: map[dialect]func(int) request{
			ours:         graphql("data.posts", `{ posts(limit: 100000, orderBy: [{id: ASC}]) { id title views createdAt } }`, noValues),
			postgraphile: graphql("data.posts.nodes", `{ posts(first: 100000, orderBy: [ROW_ID_ASC]) { nodes { id: rowId title views createdAt } } }`, noValues),
			prest: func(int) request {
				return request{method: "GET", path: table + "posts?_select=id,title,views,created_at&_order=id&_page=1&_page_size=100000"}
			},
		}},
		update,
		{name: "mixed", title: "90 reads by key, 10 updates", writes: true, asks: mix(&key, &update, 10)},
		{name: "insert", title: "insert returning", writes: true, asks: map[dialect]func(int) request{
			ours: graphql("data.createUser", `mutation ($name: String!, $email: String!) { createUser(input: {name: $name, email: $email}) { `+user+` } }`,
				func(n int) string { return fmt.Sprintf(`{"name":%q,"email":%q}`, name(n), email(n)) }),
			postgraphile: graphql("data.createUser.user", `mutation ($name: String!, $email: EmailAddress!) { createUser(input: {user: {name: $name, email: $email}}) { user { id: rowId name email createdAt } } }`,
				func(n int) string { return fmt.Sprintf(`{"name":%q,"email":%q}`, name(n), email(n)) }),
			prest: rest("POST", "", always(table+"users"), func(n int) string { return fmt.Sprintf(`{"name":%q,"email":%q}`, name(n), email(n)) }),
		}},
	}
}

func initial(n int) string { return string(rune('A' + n%4)) }

func balanceAndName(n int) string { return fmt.Sprintf(`{"balance":"%d","name":%q}`, n%50, initial(n)) }

// mix is one of b in each so many requests, and else a.
func mix(a, b *work, each int) map[dialect]func(int) request {
	both := map[dialect]func(int) request{}
	for d := range a.asks {
		both[d] = func(n int) request {
			w := a
			if n%each == 0 {
				w = b
			}
			r := w.asks[d](n)
			r.work = w.name
			return r
		}
	}
	return both
}

// request n of w as s takes it.
func (w *work) request(s *server, n int) request {
	r := w.asks[s.speaks](n)
	if s.paths { // a ceiling has a path for each work
		if r.work == "" {
			r.work = w.name
		}
		r.path = "/" + r.work
	}
	return r
}

// append puts r on b as HTTP/1.1 wants it.
func (r *request) append(b []byte) []byte {
	b = fmt.Appendf(b, "%s %s HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n", r.method, r.path)
	if r.body == "" {
		return append(b, "\r\n"...)
	}
	return fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(r.body), r.body)
}

// check refuses a list that has a name which is none of known: a run of nothing would look
// like a good one.
func check(flag, list string, known []string) error {
	for name := range strings.SplitSeq(list, ",") {
		if list != "" && !slices.Contains(known, name) {
			return fmt.Errorf("-%s: there is no %q; allowed: %s", flag, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// wants says whether list, with commas, has name. An empty list has all.
func wants(list, name string) bool {
	return list == "" || strings.Contains(","+list+",", ","+name+",")
}
