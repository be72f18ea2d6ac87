package reproduce_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/reproduce"
)

// awkward is what a schema may have beside plain tables.
const awkward = `
create schema "My ""Schema""";
create schema app;
create schema ext;
create extension citext schema ext;
do $$ begin execute format('alter database %I set search_path = app, public', current_database()); end $$;
create type app.state as enum ('Wistful', 'Jubilant');
create type "My ""Schema""".state as enum ('Ordinary', 'Wistful');
create domain app.mood as app.state;
create domain app.money2 as numeric(14,2) check (value > -1000000);
create table app.accounts (id serial primary key, owner text not null, balance app.money2, mood app.mood, nick ext.citext, tags ext.citext[]);
insert into app.accounts (owner, balance, mood, nick, tags) select 'Secret-' || i, i * 10.50, 'Wistful', 'Nicky' || i, array['Tagged' || i] from generate_series(1, 40) i;
create table "My ""Schema"""."Pay%roll \x" ("a b" int primary key, "c\d" numeric(14,2), "E" "My ""Schema""".state, "$1" text default 'Secret''s \ default');
insert into "My ""Schema"""."Pay%roll \x" select i, i * 1.10, 'Ordinary', 'Secret\' || i from generate_series(1, 30) i;
create table app.parts (id int8 generated always as identity, year int not null, amount numeric(12,3) not null, twice numeric generated always as (amount * 2) stored, primary key (year, id)) partition by range (year);
create table app.parts_old partition of app.parts for values from (1900) to (2000);
create table app.parts_new partition of app.parts for values from (2000) to (2100);
insert into app.parts (year, amount) select 1990 + i, i + 0.250 from generate_series(1, 20) i;
create table app.uses (id int primary key, part_year int, part_id int8, parent int references app.uses, price numeric(10,2), foreign key (part_year, part_id) references app.parts);
insert into app.uses select i, 1990 + i, i, nullif(i - 1, 0), i + 0.50 from generate_series(1, 10) i;
create table app.bosses (id int primary key, team int, pay numeric(10,2));
create table app.teams (id int primary key, boss int references app.bosses);
insert into app.bosses select i, i, i * 100.10 from generate_series(1, 5) i;
insert into app.teams select i, i from generate_series(1, 5) i;
alter table app.bosses add foreign key (team) references app.teams;
create table app.animals (id int primary key, name text, weight numeric(10,2));
create table app.dogs (breed text) inherits (app.animals);
insert into app.dogs select i, 'Secret-' || i, i + 0.10, 'Ordinary' from generate_series(1, 5) i;
create function app.risky(of text) returns setof numeric language plpgsql as $a$ begin
	-- $do$
	return query execute $b$ select balance * 1 from app.accounts where owner = $c$Secret-3$c$ or owner = $1 $b$ using of; end $a$;
create function app.odd(n int) returns boolean language sql as $$ select case when n = 0 then false else app.odd(n - 1) end $$;
create function app.fresh(y int default 1990) returns table (amount numeric) begin atomic select p.amount from app.parts p where p.year > y; end;`

func awkwardSource(t *testing.T) (reproduce.Source, string) {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, awkward)
	db, err := executor.Open(t.Context(), mode(t, "pq/default"), config(t, dsn), executor.WithMinIdle(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	cat, err := catalog.Load(t.Context(), db.Pool())
	if err != nil {
		t.Fatal(err)
	}
	schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return reproduce.Source{DB: db, Catalog: cat, Schema: schema}, dsn
}

// TestAwkward: whatever a schema has, what is written makes its part of it, and fails.
func TestAwkward(t *testing.T) {
	t.Parallel()
	from, _ := awkwardSource(t)
	sides := reproduce.Sides{Control: mode(t, "pq/default"), Candidate: &liar{Backend: mode(t, "pgx/simple_protocol"), lie: scale}}
	many := make([]string, 1500)
	for i := range many {
		many[i] = fmt.Sprintf("(%d, 'Secret-%d', %d.50)", i+1000, i, i+7000)
	}
	for name, lines := range map[string][]corpus.Line{
		"names":           {sent(corpus.KindQuery, `select "a b", "c\d" from "My ""Schema"""."Pay%roll \x" where "$1" = E'Secret\\3' and "E" = 'Ordinary'`)},
		"search_path":     {sent(corpus.KindQuery, `select owner, balance from accounts where mood::app.state = 'Wistful' and id = 3`)},
		"enum argument":   {sent(corpus.KindQuery, `select balance from accounts where mood::app.state = $1 and owner = $2`, "Wistful", "Secret-3")},
		"citext":          {sent(corpus.KindQuery, `select balance from accounts where nick = $1 and tags is not null`, "Nicky3")},
		"sequence":        {sent(corpus.KindQuery, `insert into accounts (id, owner, balance) values (nextval('app.accounts_id_seq'), 'Secret-77', 7314.50) returning id, balance`)},
		"partition":       {sent(corpus.KindQuery, `select p.amount, u.price from parts_new p join uses u on u.part_id = p.id where p.year > 1995`)},
		"generated":       {sent(corpus.KindQuery, `insert into parts (year, amount) values (2001, 7.250) returning twice`)},
		"self and cycles": {sent(corpus.KindQuery, `select b.pay, u.price from bosses b join teams t on t.boss = b.id join uses u on u.id = t.id join uses o on u.parent = o.id`)},
		"inherited":       {sent(corpus.KindQuery, `select a.weight from animals a where a.name = 'Secret-2'`)},
		"functions":       {sent(corpus.KindQuery, `select risky($1), odd(2)`, "Secret-9")},
		"atomic":          {sent(corpus.KindQuery, `select amount from fresh(2001)`)},
		"many rows":       {sent(corpus.KindQuery, `insert into animals (id, name, weight) values `+strings.Join(many, ", ")+` returning weight`)},
		"long constant":   {sent(corpus.KindQuery, `select balance from accounts where owner <> '`+strings.Repeat("Secret ", 150_000)+`' and balance < 100000`)},
		"two statements":  {sent(corpus.KindQuery, "create table other (secret text); select balance from accounts where id = 5; drop table other;")},
		"settings":        under(map[string]string{"search_path": "nowhere, app", "application_name": "Confidential", "app.user": "Secret"}, sent(corpus.KindQuery, `select balance from accounts where owner = 'Secret-5'`)),
		"savepoints": together(sent(corpus.KindExec, "savepoint secret"), sent(corpus.KindExec, "insert into animals values (99, 'Secret-99', 7314.50)"), sent(corpus.KindExec, "rollback to savepoint secret"),
			sent(corpus.KindQuery, "select balance from accounts where id = 5")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := reproduce.Reproduce(t.Context(), from, config(t, pgtest.DB(t)), sides, reproduce.Operation{Lines: lines}, reproduce.Signature{Kind: "value", Type: "numeric"})
			if err != nil {
				t.Fatal(err)
			}
			text := written(t, r, "x.sql")
			t.Logf("%d tries, cut %v\n%.3000s", r.Tries, r.Cut, text)
			for _, s := range append([]string{"7250", "7.25"}, secrets...) {
				if strings.Contains(text, s) {
					t.Errorf("%q got out", s)
				}
			}
			if len(text) > 1500 {
				t.Errorf("%d bytes", len(text))
			}
			again(t, r, sides)
		})
	}
}

func under(settings map[string]string, l corpus.Line) []corpus.Line {
	l.Settings = settings
	return []corpus.Line{l}
}

// TestOutside: what reaches beyond its database is not run again, whole or in parts.
func TestOutside(t *testing.T) {
	t.Parallel()
	from, dsn := awkwardSource(t)
	pgtest.Exec(t, dsn, "create view app.killers as select pg_terminate_backend(pid) from pg_stat_activity where false; create extension dblink schema ext")
	sides := reproduce.Sides{Control: mode(t, "pq/default"), Candidate: mode(t, "pgx/exec")}
	for _, sql := range []string{
		`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'nobody'`,
		`select * from killers`,
		`select lo_import('/etc/passwd')`,
		`do $$ begin copy (select 1) to program 'false'; end $$`,
		`select * from ext.dblink_exec('dbname=postgres', 'drop table x')`,
		`select pg_reload_conf()`,
	} {
		_, err := reproduce.Reproduce(t.Context(), from, config(t, pgtest.DB(t)), sides, reproduce.Operation{Lines: []corpus.Line{sent(corpus.KindQuery, sql)}}, reproduce.Signature{Kind: "value"})
		if !errors.Is(err, reproduce.ErrOutside) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
