package reproduce_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/reproduce"
)

// programs is what statements of an application find beside the people.
const programs = `
create view rich as select p.id, p.code, p.balance, t.town from people p join towns t on t.id = p.town_id where p.feeling = 'Jubilant' and p.balance > 100.25;
create view richest with (security_barrier) as select * from rich where code like 'Secret-2%';
create function born_in(place text) returns table (code text, worth numeric) language plpgsql stable as $f$
begin return query execute 'select p.code, p.balance from people p join towns t on t.id = p.town_id where t.town = $1 order by p.id desc' using place; end $f$;
create function no_debt() returns trigger language plpgsql as $f$
begin if new.balance < 0 then raise exception 'debt of %', new.code using errcode = 'P0042'; end if; return new; end $f$;
create trigger no_debt before insert or update on people for each row execute function no_debt();
alter table parcels add check (weight < 100000);
create schema depot;
create domain depot.kg as numeric(12,3);
create type depot.size as (width numeric(8,2), unit text);
create table depot.shelves (id int8 primary key, room text not null, load depot.kg, size depot.size);
insert into depot.shelves select i, 'Hallway-' || i, i * 1.5, row(i + 0.5, 'Fathom')::depot.size from generate_series(1, 400) i;`

// scale is a lie about numbers that end with a zero.
var scale = changing(1700, func(s string) string {
	if strings.Contains(s, ".") && strings.HasSuffix(s, "0") {
		return strings.TrimRight(s, "0")
	}
	return s
})

// sent is a line of a program.
func sent(kind corpus.Kind, query string, args ...string) corpus.Line {
	l := corpus.Line{Version: corpus.Version, Kind: kind, SQL: query, Title: "Confidential title", Conn: "7", Outcome: "ok"}
	for _, a := range args {
		l.Args = append(l.Args, corpus.TextArg(a))
	}
	return l
}

func together(lines ...corpus.Line) []corpus.Line {
	list := append([]corpus.Line{sent(corpus.KindBegin, "")}, lines...)
	list = append(list, sent(corpus.KindCommit, ""))
	for i := range list {
		list[i].Tx = 3
	}
	return list
}

// statements are what programs send, and how a backend gets it wrong.
var statements = []struct {
	name  string
	lines []corpus.Line
	lie   func(int, []uint32, []*string) []*string
	say   func(string) string
	want  string
	has   []string // in what is written
	not   []string
	rows  int
}{
	{
		name:  "argument",
		lines: []corpus.Line{sent(corpus.KindQuery, `select /* Confidential */ p.id, p.code, p.balance, t.town from people p left join towns t on t.id = p.town_id where p.code = $1 and (p.balance > $2 or p.note is null) order by p.id limit 10`, "Secret-271", "12.5")},
		lie:   scale, want: "value of numeric", has: []string{"numeric"}, not: []string{"towns", "order by", "limit", "$1"}, rows: 1,
	},
	{
		name:  "constants",
		lines: []corpus.Line{sent(corpus.KindQuery, `select code, to_char(at, 'YYYY-MM-DD') as day, balance from people where code = 'Secret-271' and feeling in ('Wistful', 'Jubilant') and born > '1971-03-04'`)},
		lie:   scale, want: "value of numeric", rows: 1,
	},
	{
		name:  "sum",
		lines: []corpus.Line{sent(corpus.KindQuery, `select town_id, count(*), round(sum(balance), 1) * 1.0 as total from people group by town_id having count(*) > 3 order by total desc`)},
		lie:   scale, want: "value of numeric", rows: 4,
	},
	{
		name:  "view of a view",
		lines: []corpus.Line{sent(corpus.KindQuery, `select * from richest where code = $1`, "Secret-271")},
		lie:   scale, want: "value of numeric", has: []string{"people"}, rows: 2,
	},
	{
		name:  "function",
		lines: []corpus.Line{sent(corpus.KindQuery, `select * from born_in($1) where worth > 1000`, "Zanzibar-2")},
		lie:   scale, want: "value of numeric", rows: 2,
	},
	{
		name: "transaction",
		lines: together(
			sent(corpus.KindQuery, `select count(*) from towns`),
			sent(corpus.KindExec, `insert into towns (town) values ($1)`, "Zanzibar-99"),
			sent(corpus.KindExec, `insert into people (code, balance, feeling) values ($1, $2, 'Wistful')`, "Secret-999", "7314.50"),
			sent(corpus.KindQuery, `update people set balance = balance * 2, note = $2 where code = $1 returning id, code, balance`, "Secret-999", "Confidential"),
		),
		lie: scale, want: "value of numeric", not: []string{"towns"}, rows: 1,
	},
	{
		name:  "trigger",
		lines: []corpus.Line{sent(corpus.KindQuery, `update people set balance = $1::numeric where code = $2 returning code`, "7314.50", "Secret-33")},
		say: func(arg string) string {
			if strings.Contains(arg, ".") {
				return "-" + arg
			}
			return arg
		},
		want: "error (success against P0042)", has: []string{"create trigger", "replace function"}, rows: 1,
	},
	{
		name:  "check",
		lines: []corpus.Line{sent(corpus.KindQuery, `insert into parcels (ref, weight) values ($1, $2) returning id`, "Secret-555", "17.25")},
		say: func(arg string) string {
			if strings.Contains(arg, ".") {
				return "9" + strings.Repeat("0", 6) + arg
			}
			return arg
		},
		want: "error (success against 23514)", has: []string{"check ("}, rows: 0,
	},
	{
		name:  "key of a document",
		lines: []corpus.Line{sent(corpus.KindQuery, `select doc->>'hidden' as h, doc from people where doc->>'hidden' = $1`, "70144")},
		lie: changing(25, func(s string) string {
			if len(s) == 5 {
				return s + " "
			}
			return s
		}),
		want: "value of text", rows: 1,
	},
	{
		name:  "other schema, own types",
		lines: []corpus.Line{sent(corpus.KindQuery, `select s.id, s.room, s.load, (s.size).width from depot.shelves s where s.room = $1`, "Hallway-300")},
		lie:   scale, want: "value of numeric", rows: 1,
	},
	{
		name:  "array",
		lines: []corpus.Line{sent(corpus.KindQuery, `select id, balance from people where code = any($1)`, "{Secret-271,Secret-5}")},
		lie:   scale, want: "value of numeric", rows: 1,
	},
	{
		name:  "no table",
		lines: []corpus.Line{sent(corpus.KindQuery, `select $1::numeric(14,3) + 7314.50 as total, now()`, "98765.4")},
		lie:   scale, want: "value of numeric", not: []string{"98765", "create table"}, rows: 0,
	},
}

// TestReproduceStatements: what a program has sent is seen in a database of a row or so
// too, with made-up values.
func TestReproduceStatements(t *testing.T) {
	t.Parallel()
	for i, tc := range statements {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			honest := mode(t, "pq/default")
			sides := reproduce.Sides{Control: honest, Candidate: &liar{Backend: mode(t, "pgx/simple_protocol"), lie: tc.lie, say: tc.say}}
			if i%2 == 1 && tc.say == nil {
				honest = mode(t, "pgx/exec")
				sides = reproduce.Sides{Control: &liar{Backend: honest, lie: tc.lie}, Candidate: mode(t, "pq/default")}
			}
			from, cfg := source(t, honest)
			if _, err := from.DB.Pool().ExecContext(t.Context(), "do $do$ begin execute $q$"+programs+"$q$; end $do$"); err != nil {
				t.Fatal(err)
			}
			op := reproduce.Operation{Lines: tc.lines}
			reports, err := reproduce.Run(t.Context(), cfg, sides, op)
			if err != nil {
				t.Fatal(err)
			}
			want, ok := reproduce.SignatureOf(reports[0])
			if !ok {
				t.Fatalf("%+v", reports)
			}
			r, err := reproduce.Reproduce(t.Context(), from, config(t, pgtest.DB(t)), sides, op, want)
			if err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			text := written(t, r, "x.sql")
			t.Logf("%d tries, cut %v\n%s", r.Tries, r.Cut, text)
			if got := want.String(); got != tc.want {
				t.Errorf("signature %s, want %s", want, tc.want)
			}
			for _, s := range append([]string{"Hallway", "Fathom", "98765"}, secrets...) {
				if strings.Contains(text, s) {
					t.Errorf("%q got out", s)
				}
			}
			for _, s := range tc.has {
				if !strings.Contains(strings.ToLower(text), s) {
					t.Errorf("there is no %q", s)
				}
			}
			for _, s := range tc.not {
				if strings.Contains(text, s) {
					t.Errorf("there is %q", s)
				}
			}
			if n := strings.Count(text, "\n\t("); n > tc.rows {
				t.Errorf("%d rows, want at most %d", n, tc.rows)
			}
			again(t, r, sides)
			test, err := r.Go("x")
			if err != nil || !strings.Contains(test, "corpus.NewReplayer") {
				t.Errorf("%v in\n%s", err, test)
			}
		})
	}
}

// TestLongStatement: of a statement of some thousand words, little is left.
func TestLongStatement(t *testing.T) {
	t.Parallel()
	honest := mode(t, "pq/default")
	sides := reproduce.Sides{Control: honest, Candidate: &liar{Backend: mode(t, "pgx/simple_protocol"), lie: scale}}
	from, cfg := source(t, honest)
	if _, err := from.DB.Pool().ExecContext(t.Context(), "do $do$ begin execute $q$"+programs+"$q$; end $do$"); err != nil {
		t.Fatal(err)
	}
	var cols []string
	for i := range 40 {
		cols = append(cols, fmt.Sprintf("case when p.id > %d then coalesce(p.nick, 'Ordinary%d') else upper(p.code) end as c%d", i*7, i, i))
	}
	q := "with recent as (select * from people where at > now() - interval '30 years' and balance > 10.50), t2 as (select town_id, count(*) as n, avg(balance) as mean from recent group by town_id) select " +
		strings.Join(cols, ", ") + ", p.balance, row_number() over (partition by p.town_id order by p.id) as rn, t2.mean from recent p left join towns t on t.id = p.town_id left join t2 on t2.town_id = t.id where p.code in ('Secret-271', 'Secret-3') and (p.note is null or p.note <> 'Confidential') order by p.id desc limit 25 offset 0"
	op := reproduce.Operation{Lines: []corpus.Line{sent(corpus.KindQuery, q)}}
	reports, err := reproduce.Run(t.Context(), cfg, sides, op)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := reproduce.SignatureOf(reports[0])
	r, err := reproduce.Reproduce(t.Context(), from, config(t, pgtest.DB(t)), sides, op, want)
	if err != nil {
		t.Fatal(want, err)
	}
	if sql := r.Lines[0].SQL; len(sql) > 100 || r.Cut {
		t.Errorf("%d tries, cut %v, of %d bytes there is left %s", r.Tries, r.Cut, len(q), sql)
	}
	again(t, r, sides)
}
