package graphql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestCollisions: what meets in one name is an error that names both; who would
// rather serve the rest has it, without the second of the two and with a list.
func TestCollisions(t *testing.T) {
	t.Parallel()
	const t1 = `create table things (id int primary key, a text)`
	for name, c := range map[string]struct {
		sql    []string
		conf   graphql.Config
		errs   []string // parts of the error
		broken []string // objects left out
		has    []string // fields and types that are there: "Query.thing", "Thing"
		lacks  []string
	}{
		"the query type": {
			[]string{t1, `create table query (id int)`},
			graphql.Config{},
			[]string{"the query type and table public.query are both the type Query"},
			[]string{"table public.query"},
			[]string{"Query.thing", "Query.things"},
			[]string{"Query.queries"},
		},
		"the mutation type": {
			[]string{t1, `create table mutation (id int)`},
			graphql.Config{},
			[]string{"the mutation type and table public.mutation are both the type Mutation"},
			[]string{"table public.mutation"},
			[]string{"Query.things"},
			[]string{"Query.mutations"},
		},
		"singular and plural": {
			[]string{t1, `create table "user" (id int primary key, a int)`, `create table users (id int primary key, b int, thing int references things)`},
			graphql.Config{},
			[]string{"table public.user and table public.users are both the type User"},
			[]string{"table public.users"},
			[]string{"User.a", "Query.users"},
			[]string{"User.b", "Thing.users"},
		},
		"one that the configuration names stays": {
			[]string{`create table "user" (id int primary key, a int)`, `create table users (id int primary key, b int)`},
			graphql.Config{Tables: map[string]graphql.TableConfig{"users": {Omit: []string{"delete"}}}},
			[]string{"table public.user and table public.users"},
			[]string{"table public.user"},
			[]string{"User.b", "Query.users"},
			[]string{"User.a"},
		},
		"three of one name": {
			[]string{`create schema s`, `create table "Users" (id int)`, `create table "user" (id int)`, `create table users (id int)`, `create table s.users (id int)`},
			graphql.Config{},
			[]string{"public.Users and table public.user ", "public.Users and table public.users", "public.Users and table s.users"},
			[]string{"table public.user", "table public.users", "table s.users"},
			[]string{"User.id"},
			nil,
		},
		"two columns": {
			[]string{`create table things (id int primary key, "a b" int, "aB" int, c int)`},
			graphql.Config{},
			[]string{"column a b and column aB are both the field Thing.aB"},
			[]string{"column aB of public.things"},
			[]string{"Thing.aB", "Thing.c", "ThingInput.aB"},
			nil,
		},
		"a word of filters": {
			[]string{`create table things (id int primary key, "and" int)`},
			graphql.Config{},
			[]string{"public.things: a field can't be called and"},
			[]string{"condition on column and of public.things"},
			[]string{"Thing.and", "ThingFilter.and"},
			nil,
		},
		"a filter and a table": {
			[]string{t1, `create table thing_filter (id int)`},
			graphql.Config{},
			[]string{"table public.thing_filter and filter of public.things are both the type ThingFilter"},
			[]string{"table public.things"},
			[]string{"ThingFilter.id"},
			[]string{"Query.things"},
		},
		"an input of related rows and a table": {
			[]string{t1, `create table parts (id int primary key, thing int references things)`, `create table thing_by_keys (id int)`},
			graphql.Config{},
			[]string{"table public.thing_by_keys and keys of public.things are both the type ThingByKey"},
			[]string{"table public.things"},
			[]string{"Part.id", "Query.parts", "ThingByKey.id"},
			[]string{"Part.thing_"},
		},
		"a shared type and a table that comes first": {
			[]string{`create table big_ints (id int)`, t1},
			graphql.Config{Tables: map[string]graphql.TableConfig{"big_ints": {Name: "BigInt"}}},
			[]string{"table public.big_ints and type bigint are both the type BigInt"},
			[]string{"table public.big_ints"},
			[]string{"Query.things"},
			[]string{"Query.bigInts"},
		},
		"pages": {
			[]string{`create table page_infos (id int primary key)`, t1},
			graphql.Config{},
			[]string{"table public.page_infos and pages are both the type PageInfo"},
			[]string{"table public.page_infos"},
			[]string{"Query.thingsConnection", "PageInfo.hasNextPage"},
			nil,
		},
		"the columns of a table": {
			[]string{`create table thing_columns (id int)`, t1},
			graphql.Config{},
			[]string{"table public.thing_columns and columns of public.things are both the type ThingColumn"},
			[]string{"table public.things"},
			[]string{"Query.thingColumns"},
			[]string{"Query.things"},
		},
		"an enum and a table": {
			[]string{`create type mood as enum ('a')`, `create table moods (id int, m mood)`, t1},
			graphql.Config{},
			[]string{"enum public.mood and table public.moods are both the type Mood"},
			[]string{"table public.moods"},
			[]string{"Query.things"},
			[]string{"Query.moods"},
		},
		"two enums": {
			[]string{
				`create schema s`, `create type mood as enum ('a')`, `create type s.mood as enum ('b')`, `create domain s.feeling as s.mood`,
				`create table things (id int primary key, m mood, n s.mood, l s.mood[], d s.feeling)`,
				`create function f(x s.mood) returns int language sql immutable as 'select 1'`,
				`create function g() returns s.mood[] language sql immutable as 'select null::s.mood[]'`,
			},
			graphql.Config{},
			[]string{"enum public.mood and enum s.mood are both the type Mood"},
			[]string{"function public.f(mood)", "function public.g()", "type s.mood"},
			[]string{"Thing.m", "Query.thing"},
			[]string{"Thing.n", "Thing.l", "Thing.d", "Query.f", "Query.g"},
		},
		"two labels": {
			[]string{`create type state as enum ('in progress', 'in-progress')`, `create table things (id int primary key, s state)`},
			graphql.Config{},
			[]string{`the labels "in progress" and "in-progress" are both IN_PROGRESS`},
			[]string{"type public.state"},
			[]string{"Thing.id"},
			[]string{"Thing.s"},
		},
		"a composite type and a table": {
			[]string{`create type place as (x int)`, `create table places (id int primary key, p place)`, t1},
			graphql.Config{},
			[]string{"public.place and table public.places are both the type Place"},
			[]string{"table public.places"},
			[]string{"Query.things"},
			[]string{"Query.places"},
		},
		"names that are none": {
			[]string{
				t1, `create table u (id int primary key, a int)`, `comment on table u is '@name say hi'`,
				`comment on column things.a is '@name 1x'`, `create type e as enum ('a')`, `comment on type e is '@name a-b'`, `alter table things add e e`,
			},
			graphql.Config{},
			[]string{`public.u: "say hi"`, `"1x" is no name`, `enum public.e: "a-b" is no name of GraphQL`},
			[]string{"column a of public.things", "table public.u", "type public.e"},
			[]string{"Thing.id"},
			[]string{"Thing.a", "Query.u", "Thing.e"},
		},
		"one table that the configuration names twice": {
			[]string{t1},
			graphql.Config{Tables: map[string]graphql.TableConfig{"things": {}, "public.things": {}}},
			[]string{"tables: public.things stands there twice"},
			[]string{"table public.things"},
			nil,
			[]string{"Query.things"},
		},
		"a key twice": {
			[]string{`create table things (id int primary key, a int, unique (a))`, `create unique index twice on things (a)`},
			graphql.Config{},
			nil, nil,
			[]string{"Query.thingByA"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DB(t)
			pgtest.Exec(t, dsn, c.sql...)
			src := source(t, dsn)
			_, err := graphql.NewSchema(src, c.conf)
			if (err == nil) != (len(c.errs) == 0) {
				t.Fatalf("error %v", err)
			}
			for _, part := range c.errs {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %v\nwant in it: %s", err, part)
				}
			}
			s, err := graphql.NewSchema(src, c.conf, graphql.WithoutCollisions())
			if err != nil {
				t.Fatal(err)
			}
			var broken []string
			for _, b := range s.Broken() {
				broken = append(broken, b.Object)
				t.Logf("%s: %s", b.Object, b.Reason)
			}
			if d := cmp.Diff(c.broken, broken); d != "" {
				t.Error(d)
			}
			for _, h := range c.has {
				if !has(s, h) {
					t.Errorf("%s is not there", h)
				}
			}
			for _, h := range c.lacks {
				if has(s, h) {
					t.Errorf("%s is there", h)
				}
			}
		})
	}
}

// has says whether s has a field of a type.
func has(s *graphql.Schema, path string) bool {
	name, field, _ := strings.Cut(path, ".")
	d := s.AST().Types[name]
	return d != nil && d.Fields.ForName(field) != nil
}

// source is the builder's schema of a database.
func source(t *testing.T, dsn string) *builder.Schema {
	t.Helper()
	db := pgtest.Open(t, dsn)
	cat, err := catalog.Load(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	src, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return src
}
