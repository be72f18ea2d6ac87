package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const viewTables = `
create table authors (id int primary key, name text not null unique, active boolean not null default true);
create table books (id int primary key, author_id int not null references authors, title text not null, price numeric(8, 2) not null);
insert into authors select i, 'a' || i, i <> 3 from generate_series(1, 5) i;
insert into books select i, 1 + i % 5, 'b' || i, i from generate_series(1, 20) i;
create view author_stats as select a.id, a.name, count(b.id) as books, sum(b.price) as worth from authors a left join books b on b.author_id = a.id group by a.id;
create view active_authors as select id, name, active from authors where active with local check option;
create view doubles as select a.id, b.title from authors a join books b on b.author_id = a.id;
create materialized view top_books as select b.id as book_id, b.title, a.name as author, b.price from books b join authors a on a.id = b.author_id where price > 10;
create materialized view later_books as select id, title from books with no data;
create view plain as select id, title from books;
`

const viewKeys = `graphql:
  tables:
    author_stats: {name: AuthorStat, keys: [[id], [name]]}
    active_authors: {keys: [[id]]}
    doubles: {keys: [[id]]}
    top_books: {keys: [[book_id], [author, title]], columns: {price: {name: cost}}}
    later_books: {keys: [[id]]}
    plain: {keys: [[id, isbn]]}
`

// Views and materialized views whose keys are said in fraiseql.yaml: their rows are
// found by these, paged by cursors, and written where PostgreSQL lets them be.
func testViews(t *testing.T, file program) {
	t.Helper()
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, viewTables)
			yaml := filepath.Join(t.TempDir(), "fraiseql.yaml")
			if err := os.WriteFile(yaml, []byte(viewKeys), 0o600); err != nil {
				t.Fatal(err)
			}
			p := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_DB_BACKEND=" + backend}, "--config", yaml, "--admin-addr", "127.0.0.1:0")
			p.saw("left out: key (id, isbn) of public.plain: there is no column isbn\n")
			for _, c := range []struct{ query, want string }{
				{`{ authorStat(id: 2) { name books worth } authorStatByName(name: "a2") { id } }`, `{"data":{"authorStat":{"name":"a2","books":4,"worth":34.00},"authorStatByName":{"id":2}}}`},
				{`{ authorStat(id: 77) { id } }`, `{"data":{"authorStat":null}}`},
				{`{ topBook(bookId: 12) { title author cost } topBookByAuthorAndTitle(author: "a3", title: "b12") { bookId } }`, `{"data":{"topBook":{"title":"b12","author":"a3","cost":12.00},"topBookByAuthorAndTitle":{"bookId":12}}}`},
				{`{ topBooks(orderBy: [{cost: DESC}], limit: 2) { bookId } topBooksAggregate { count } }`, `{"data":{"topBooks":[{"bookId":20},{"bookId":19}],"topBooksAggregate":{"count":10}}}`},
				{`mutation { updateActiveAuthor(id: 1, input: {name: "new"}) { id name } }`, `{"data":{"updateActiveAuthor":{"id":1,"name":"new"}}}`},
				{`mutation { updateActiveAuthor(id: 3, input: {name: "x"}) { id } }`, `{"data":{"updateActiveAuthor":null}}`},
				{`mutation { createActiveAuthor(input: {id: 9, name: "nine"}) { id active } }`, `{"data":{"createActiveAuthor":{"id":9,"active":true}}}`},
				{`mutation { deleteActiveAuthor(id: 9) { success record { name } } }`, `{"data":{"deleteActiveAuthor":{"success":true,"record":{"name":"nine"}}}}`},
				{`mutation { deleteActiveAuthor(id: 3) { success } }`, `{"data":{"deleteActiveAuthor":{"success":false}}}`},
				// What goes wrong has a code that says whose it is to mend.
				{`mutation { updateActiveAuthor(id: 1, input: {active: false}) { id } }`, `{"data":{"updateActiveAuthor":null},…"code":"CONSTRAINT_VIOLATION"}}]}`},
				{`{ double(id: 2) { title } }`, `{"data":{"double":null},…"code":"CONFIGURATION"}}]}`},
				{`{ laterBooks { id } }`, `{"data":{"laterBooks":null},…"code":"CONFIGURATION"}}]}`},
				{`mutation { createTopBook(input: {bookId: 1}) { bookId } }`, `…Cannot query field \"createTopBook\"…`},
				{`mutation { updateAuthorStat(id: 1, input: {name: "x"}) { id } }`, `…Cannot query field \"updateAuthorStat\"…`},
				{`{ plain(id: 1) { id } }`, `…Cannot query field \"plain\"…`},
				{`{ plainsConnection(first: 2) { edges { cursor } } }`, `…Cannot query field \"plainsConnection\"…`},
			} {
				if answer := p.query(c.query); !matches(c.want, answer) {
					t.Errorf("%s: %s", c.query, answer)
				}
			}
			p.pagesOfViews(t)
			pgtest.Exec(t, dsn, "refresh materialized view later_books", "delete from books where id = 20", "refresh materialized view top_books")
			is(t, "a view that is filled", p.query(`{ laterBook(id: 7) { title } topBook(bookId: 20) { title } }`), `{"data":{"laterBook":{"title":"b7"},"topBook":null}}`)
			if ready := get(t, p.admin()+"/readyz"); !strings.Contains(ready, `"broken":[{"object":"key (id, isbn) of public.plain","reason":"there is no column isbn"}]`) {
				t.Errorf("readyz: %s", ready)
			}
			p.end(syscall.SIGTERM)
		})
	}
}

// pagesOfViews follows the cursors of a view whose sort key is not unique to its end.
func (p *process) pagesOfViews(t *testing.T) {
	t.Helper()
	var ids []string
	after := ""
	for range 10 {
		answer := p.query(`{ authorStatsConnection(first: 2, orderBy: [{books: DESC}]` + after + `) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`)
		for _, part := range strings.Split(answer, `"id":`)[1:] {
			ids = append(ids, part[:1])
		}
		_, cursor, _ := strings.Cut(answer, `"endCursor":"`)
		cursor, _, _ = strings.Cut(cursor, `"`)
		if after = `, after: "` + cursor + `"`; !strings.Contains(answer, `"hasNextPage":true`) {
			break
		}
	}
	is(t, "pages", strings.Join(ids, ""), "12345")
}
