package sqltext

import (
	"slices"
	"strings"
	"testing"
)

func TestLex(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		`select a.b, 'it''s' from "x""y" where c->>'k' = $1::int[]`: {"w select", "w a", "m .", "w b", "m ,", "s 'it''s'", "w from", `w "x""y"`, "w where", "w c", "o ->>", "s 'k'", "o =", "p $1", "m ::", "w int", "m [", "m ]"},
		`1.5e-3+.5 - 1..2`:                {"n 1.5e-3", "o +", "n .5", "o -", "n 1", "m .", "n .2"},
		"a -- '1\nb/*x/*y*/*/c":           {"w a", "c -- '1", "w b", "c /*x/*y*/*/", "w c"},
		`$$a'b$$ $q$ $$ $q$ $12 $a`:       {"s $$a'b$$", "s $q$ $$ $q$", "p $12", "s $a"},
		`E'\'' e'x' B'01' U&'\00e9' n'y'`: {`s E'\''`, "s e'x'", "s B'01'", `s U&'\00e9'`, "s n'y'"},
		`select*from t1`:                  {"w select", "o *", "w from", "w t1"},
		"  \n ":                           nil,
		`'open`:                           {"s 'open"},
		`é_1 1e5x`:                        {"w é_1", "n 1e5x"},
	} {
		var got []string
		for _, l := range Lex(sql) {
			got = append(got, string("wsnpomc"[l.Sort])+" "+l.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q\nwant %q", sql, got, want)
		}
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		sql   string
		at, n int
		want  string
	}{
		{"select a, b from t", 1, 2, "select b from t"},
		{"select a,b from t", 2, 2, "select a from t"},
		{"select(a)from t", 1, 3, "select from t"},
		{"a->b->c", 1, 2, "a->c"},
		{"a -- x\n+ b", 2, 1, "a -- x\nb"},
		{"f(a, b)", 2, 3, "f()"},
		{"a b c", 0, 1, "b c"},
	} {
		if got := Join(Without(Lex(tc.sql), tc.at, tc.n)); got != tc.want {
			t.Errorf("%q without %d from %d: %q, want %q", tc.sql, tc.n, tc.at, got, tc.want)
		}
	}
}

// FuzzLex: nothing is lost, and every lexeme is found again when it stands alone.
func FuzzLex(f *testing.F) {
	for _, s := range []string{"select 'a', $1::int", "a/*/* */", "$$", "1e", ".5", "'", `"`, "u&", "E'\\", "--", "$a$b$a", "1..2", "\x80", "U&'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list := Lex(s)
		const space = " \t\r\n\f\v"
		if got, want := Join(list), strings.Trim(s, space); strings.TrimRight(got, space) != want {
			t.Errorf("%q became %q", s, got)
		}
		for _, l := range list {
			if l.Text == "" {
				t.Errorf("an empty lexeme in %q", s)
			}
		}
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		"":                       nil,
		" ; -- nothing\n;":       nil,
		"select 1":               {"select 1"},
		"select 1;":              {"select 1"},
		"a; b ;c":                {"a", "b", "c"},
		"a ';'; b $$;$$ -- ;\n;": {"a ';'", "b $$;$$ -- ;"},
		"create rule r as on insert to t do also (a; b); c":      {"create rule r as on insert to t do also (a; b)", "c"},
		"create function f() begin atomic select 1; end; drop x": {"create function f() begin atomic select 1; end; drop x"},
	} {
		if got := Split(sql); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}
