package graphql_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// library is a database of testdata/library.sql with an engine for each backend.
type library struct {
	dsn, rows string
	fixtures  []fixture
}

func newLibrary(t *testing.T, o graphql.EngineOptions) *library {
	t.Helper()
	l := &library{dsn: pgtest.DB(t), rows: file(t, "testdata/library_rows.sql")}
	pgtest.Exec(t, l.dsn, file(t, "testdata/library.sql"))
	l.fixtures = fixtures(t, l.dsn, graphql.Config{Limits: graphql.Limits{Cost: -1}}, o)
	for _, f := range l.fixtures {
		if broken := f.schema.Broken(); len(broken) > 0 {
			t.Fatalf("the schema lacks %v", broken)
		}
	}
	return l
}

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// each runs do on each backend, with the rows as they are in the file.
func (l *library) each(t *testing.T, do func(t *testing.T, f *fixture)) {
	t.Helper()
	for i := range l.fixtures {
		t.Run(l.fixtures[i].backend, func(t *testing.T) {
			pgtest.Exec(t, l.dsn, l.rows)
			do(t, &l.fixtures[i])
		})
	}
}

// everything is all that a nested write may change.
const everything = `{
	homes(orderBy: {id: ASC}) { id city }
	people(orderBy: {id: ASC}) { id name email bossId homeId }
	profiles(orderBy: {id: ASC}) { id personId bio }
	badges(orderBy: {id: ASC}) { id personId color }
	books(orderBy: {id: ASC}) { id title pages authorId }
	chapters(orderBy: [{bookId: ASC}, {nr: ASC}]) { bookId nr title }
	shelves(orderBy: {id: ASC}) { id label }
	bookShelves(orderBy: [{bookId: ASC}, {shelfId: ASC}]) { bookId shelfId pos }
	parcels(orderBy: [{tenant: ASC}, {id: ASC}]) { tenant id note }
	items(orderBy: [{tenant: ASC}, {id: ASC}]) { tenant id what parcelId }
	words(orderBy: {code: ASC}) { code }
	usages(orderBy: {id: ASC}) { word place }
	hens(orderBy: {id: ASC}) { id eggId }
	tickets(orderBy: {id: ASC}) { id phase text }
	friends(orderBy: [{personId: ASC}, {friendId: ASC}]) { personId friendId }
	letters(orderBy: {id: ASC}) { toEmail text }
	loans(orderBy: {shelfId: ASC}) { shelfId homeId until }
}`

// changes does a mutation and tells what came back, and which rows came and went.
func changes(t *testing.T, f *fixture, mutation string, variables ...string) (answer string, came, went []string) {
	t.Helper()
	before := rowsOf(t, f)
	answer = f.answer(t, mutation, variables...)
	after := rowsOf(t, f)
	for _, row := range after.list {
		if !before.has[row] {
			came = append(came, row)
		}
	}
	for _, row := range before.list {
		if !after.has[row] {
			went = append(went, row)
		}
	}
	return answer, came, went
}

type rowSet struct {
	list []string
	has  map[string]bool
}

func rowsOf(t *testing.T, f *fixture) rowSet {
	t.Helper()
	set := rowSet{has: map[string]bool{}}
	text := f.answer(t, everything)
	if strings.Contains(text, "errors") {
		t.Fatal(text)
	}
	for table := range strings.SplitSeq(strings.TrimPrefix(text, `{"data":{`), "],") {
		name, rows, _ := strings.Cut(table, ":[")
		for row := range strings.SplitSeq(strings.TrimRight(rows, "]}"), "},{") {
			if row = strings.Trim(row, "{}"); row != "" {
				row = strings.Trim(name, `"`) + " " + strings.ReplaceAll(row, `"`, "")
				set.list, set.has[row] = append(set.list, row), true
			}
		}
	}
	return set
}

func TestNestedWrites(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	for _, tt := range []struct {
		name, why  string
		do         string
		with       string
		want       string
		came, went []string
	}{
		{
			name: "create to one", why: "what a row refers to is there first",
			do:   `mutation { createPerson(input: {name: "Dee", home: {create: {city: "Bonn"}}}) { id home { id city } } }`,
			want: `{"data":{"createPerson":{"id":4,"home":{"id":3,"city":"Bonn"}}}}`,
			came: []string{"homes id:3,city:Bonn", "people id:4,name:Dee,email:null,bossId:null,homeId:3"},
		},
		{
			name: "create to many, three levels", why: "the end is read as it is, in the order asked for",
			do: `mutation { createPerson(input: {name: "Dee", books: {create: [
				{title: "B1", chapters: {create: [{nr: 2, title: "y"}, {nr: 1, title: "x"}]}},
				{title: "B2", pages: 3, shelves: {create: [{label: "new"}], connect: [{label: "low"}, {id: 1}]}}
			]}}) { name books(orderBy: {title: ASC}) { title pages chapters(orderBy: {nr: ASC}) { nr title } shelves(orderBy: {label: ASC}) { label } } } }`,
			want: `{"data":{"createPerson":{"name":"Dee","books":[{"title":"B1","pages":10,"chapters":[{"nr":1,"title":"x"},{"nr":2,"title":"y"}],"shelves":[]},{"title":"B2","pages":3,"chapters":[],"shelves":[{"label":"low"},{"label":"new"},{"label":"top"}]}]}}}`,
			came: []string{
				"people id:4,name:Dee,email:null,bossId:null,homeId:null", "books id:5,title:B1,pages:10,authorId:4", "books id:6,title:B2,pages:3,authorId:4",
				"chapters bookId:5,nr:1,title:x", "chapters bookId:5,nr:2,title:y", "shelves id:4,label:new",
				"bookShelves bookId:6,shelfId:1,pos:1", "bookShelves bookId:6,shelfId:2,pos:1", "bookShelves bookId:6,shelfId:4,pos:1",
			},
		},
		{
			name: "create many, children of each", why: "children belong to their own parent, and rows come in the order of the inputs",
			do: `mutation($in: [PersonInput!]!) { createPeople(inputs: $in) { id name home { city } books(orderBy: {id: ASC}) { title } boss { name } } }`,
			with: `{"in": [
				{"id": 30, "name": "X", "books": {"create": [{"title": "x1"}, {"title": "x2", "pages": 1}]}},
				{"id": 10, "name": "Y", "home": {"create": {"city": "Nice"}}},
				{"id": 20, "name": "Z", "books": {"create": [{"title": "z1"}], "connect": [{"id": 4}]}, "home": {"connect": {"id": 2}}, "boss": {"connect": {"email": "bob@x.y"}}}]}`,
			want: `{"data":{"createPeople":[{"id":30,"name":"X","home":null,"books":[{"title":"x1"},{"title":"x2"}],"boss":null},{"id":10,"name":"Y","home":{"city":"Nice"},"books":[],"boss":null},{"id":20,"name":"Z","home":{"city":"Oslo"},"books":[{"title":"Four"},{"title":"z1"}],"boss":{"name":"Bob"}}]}}`,
			came: []string{
				"homes id:3,city:Nice", "people id:10,name:Y,email:null,bossId:null,homeId:3", "people id:20,name:Z,email:null,bossId:2,homeId:2", "people id:30,name:X,email:null,bossId:null,homeId:null",
				"books id:4,title:Four,pages:10,authorId:20", "books id:5,title:x1,pages:10,authorId:30", "books id:6,title:x2,pages:1,authorId:30", "books id:7,title:z1,pages:10,authorId:20",
			},
			went: []string{"books id:4,title:Four,pages:10,authorId:null"},
		},
		{
			name: "self reference, both ways", why: "one table may stand at every level",
			do:   `mutation { createPerson(input: {name: "Mid", boss: {create: {name: "Top"}}, peopleByBoss: {create: [{name: "Low"}], connect: [{id: 2}]}}) { boss { name } peopleByBoss(orderBy: {id: ASC}) { name } } }`,
			want: `{"data":{"createPerson":{"boss":{"name":"Top"},"peopleByBoss":[{"name":"Bob"},{"name":"Low"}]}}}`,
			came: []string{
				"people id:2,name:Bob,email:bob@x.y,bossId:5,homeId:null", "people id:4,name:Top,email:null,bossId:null,homeId:null",
				"people id:5,name:Mid,email:null,bossId:4,homeId:null", "people id:6,name:Low,email:null,bossId:5,homeId:null",
			},
			went: []string{"people id:2,name:Bob,email:bob@x.y,bossId:1,homeId:null"},
		},
		{
			name: "every verb of a list", why: "what goes, goes before what comes",
			do: `mutation { updatePerson(id: 1, input: {name: "Anna", books: {
				disconnect: [{id: 2}], update: [{key: {authorIdAndTitle: {authorId: 1, title: "One"}}, input: {pages: 99}}],
				create: [{title: "Two"}], connect: [{id: 4}]}}) { name books(orderBy: {id: ASC}) { id title pages } } }`,
			want: `{"data":{"updatePerson":{"name":"Anna","books":[{"id":1,"title":"One","pages":99},{"id":4,"title":"Four","pages":10},{"id":5,"title":"Two","pages":10}]}}}`,
			came: []string{
				"people id:1,name:Anna,email:ann@x.y,bossId:null,homeId:1", "books id:1,title:One,pages:99,authorId:1", "books id:2,title:Two,pages:10,authorId:null",
				"books id:4,title:Four,pages:10,authorId:1", "books id:5,title:Two,pages:10,authorId:1",
			},
			went: []string{
				"people id:1,name:Ann,email:ann@x.y,bossId:null,homeId:1", "books id:1,title:One,pages:10,authorId:1", "books id:2,title:Two,pages:10,authorId:1",
				"books id:4,title:Four,pages:10,authorId:null",
			},
		},
		{
			name: "delete of a list, by keys of two columns", why: "and nothing of its own to set",
			do:   `mutation { updateBook(id: 1, input: {chapters: {delete: [{bookIdAndNr: {bookId: 1, nr: 1}}, {bookIdAndNr: {bookId: 1, nr: 2}}]}}) { chapters { nr } } }`,
			want: `{"data":{"updateBook":{"chapters":[]}}}`,
			went: []string{"chapters bookId:1,nr:1,title:a", "chapters bookId:1,nr:2,title:b"},
		},
		{
			name: "many to many", why: "the join row goes, and with delete the other end",
			do: `mutation { updateBook(id: 1, input: {shelves: {disconnect: [{id: 1}], delete: [{label: "low"}], create: [{label: "new"}], connect: [{label: "far"}]}}) {
				shelves(orderBy: {id: ASC}) { label } } }`,
			want: `{"data":{"updateBook":{"shelves":[{"label":"far"},{"label":"new"}]}}}`,
			came: []string{"shelves id:4,label:new", "bookShelves bookId:1,shelfId:3,pos:1", "bookShelves bookId:1,shelfId:4,pos:1"},
			went: []string{"shelves id:2,label:low", "bookShelves bookId:1,shelfId:1,pos:7", "bookShelves bookId:1,shelfId:2,pos:8"},
		},
		{
			name: "many to many: update, and connect again", why: "what is joined stays as it is",
			do:   `mutation { updateBook(id: 1, input: {shelves: {update: [{key: {id: 1}, input: {label: "TOP"}}], connect: [{id: 2}]}}) { shelves(orderBy: {id: ASC}) { label } } }`,
			want: `{"data":{"updateBook":{"shelves":[{"label":"TOP"},{"label":"low"}]}}}`,
			came: []string{"shelves id:1,label:TOP"}, went: []string{"shelves id:1,label:top"},
		},
		{
			name: "to one: update", why: "through a reference, and back through it",
			do:   `mutation { updateBook(id: 3, input: {author: {update: {name: "Rob", boss: {update: {name: "Boss"}}}}}) { author { name boss { name } } } }`,
			want: `{"data":{"updateBook":{"author":{"name":"Rob","boss":{"name":"Boss"}}}}}`,
			came: []string{"people id:1,name:Boss,email:ann@x.y,bossId:null,homeId:1", "people id:2,name:Rob,email:bob@x.y,bossId:1,homeId:null"},
			went: []string{"people id:1,name:Ann,email:ann@x.y,bossId:null,homeId:1", "people id:2,name:Bob,email:bob@x.y,bossId:1,homeId:null"},
		},
		{
			name: "to one: connect, create, disconnect and delete", why: "the row that is referred to is not touched unless that is asked for",
			do: `mutation {
				a: updatePerson(id: 1, input: {home: {connect: {id: 2}}}) { home { city } }
				b: updatePerson(id: 2, input: {home: {create: {city: "Bonn"}}}) { home { city } }
				c: updatePerson(id: 3, input: {home: {disconnect: true}, boss: {disconnect: true}}) { home { city } boss { id } }
				d: updatePerson(id: 2, input: {home: {delete: true}}) { home { city } } }`,
			want: `{"data":{"a":{"home":{"city":"Oslo"}},"b":{"home":{"city":"Bonn"}},"c":{"home":null,"boss":null},"d":{"home":null}}}`,
			came: []string{"people id:1,name:Ann,email:ann@x.y,bossId:null,homeId:2", "people id:3,name:Cid,email:cid@x.y,bossId:null,homeId:null"},
			went: []string{"people id:1,name:Ann,email:ann@x.y,bossId:null,homeId:1", "people id:3,name:Cid,email:cid@x.y,bossId:1,homeId:2"},
		},
		{
			name: "to one: another takes the place", why: "delete and create are one change",
			do:   `mutation { updatePerson(id: 1, input: {home: {delete: true, create: {city: "Bonn"}}}) { home { city } } }`,
			want: `{"data":{"updatePerson":{"home":{"city":"Bonn"}}}}`,
			came: []string{"homes id:3,city:Bonn", "people id:1,name:Ann,email:ann@x.y,bossId:null,homeId:3"},
			went: []string{"homes id:1,city:Rome", "people id:1,name:Ann,email:ann@x.y,bossId:null,homeId:1"},
		},
		{
			name: "to one from the other end", why: "a unique reference makes an object of the list",
			do: `mutation {
				a: updatePerson(id: 1, input: {profile: {update: {bio: "second"}}, badge: {disconnect: true, connect: {id: 2}}}) { profile { bio } badge { id } }
				b: createPerson(input: {name: "Dee", profile: {create: {bio: "new"}}, badge: {connect: {id: 1}}}) { profile { bio } badge { id } }
				c: updatePerson(id: 1, input: {profile: {delete: true}}) { profile { bio } } }`,
			want: `{"data":{"a":{"profile":{"bio":"second"},"badge":{"id":2}},"b":{"profile":{"bio":"new"},"badge":{"id":1}},"c":{"profile":null}}}`,
			came: []string{"people id:4,name:Dee,email:null,bossId:null,homeId:null", "profiles id:2,personId:4,bio:new", "badges id:1,personId:4,color:blue", "badges id:2,personId:1,color:blue"},
			went: []string{"profiles id:1,personId:1,bio:first", "badges id:1,personId:1,color:blue", "badges id:2,personId:null,color:blue"},
		},
		{
			name: "references of two columns", why: "a shared column is filled too, and only what may be NULL is taken away",
			do: `mutation {
				a: updateParcel(tenant: 1, id: 1, input: {items: {disconnect: [{tenantAndId: {tenant: 1, id: 1}}], connect: [{tenantAndId: {tenant: 1, id: 2}}], create: [{what: "new"}]}}) { items(orderBy: {id: ASC}) { id } }
				b: createItem(input: {what: "two", parcel: {create: {tenant: 2, note: "p3"}}}) { tenant parcel { note } }
				c: createItem(input: {tenant: 2, what: "three", parcel: {connect: {tenantAndId: {tenant: 2, id: 2}}}}) { tenant parcelId } }`,
			want: `{"data":{"a":{"items":[{"id":2},{"id":4}]},"b":{"tenant":2,"parcel":{"note":"p3"}},"c":{"tenant":2,"parcelId":2}}}`,
			came: []string{
				"parcels tenant:2,id:3,note:p3", "items tenant:1,id:1,what:i1,parcelId:null", "items tenant:1,id:2,what:i2,parcelId:1", "items tenant:1,id:4,what:new,parcelId:1",
				"items tenant:2,id:5,what:two,parcelId:3", "items tenant:2,id:6,what:three,parcelId:2",
			},
			went: []string{"items tenant:1,id:1,what:i1,parcelId:1", "items tenant:1,id:2,what:i2,parcelId:null"},
		},
		{
			name: "a trigger changes the key", why: "the key that counts is the one that comes back",
			do: `mutation {
				a: createWord(input: {code: "new", usages: {create: [{place: "there"}]}}) { code size usages { place } }
				b: createWords(inputs: [{code: "b", usages: {create: [{place: "2"}]}}, {code: "a"}]) { code uses usages { place } }
				c: updateWord(code: "OLD", input: {code: "older", usages: {create: [{place: "late"}]}}) { code usages(orderBy: {id: ASC}) { place } } }`,
			want: `{"data":{"a":{"code":"NEW","size":3,"usages":[{"place":"there"}]},"b":[{"code":"B","uses":1,"usages":[{"place":"2"}]},{"code":"A","uses":0,"usages":[]}],"c":{"code":"OLDER","usages":[{"place":"here"},{"place":"late"}]}}}`,
			came: []string{"words code:A", "words code:B", "words code:NEW", "words code:OLDER", "usages word:OLDER,place:here", "usages word:NEW,place:there", "usages word:B,place:2", "usages word:OLDER,place:late"},
			went: []string{"words code:OLD", "usages word:OLD,place:here"},
		},
		{
			name: "a ring of references", why: "deferred constraints are looked at when all is there",
			do:   `mutation { createHen(input: {id: 1, eggByEggId: {create: {id: 2, henId: 1}}}) { id eggId } }`,
			want: `{"data":{"createHen":{"id":1,"eggId":2}}}`,
			came: []string{"hens id:1,eggId:2"},
		},
		{
			name: "keys that are enums", why: "a key has the name in GraphQL and the label in the table",
			do:   `mutation { createTicket(input: {text: "t2", stageByPhase: {connect: {phase: IN_PROGRESS}}}) { phase stageByPhase { note } } }`,
			want: `{"data":{"createTicket":{"phase":"IN_PROGRESS","stageByPhase":{"note":"now"}}}}`,
			came: []string{"tickets id:2,phase:IN_PROGRESS,text:t2"},
		},
		{
			name: "variables inside literals", why: "every place of a value may be a variable",
			do:   `mutation($id: Int!, $title: String!, $key: ShelfByKey!) { updatePerson(id: 1, input: {books: {update: [{key: {id: $id}, input: {title: $title, shelves: {connect: [$key]}}}]}}) { books(orderBy: {id: ASC}) { title shelves(orderBy: {id: ASC}) { id } } } }`,
			with: `{"id": 2, "title": "Zwei", "key": {"label": "far"}}`,
			want: `{"data":{"updatePerson":{"books":[{"title":"One","shelves":[{"id":1},{"id":2}]},{"title":"Zwei","shelves":[{"id":3}]}]}}}`,
			came: []string{"books id:2,title:Zwei,pages:10,authorId:1", "bookShelves bookId:2,shelfId:3,pos:1"},
			went: []string{"books id:2,title:Two,pages:10,authorId:1"},
		},
		{
			name: "many to many of one table", why: "each end is another relation",
			do: `mutation { updatePerson(id: 1, input: {peopleByFriendsFriend: {connect: [{id: 3}], disconnect: [{id: 2}]}, peopleByFriendsPerson: {create: [{name: "Dee"}]}}) {
				peopleByFriendsFriend(orderBy: {id: ASC}) { id } peopleByFriendsPerson(orderBy: {id: ASC}) { id } } }`,
			want: `{"data":{"updatePerson":{"peopleByFriendsFriend":[{"id":3}],"peopleByFriendsPerson":[{"id":2},{"id":4}]}}}`,
			came: []string{"people id:4,name:Dee,email:null,bossId:null,homeId:null", "friends personId:1,friendId:3", "friends personId:4,friendId:1"},
			went: []string{"friends personId:1,friendId:2"},
		},
		{
			name: "a reference to another key", why: "which may change in the same update",
			do:   `mutation { updatePerson(id: 1, input: {email: "new@x.y", letters: {create: [{text: "bye"}]}}) { letters(orderBy: {id: ASC}) { toEmail text } } }`,
			want: `{"data":{"updatePerson":{"letters":[{"toEmail":"new@x.y","text":"hello"},{"toEmail":"new@x.y","text":"bye"}]}}}`,
			came: []string{"people id:1,name:Ann,email:new@x.y,bossId:null,homeId:1", "letters toEmail:new@x.y,text:hello", "letters toEmail:new@x.y,text:bye"},
			went: []string{"people id:1,name:Ann,email:ann@x.y,bossId:null,homeId:1", "letters toEmail:ann@x.y,text:hello"},
		},
		{
			name: "a join table with columns of its own", why: "its rows are related rows like any others",
			do:   `mutation { createHome(input: {city: "Bonn", loans: {create: [{until: "2030-01-02", shelf: {create: {label: "new"}}}]}}) { loans { until shelf { label } } } }`,
			want: `{"data":{"createHome":{"loans":[{"until":"2030-01-02","shelf":{"label":"new"}}]}}}`,
			came: []string{"homes id:3,city:Bonn", "shelves id:4,label:new", "loans shelfId:4,homeId:3,until:2030-01-02"},
		},
		{
			name: "no such row", why: "nothing else is done either",
			do:   `mutation { updatePerson(id: 99, input: {name: "x", home: {create: {city: "Bonn"}}, books: {create: [{title: "x"}]}}) { id } }`,
			want: `{"data":{"updatePerson":null}}`,
		},
		{
			name: "nothing to do", why: "an empty list is no mistake",
			do:   `mutation { updatePerson(id: 1, input: {books: {create: [], connect: []}}) { id } }`,
			want: `{"data":{"updatePerson":{"id":1}}}`,
		},
		{
			name: "operations beside", why: "increment and its like go with related rows",
			do:   `mutation { updateBook(id: 1, increment: {pages: 5}, input: {chapters: {create: [{nr: 3, title: "c"}]}}) { pages chapters(orderBy: {nr: DESC}, limit: 1) { nr } } }`,
			want: `{"data":{"updateBook":{"pages":15,"chapters":[{"nr":3}]}}}`,
			came: []string{"books id:1,title:One,pages:15,authorId:1", "chapters bookId:1,nr:3,title:c"},
			went: []string{"books id:1,title:One,pages:10,authorId:1"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l.each(t, func(t *testing.T, f *fixture) {
				got, came, went := changes(t, f, tt.do, or(tt.with)...)
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("%s\n%s", tt.why, d)
				}
				if d := cmp.Diff(tt.came, came); d != "" {
					t.Errorf("rows that came: %s\n%s", tt.why, d)
				}
				if d := cmp.Diff(tt.went, went); d != "" {
					t.Errorf("rows that went: %s\n%s", tt.why, d)
				}
			})
		})
	}
}

func or(variables string) []string {
	if variables == "" {
		return nil
	}
	return []string{variables}
}

// TestNestedTypes: what can't be done, because of the tables, the configuration or
// the role, is not in the schema.
func TestNestedTypes(t *testing.T) {
	l := newLibrary(t, graphql.EngineOptions{})
	omitted := fixtures(t, l.dsn, graphql.Config{Tables: map[string]graphql.TableConfig{
		"books": {Omit: []string{"delete"}}, "homes": {Omit: []string{"create"}}, "shelves": {Omit: []string{"update"}}, "book_shelves": {Omit: []string{"delete"}},
		"profiles": {Omit: []string{"create", "upsert", "update", "delete"}},
	}}, graphql.EngineOptions{})[0]
	pgtest.Exec(t, l.dsn, "COMMENT ON TABLE badges IS '@omit all'")
	hidden := fixtures(t, l.dsn, graphql.Config{}, graphql.EngineOptions{})[0]
	for _, tt := range []struct {
		why   string
		f     fixture
		input string
		field string
		want  string // "" where there is no such field
	}{
		{"everything", l.fixtures[0], "PersonPatch", "books", "BookUpdateMany"},
		{"a create makes and takes", l.fixtures[0], "PersonInput", "books", "BookCreateMany"},
		{"never NULL, so never taken away", l.fixtures[0], "BookPatch", "chapters", "ChapterUpdateManyWithoutDisconnect"},
		{"a row can't go where it must be", l.fixtures[0], "ChapterPatch", "book", "BookUpdateOneWithoutDisconnectOrDelete"},
		{"a unique reference", l.fixtures[0], "PersonPatch", "profile", "ProfileUpdateOneWithoutDisconnect"},
		{"NULL is allowed", l.fixtures[0], "PersonPatch", "home", "HomeUpdateOne"},
		{"through a join table", l.fixtures[0], "BookPatch", "shelves", "ShelfUpdateMany"},
		{"a join table that wants more", l.fixtures[0], "ShelfPatch", "homes", "HomeUpdateManyWithoutCreateOrConnect"},
		{"not for trees", l.fixtures[0], "PersonPatch", "ancestors", ""},
		{"one input for one target", l.fixtures[0], "ParcelPatch", "items", "ItemUpdateMany"},
		{"delete left out", omitted, "PersonPatch", "books", "BookUpdateManyWithoutDelete"},
		{"create left out", omitted, "PersonInput", "home", "HomeCreateOneWithoutCreate"},
		{"update of the target and delete of the join table left out", omitted, "BookPatch", "shelves", "ShelfUpdateManyWithoutDisconnectOrUpdateOrDelete"},
		{"all left out", omitted, "PersonPatch", "profile", ""},
		{"a table that is not there", hidden, "PersonPatch", "badge", ""},
	} {
		got := tt.f.typeOf(t, tt.input, tt.field)
		if got != tt.want {
			t.Errorf("%s: %s.%s is %q, want %q", tt.why, tt.input, tt.field, got, tt.want)
		}
	}
	var sdl bytes.Buffer
	if err := l.fixtures[0].schema.WriteSDL(&sdl); err != nil {
		t.Fatal(err)
	}
	if want := "input PersonByKey @oneOf {"; !strings.Contains(sdl.String(), want) {
		t.Errorf("no %q", want)
	}
}

// typeOf is the type of a field of an input, "" where it is not there.
func (f *fixture) typeOf(t *testing.T, input, field string) string {
	t.Helper()
	var answer struct {
		Data struct {
			Type struct {
				InputFields []struct {
					Name string `json:"name"`
					Type struct {
						Name string `json:"name"`
					} `json:"type"`
				} `json:"inputFields"`
			} `json:"__type"`
		} `json:"data"`
	}
	text := f.answer(t, `{ __type(name: "`+input+`") { inputFields { name type { name } } } }`)
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Data.Type.InputFields) == 0 {
		t.Fatal(text)
	}
	for _, have := range answer.Data.Type.InputFields {
		if have.Name == field {
			return have.Type.Name
		}
	}
	return ""
}
