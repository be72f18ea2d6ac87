package graphql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/graphql"
)

// TestNestedErrors: whatever is wrong, nothing is written, and the error names the
// place in the input.
func TestNestedErrors(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	for _, tt := range []struct {
		name, why string
		do        string
		code      string
		want      []string // in the answer
	}{
		{
			name: "connect what is not there", why: "the rows before it are taken back",
			do:   `mutation { createPerson(input: {name: "x", home: {create: {city: "y"}}, books: {create: [{title: "z"}], connect: [{id: 4}, {id: 99}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`"path":["createPerson"]`, `"input":"$.createPerson.input.books.connect[1]"`, "there is no such row"},
		},
		{
			name: "connect to one that is not there", why: "asked for before the row is written",
			do:   `mutation { createPeople(inputs: [{name: "x", home: {connect: {id: 1}}}, {name: "y", home: {connect: {id: 77}}}]) { id } }`,
			code: "NOT_FOUND", want: []string{`"input":"$.createPeople.inputs[1].home.connect"`},
		},
		{
			name: "disconnect a row of another", why: "book 3 is Bob's",
			do:   `mutation { updatePerson(id: 1, input: {name: "x", books: {disconnect: [{id: 1}, {id: 3}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`"input":"$.updatePerson.input.books.disconnect[1]"`, "no such row here"},
		},
		{
			name: "update a row of another", why: "book 3 is Bob's",
			do:   `mutation { updatePerson(id: 1, input: {books: {update: [{key: {id: 1}, input: {pages: 1}}, {key: {id: 3}, input: {pages: 1}}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`"input":"$.updatePerson.input.books.update[1].key"`},
		},
		{
			name: "update what is below a row of another", why: "even where nothing of the row itself is set",
			do:   `mutation { updatePerson(id: 1, input: {books: {update: [{key: {id: 3}, input: {chapters: {create: [{nr: 9, title: "x"}]}}}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`books.update[0].key"`},
		},
		{
			name: "delete a row of another", why: "one of them is enough",
			do:   `mutation { updateBook(id: 1, input: {chapters: {delete: [{bookIdAndNr: {bookId: 1, nr: 1}}, {bookIdAndNr: {bookId: 3, nr: 1}}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`chapters.delete[1]"`},
		},
		{
			name: "many to many: disconnect what is not joined", why: "shelf 3 has no book",
			do:   `mutation { updateBook(id: 1, input: {shelves: {disconnect: [{id: 1}, {label: "far"}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`shelves.disconnect[1]"`},
		},
		{
			name: "many to many: update what is not joined", why: "shelf 2 has book 1 only",
			do:   `mutation { updateBook(id: 3, input: {shelves: {update: [{key: {id: 2}, input: {label: "x"}}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`shelves.update[0].key"`},
		},
		{
			name: "many to many: delete what is not joined", why: "shelf 2 has book 1 only",
			do:   `mutation { updateBook(id: 3, input: {shelves: {delete: [{id: 2}]}}) { id } }`,
			code: "NOT_FOUND", want: []string{`shelves.delete[0]"`},
		},
		{
			name: "many to many: delete what others have too", why: "the database keeps what is referred to",
			do:   `mutation { updateBook(id: 1, input: {shelves: {delete: [{id: 1}]}}) { id } }`,
			code: "CONSTRAINT_VIOLATION", want: []string{`"constraint":"book_shelves_shelf_id_fkey"`, `shelves.delete"`},
		},
		{
			name: "to one: update where there is none", why: "Bob has no home",
			do:   `mutation { updatePerson(id: 2, input: {name: "x", home: {update: {city: "y"}}}) { id } }`,
			code: "NOT_FOUND", want: []string{`home.update"`, "there is no row here"},
		},
		{
			name: "to one: delete where there is none", why: "Bob has no home",
			do:   `mutation { updatePerson(id: 2, input: {name: "x", home: {delete: true}}) { id } }`,
			code: "NOT_FOUND", want: []string{`home.delete"`},
		},
		{
			name: "to one from the other end: delete where there is none", why: "Bob has no profile",
			do:   `mutation { updatePerson(id: 2, input: {name: "x", profile: {delete: true}}) { id } }`,
			code: "NOT_FOUND", want: []string{`profile.delete"`},
		},
		{
			name: "a second of one", why: "a unique reference takes one row",
			do:   `mutation { updatePerson(id: 1, input: {name: "x", profile: {create: {bio: "y"}}}) { id } }`,
			code: "CONSTRAINT_VIOLATION", want: []string{`"constraint":"profiles_person_id_key"`, `"fields":["personId"]`, `"table":"profiles"`, `profile.create"`},
		},
		{
			name: "a constraint three levels down", why: "the field and the place are told",
			do:   `mutation { createPerson(input: {name: "x", books: {create: [{title: "y", shelves: {create: [{label: "top"}]}}]}}) { id } }`,
			code: "CONSTRAINT_VIOLATION", want: []string{`"fields":["label"]`, `"input":"$.createPerson.input.books.create[0].shelves.create"`},
		},
		{
			name: "a check of the row itself", why: "what it refers to goes too",
			do:   `mutation { createPerson(input: {name: "", home: {create: {city: "y"}}}) { id } }`,
			code: "CONSTRAINT_VIOLATION", want: []string{`"constraint":"people_name_given"`},
		},
		{
			name: "a deferred constraint", why: "it speaks at the commit",
			do:   `mutation { createHen(input: {id: 1, eggByEggId: {create: {id: 2, henId: 5}}}) { id } }`,
			code: "CONSTRAINT_VIOLATION", want: []string{`"path":["createHen"]`},
		},
		{
			name: "a key that is NULL", why: "the letter would be nobody's",
			do:   `mutation { createPerson(input: {name: "x", letters: {create: [{text: "lost"}]}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"$.createPerson.input.letters: the row to refer to has no email"},
		},
		{
			name: "two values of a shared column", why: "the parcel is tenant 2's",
			do:   `mutation { createItem(input: {tenant: 1, what: "x", parcel: {connect: {tenantAndId: {tenant: 2, id: 2}}}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"says two things of tenant"},
		},
		{
			name: "the reference by its column too", why: "one of the two is a mistake",
			do:   `mutation { createBook(input: {title: "x", authorId: 1, author: {connect: {id: 2}}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"$.createBook.input.authorId: is what author fills"},
		},
		{
			name: "a child that says whose it is", why: "it is of the row around",
			do:   `mutation { createPerson(input: {name: "x", books: {create: [{title: "y", authorId: 2}]}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"books.create[0].authorId: is filled"},
		},
		{
			name: "a child that says whose it is, by the relation", why: "it is of the row around",
			do:   `mutation { createPerson(input: {name: "x", books: {create: [{title: "y", author: {connect: {id: 2}}}]}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"books.create[0].author: is the row around"},
		},
		{
			name: "null for a relation", why: "is it to be taken away? nobody knows",
			do:   `mutation { updatePerson(id: 1, input: {home: null}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"$.updatePerson.input.home: null is nothing to do"},
		},
		{
			name: "null for a verb", why: "the same",
			do:   `mutation { updatePerson(id: 1, input: {home: {connect: null}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"home.connect: null is nothing to do"},
		},
		{
			name: "create and connect to one", why: "there is one place only",
			do:   `mutation { createPerson(input: {name: "x", home: {create: {city: "y"}, connect: {id: 1}}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"home: takes create or connect"},
		},
		{
			name: "update and delete of one", why: "a contradiction",
			do:   `mutation { updatePerson(id: 1, input: {home: {update: {city: "y"}, delete: true}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"home: update goes with nothing else"},
		},
		{
			name: "two keys for one row", why: "oneOf",
			do:   `mutation { createPerson(input: {name: "x", boss: {connect: {id: 1, email: "bob@x.y"}}}) { id } }`,
			code: "VALIDATION_ERROR", want: []string{"PersonByKey"},
		},
		{
			name: "an update of nothing", why: "as of a row by itself",
			do:   `mutation { updatePerson(id: 1, input: {books: {update: [{key: {id: 1}, input: {}}]}}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"books.update[0].input: sets nothing"},
		},
		{
			name: "a column that is missing far below", why: "refused before anything is sent",
			do:   `mutation { createPerson(input: {name: "x", books: {create: [{title: "y", chapters: {create: [{title: "z"}]}}]}}) { id } }`,
			code: "VALIDATION_ERROR", want: []string{"nr"},
		},
		{
			name: "a reference that is missing", why: "the schema leaves it open for the relation, the plan does not",
			do:   `mutation { createPerson(input: {name: "x", home: {create: {city: "c"}}}) { id } createChapter(input: {nr: 1, title: "x"}) { nr } }`,
			code: "BAD_USER_INPUT", want: []string{"bookId"},
		},
		{
			name: "many rows at once", why: "which row would the related ones belong to?",
			do:   `mutation { updatePeople(filter: {id: {lt: 3}}, input: {books: {create: [{title: "x"}]}}) { updatedCount } }`,
			code: "BAD_USER_INPUT", want: []string{"$.updatePeople.input.books: related rows can be written"},
		},
		{
			name: "onConflict", why: "a row that was there already has rows of its own",
			do:   `mutation { createPeople(inputs: [{name: "x", books: {create: [{title: "x"}]}}], onConflict: {columns: [email], action: NOTHING}) { id } }`,
			code: "BAD_USER_INPUT", want: []string{"$.createPeople.inputs[0].books: related rows can be written"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l.each(t, func(t *testing.T, f *fixture) {
				got, came, went := changes(t, f, tt.do)
				for _, want := range append(tt.want, `"code":"`+tt.code+`"`) {
					if !strings.Contains(got, want) {
						t.Errorf("%s: no %s in\n%s", tt.why, want, got)
					}
				}
				if d := cmp.Diff([][]string{nil, nil}, [][]string{came, went}); d != "" {
					t.Errorf("rows changed: %s", d)
				}
			})
		})
	}
}

// TestNestedOneTransaction: in a document that is one transaction, a nested write
// goes with the others.
func TestNestedOneTransaction(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{OneTransaction: true})
	l.each(t, func(t *testing.T, f *fixture) {
		got, came, went := changes(t, f, `mutation {
			a: createPerson(input: {name: "x", books: {create: [{title: "y"}]}}) { id }
			b: updatePerson(id: 1, input: {books: {connect: [{id: 99}]}}) { id } }`)
		if !strings.Contains(got, `"data":null`) || !strings.Contains(got, `"path":["b"]`) {
			t.Error(got)
		}
		if len(came)+len(went) > 0 {
			t.Errorf("came %q, went %q", came, went)
		}
		want := `{"data":{"a":{"books":[{"title":"y"}]},"b":{"books":[{"title":"Three"},{"title":"Four"}]}}}`
		got = f.answer(t, `mutation {
			a: createPerson(input: {name: "x", books: {create: [{title: "y"}]}}) { books { title } }
			b: updatePerson(id: 2, input: {books: {connect: [{id: 4}]}}) { books(orderBy: {id: ASC}) { title } } }`)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}
