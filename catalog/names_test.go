package catalog

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCamelCase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want, why string }{
		{"user_name", "userName", "the common case"},
		{"id", "id", "nothing to do"},
		{"_private", "_private", "a leading underscore is kept"},
		{"__user_name", "__userName", "all leading underscores are kept"},
		{"_user_name", "_userName", "and the first letter behind them is not raised"},
		{"user_name_", "userName", "an empty segment is dropped at the end"},
		{"user__name", "userName", "and in the middle"},
		{"USER_ID", "USERID", "nothing is lowered"},
		{"API_KEY", "APIKEY", ""},
		{"ipv4_address", "ipv4Address", "digits are no boundary"},
		{"user2_fa_token", "user2FaToken", ""},
		{"user_id2", "userId2", ""},
		{"user_id_2", "userId2", "not injective: Load looks for collisions"},
		{"phone_1", "phone1", ""},
		{"userName", "userName", "camelCase already"},
		{"first_fooBar", "firstFooBar", "the tail of a segment is not touched"},
		{"größe_ähnlich", "größeÄhnlich", "letters beyond ASCII are raised too"},
		{"a_ß", "aß", "no single upper-case letter: left alone"},
		{"名_前", "名前", "no case: left alone"},
		{"_", "_", "underscores alone are leading ones"},
		{"___", "___", ""},
		{"", "", ""},
		{"a_", "a", ""},
		{"a_\xff", "a\xff", "bytes that are no UTF-8 stay"},
		{"with space_and.dot", "with spaceAnd.dot", ""},
	} {
		if got := CamelCase(c.in); got != c.want {
			t.Errorf("CamelCase(%q) = %q, want %q (%s)", c.in, got, c.want, c.why)
		}
	}
}

// Load relies on both: a camelCase name is its own camelCase name, so one look
// at JSON names finds every collision.
func TestCamelCaseProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9_é]{0,20}`), rapid.String()).Draw(t, "name")
		got := CamelCase(name)
		if again := CamelCase(got); again != got {
			t.Fatalf("%q → %q → %q", name, got, again)
		}
		if strings.Contains(strings.TrimLeft(got, "_"), "_") {
			t.Fatalf("%q → %q has an underscore", name, got)
		}
		if utf8.ValidString(name) && !utf8.ValidString(got) {
			t.Fatalf("%q → %q is no UTF-8", name, got)
		}
	})
}

func TestParseName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in           string
		schema, name string // both "" for an error
	}{
		{"users", "", "users"},
		{"app.users", "app", "users"},
		{`"users"`, "", "users"},
		{`"my.schema"."say ""hi"""`, "my.schema", `say "hi"`},
		{`app."a.b"`, "app", "a.b"},
		{`"app".users`, "app", "users"},
		{"my table", "", "my table"},
		{"Users", "", "Users"},
		{"", "", ""},
		{".", "", ""},
		{"a.", "", ""},
		{".a", "", ""},
		{"a.b.c", "", ""},
		{`"a`, "", ""},
		{`""`, "", ""},
		{`"".a`, "", ""},
		{`"a"b`, "", ""},
		{`a"b"`, "", ""},
		{`a."b`, "", ""},
		{`"a"."b"."c"`, "", ""},
	} {
		got, err := parseName(c.in)
		if want := (qualified{c.schema, c.name}); got != want || (err != nil) != (c.name == "") {
			t.Errorf("parseName(%q) = %q, %v, want %q", c.in, got, err, want)
		}
		if err != nil && !errors.Is(err, ErrName) {
			t.Errorf("parseName(%q): %v is no ErrName", c.in, err)
		}
	}
}

// Any two names survive being quoted and read again.
func TestQuotedNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := qualified{
			rapid.StringN(1, 20, 63).Draw(t, "schema"), rapid.StringN(1, 20, 63).Draw(t, "name"),
		}
		got, err := parseName(QuoteIdent(q.schema) + "." + QuoteIdent(q.name))
		if err != nil || got != q {
			t.Fatalf("%q, %v, want %q", got, err, q)
		}
	})
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"users", "a.b", `"a.b"."c"""`, `"`, ".", "a..b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := parseName(s)
		if err == nil && q.name == "" {
			t.Errorf("%q: no name and no error", s)
		}
	})
}

func TestNameErrorIsShort(t *testing.T) {
	t.Parallel()
	e := &NameError{Name: strings.Repeat("é", 1<<20), Err: ErrUnknownTable}
	if n := len(e.Error()); n > 600 {
		t.Errorf("%d bytes", n)
	}
}
