package graphql_test

import (
	"testing"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestRefusedByDomain: PostgreSQL names a domain that refuses a value and no table;
// the fields are those of the input that are of it. A row that fits no partition
// breaks a check that has no name.
func TestRefusedByDomain(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn,
		`create domain email as text check (value ~ '@')`, `create domain work_email as email`,
		`create table people (id int primary key, mail email, mail2 email, work work_email, other email[], age int constraint email_check check (age > 0))`,
		`create table pets (id int primary key, owner int references people, mail email)`,
		`insert into people values (1)`, `insert into pets values (1, 1)`,
		`create domain full_text as text not null`, `create table notes (id int primary key, body full_text)`, `insert into notes values (1, 'a')`,
		`create table events (id int, day date, primary key (id, day)) partition by range (day)`,
		`create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01')`,
		`insert into events values (1, '2024-05-05')`)
	const refused = `the change violates a constraint: `
	for _, f := range fixtures(t, dsn, graphql.Config{}, graphql.EngineOptions{}) {
		for _, c := range []struct{ query, message, extensions string }{
			{`createPerson(input: {id: 2, mail: "x"})`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["mail"]`},
			{`createPerson(input: {id: 2, work: "x"})`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["work"]`},
			{`createPerson(input: {id: 2, other: ["a@b", "x"]})`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["other"]`},
			{`createPerson(input: {id: 2, mail: "a@b", work: "x", age: 1})`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["work"]`},
			{`createPerson(input: {id: 2, mail: "a@b", mail2: "x"})`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["mail","mail2"]`},
			{`createPerson(input: {id: 2, mail: "a@b", age: -1})`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["age"]`},
			{`createPeople(inputs: [{id: 2, mail: "a@b"}, {id: 3, mail: "x"}])`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["mail"]`},
			{`updatePerson(id: 1, input: {mail: "x", age: 2})`, refused + `email_check`, `"constraint":"email_check","table":"people","fields":["mail"]`},
			{`createPerson(input: {id: 2, pets: {create: [{id: 2, mail: "x"}]}})`, refused + `email_check`, `"constraint":"email_check","table":"pets","fields":["mail"],"input":"$.r.input.pets.create"`},
			{`createEvent(input: {id: 2, day: "2025-02-03"})`, refused + `the row fits no partition of events`, `"table":"events"`},
			{`updateEvent(id: 1, day: "2024-05-05", input: {day: "2023-01-01"})`, refused + `the row fits no partition of events`, `"table":"events"`},
			{`updateNote(id: 1, input: {body: null})`, refused + `body must not be null`, `"table":"notes","fields":["body"]`},
		} {
			got := f.answer(t, `mutation {r: `+c.query+` {__typename}}`)
			is(t, got, `{"data":{"r":null},"errors":[{"message":"`+c.message+`","locations":[{"line":1,"column":11}],"path":["r"],"extensions":{"code":"CONSTRAINT_VIOLATION",`+c.extensions+`}}]}`)
		}
	}
}
