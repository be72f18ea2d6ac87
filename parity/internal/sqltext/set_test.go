package sqltext

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	shop, yes := "shop", "true"
	args := []*string{&shop, nil, &yes}
	for _, tc := range []struct {
		sql   string
		want  []Change
		alone bool
	}{
		{"set search_path to shop, \"My Schema\", 'x''y'", []Change{{Name: "search_path", Value: `"shop", "My Schema", "x'y"`}}, true},
		{"SET SESSION Search_Path = Shop -- why", []Change{{Name: "search_path", Value: `"shop"`}}, true},
		{"set local statement_timeout = '5s'", []Change{{Name: "statement_timeout", Value: "5s", Local: true}}, true},
		{"set statement_timeout to 5000;", []Change{{Name: "statement_timeout", Value: "5000"}}, true},
		{"set app.tenant = -1", []Change{{Name: "app.tenant", Value: "-1"}}, true},
		{"set DateStyle to ISO, DMY", []Change{{Name: "datestyle", Value: "iso, dmy"}}, true},
		{"set x = default", []Change{{Name: "x", Reset: true}}, true},
		{"set time zone 'Asia/Tokyo'", []Change{{Name: "timezone", Value: "Asia/Tokyo"}}, true},
		{"set time zone -7", []Change{{Name: "timezone", Value: "-7"}}, true},
		{"set session time zone local", []Change{{Name: "timezone", Reset: true}}, true},
		{"set time zone interval '-08:00' hour to minute", []Change{{Name: "timezone", Unknown: true}}, true},
		{"set names 'LATIN1'", []Change{{Name: "client_encoding", Value: "LATIN1"}}, true},
		{"set names", []Change{{Name: "client_encoding", Reset: true}}, true},
		{"set schema 'a b'", []Change{{Name: "search_path", Value: `"a b"`}}, true},
		{"set role reader", []Change{{Name: "role", Value: "reader"}}, true},
		{"set role = \"Reader\"", []Change{{Name: "role", Value: "Reader"}}, true},
		{"set local role none", []Change{{Name: "role", Value: "none", Local: true}}, true},
		{"set session authorization bob", []Change{{Name: "session_authorization", Value: "bob"}, {Name: "role", Reset: true}}, true},
		{"set session session authorization default", []Change{{Name: "session_authorization", Reset: true}, {Name: "role", Reset: true}}, true},
		{"set session characteristics as transaction isolation level repeatable read, read only, not deferrable", []Change{
			{Name: "default_transaction_isolation", Value: "repeatable read"}, {Name: "default_transaction_read_only", Value: "on"}, {Name: "default_transaction_deferrable", Value: "off"},
		}, true},
		{"set session characteristics as transaction isolation level serializable read write", []Change{
			{Name: "default_transaction_isolation", Value: "serializable"}, {Name: "default_transaction_read_only", Value: "off"},
		}, true},
		{"set session.tenant = 'a'", []Change{{Name: "session.tenant", Value: "a"}}, true},
		{"set local.tenant to 'a'", []Change{{Name: "local.tenant", Value: "a"}}, true},
		{`set session "a"."b" = 'c'`, []Change{{Name: "a.b", Value: "c"}}, true},
		{`set local "a".b = 'c'`, []Change{{Name: "a.b", Value: "c", Local: true}}, true},
		{`set search_path = U&"d\0061t"`, []Change{{Name: "search_path", Unknown: true}}, true},
		{"update pg_settings set setting = 'x' where name = 'search_path'", []Change{{Name: "?", Unknown: true}}, false},
		{"do $$ begin perform set_config('a.b', 'c', false); end $$", []Change{{Name: "?", Unknown: true}}, false},
		{"do $$ begin set search_path = shop; end $$", []Change{{Name: "?", Unknown: true}}, false},
		{"do $$ begin update t set x = 1; perform f(); end $$", nil, false},
		{"alter role bob set search_path = shop", nil, false},
		{"create function f() returns int language sql set search_path = shop as 'select 1'", nil, false},
		{"set x = E'a\\n'", []Change{{Name: "x", Unknown: true}}, true},
		{"set x from current", []Change{{Name: "x", Unknown: true}}, true},
		{"set x to a b", []Change{{Name: "x", Unknown: true}}, true},
		{"set transaction read only", nil, false},
		{"set constraints all immediate", nil, false},
		{"reset all", []Change{{Reset: true}}, true},
		{"reset session authorization", []Change{{Name: "session_authorization", Reset: true}, {Name: "role", Reset: true}}, true},
		{"reset app.tenant", []Change{{Name: "app.tenant", Reset: true}}, true},
		{"reset time zone", []Change{{Name: "timezone", Reset: true}}, true},
		{"discard all", []Change{{Reset: true}, {Name: "session_authorization", Reset: true}, {Name: "role", Reset: true}}, true},
		{"discard plans", nil, false},
		{"select set_config('search_path', $1, false)", []Change{{Name: "search_path", Value: "shop"}}, true},
		{"select pg_catalog.set_config('a.b', 'c', $3), set_config('TimeZone', 'UTC'::text, true) as tz", []Change{{Name: "a.b", Value: "c", Local: true}, {Name: "timezone", Value: "UTC", Local: true}}, true},
		{"select set_config('a.b', $2, false)", []Change{{Name: "a.b", Unknown: true}}, true},
		{"select set_config('a.b', lower($1), false)", []Change{{Name: "a.b", Unknown: true}}, true},
		{"select set_config(n, v, false) from t", []Change{{Name: "?", Unknown: true}}, false},
		{"select set_config('a.b', '1', false) from t", []Change{{Name: "a.b", Value: "1", Unknown: true}}, false},
		{"set a.b = 1; select 1", []Change{{Name: "a.b", Value: "1"}}, false},
		{"set a.b = 1; reset a.c", []Change{{Name: "a.b", Value: "1"}, {Name: "a.c", Reset: true}}, true},
		{"select 'set x = 1', set_config from t -- set y = 2", nil, false},
		{"insert into t values ('reset all')", nil, false},
		{"", nil, false},
	} {
		got, alone := Changes(tc.sql, args)
		if d := cmp.Diff(tc.want, got); d != "" || alone != tc.alone {
			t.Errorf("%s: alone %v, want %v\n%s", tc.sql, alone, tc.alone, d)
		}
	}
}

// FuzzChanges: no text makes it fail.
func FuzzChanges(f *testing.F) {
	for _, s := range []string{"set x = 'a', b", "set local", "set", "reset", "select set_config('a', 'b'", "set session", "set time zone", "set x to", "set ''", "set \"", "select pg_catalog.set_config", "set role"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) { Changes(s, nil) })
}
