package corpus_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// TestReplaySeveral: a line of several statements runs as the server would run it, one
// after the other in one transaction.
func TestReplaySeveral(t *testing.T) {
	t.Parallel()
	for _, d := range [][2]string{{"pq/default", "pgx/cache_statement"}, {"pgx/exec", "pq/binary_parameters"}, {"pgx/simple_protocol", "pgx/cache_describe"}} {
		one, two := pgtest.DB(t), pgtest.DB(t)
		var seen []string
		h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
			seen = append(seen, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", r.Operation, r.Verdict, r.Control.Rows, r.Control.SQLState)))
		})))
		const file = `{"v":1,"conn":"1","kind":"exec","sql":"create schema s; set search_path = s; create table notes (id int, body text default ';'); insert into notes values (1)","outcome":"ok"}
{"v":1,"conn":"1","kind":"query","sql":"select id, body from notes; -- all","outcome":"ok"}
{"v":1,"conn":"1","kind":"query","sql":"select 1; select 2","outcome":"ok"}
{"v":1,"conn":"1","tx":1,"kind":"begin","sql":"begin","outcome":"ok"}
{"v":1,"conn":"1","tx":1,"kind":"exec","sql":"insert into notes values (2); savepoint x; insert into notes values (3); rollback to x","outcome":"ok"}
{"v":1,"conn":"1","tx":1,"kind":"query","sql":"select id from notes","outcome":"ok"}
{"v":1,"conn":"1","tx":1,"kind":"commit","sql":"commit","outcome":"ok"}
{"v":1,"conn":"1","kind":"exec","sql":"insert into notes values (4); insert into nowhere values (5)","outcome":"42P01"}
{"v":1,"conn":"1","kind":"exec","sql":"begin; delete from notes; commit","outcome":"ok"}
{"v":1,"conn":"1","kind":"exec","sql":"set search_path = public; reset search_path","outcome":"ok"}
`
		r := parity.NewSeparateRunner(h, openDB(t, d[0], one), openDB(t, d[1], two))
		out, err := corpus.NewReplayer(r).Replay(t.Context(), corpus.NewReader(strings.NewReader(file)))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"create and 3 more equal 1", "select from notes equal 1", "select equal 2", "insert into notes and 2 more equal 2", "insert into notes and 1 more equal 0 42P01"}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("%v: -want +got:\n%s", d, diff)
		}
		if out.Unusable["several statements in one that have a transaction of their own"] != 1 || len(out.Unusable) != 1 {
			t.Errorf("%v: %+v", d, out)
		}
		for _, dsn := range []string{one, two} {
			var ids string
			if err := pgtest.Open(t, dsn).QueryRowContext(t.Context(), "select string_agg(id || body, ' ' order by id) from s.notes").Scan(&ids); err != nil || ids != "1; 2;" {
				t.Errorf("%v: notes %q, %v", d, ids, err)
			}
		}
	}
}
