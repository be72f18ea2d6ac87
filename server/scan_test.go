package server

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// valid says whether the scanner takes text for one JSON value.
func valid(text string) bool {
	s := &scanner{b: []byte(text)}
	ok := s.skip(maxDepth)
	s.space()
	return ok && s.i == len(text)
}

func TestScannerDepth(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, open, shut string
		levels           int
		want             bool
	}{
		{"lists at the limit", "[", "]", maxDepth, true},
		{"lists beyond it", "[", "]", maxDepth + 1, false},
		{"objects at the limit", `{"a":`, "}", maxDepth - 1, true}, // the 1 within is no level
		{"objects beyond it", `{"a":`, "}", maxDepth + 1, false},
		{"a stack of a million", "[", "]", 1_000_000, false},
	} {
		inner := ""
		if tc.shut == "}" {
			inner = "1"
		}
		if got := valid(strings.Repeat(tc.open, tc.levels) + inner + strings.Repeat(tc.shut, tc.levels)); got != tc.want {
			t.Errorf("%s: got %t", tc.name, got)
		}
	}
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		quoted string
		want   string
		ok     bool
	}{
		{`"plain"`, "plain", true},
		{`"a\n\t\"\\\/\b\f\r"`, "a\n\t\"\\/\b\f\r", true},
		{`"\u0041\u00e9\u20AC"`, "Aé€", true},
		{`"\ud83c\udfc3"`, "🏃", true},
		{`"\ud83c"`, "", false},
		{`"\ud83cx"`, "", false},
		{`"\ud83c\u0041"`, "", false},
		{`"\udfc3\ud83c"`, "", false},
	} {
		s := &scanner{b: []byte(tc.quoted)}
		raw, escaped, ok := s.text()
		if !ok {
			t.Errorf("%s: no text", tc.quoted)
			continue
		}
		got, ok := unquote(raw, escaped)
		if got != tc.want || ok != tc.ok {
			t.Errorf("%s: got %q, %t", tc.quoted, got, ok)
		}
	}
}

// FuzzScanner: the scanner and encoding/json agree about what is JSON, and about
// what a string says.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"query":"{ a }","variables":{"x":[1,-0.5e+3,null,true,false,"\u00e9"]}}`, `[]`, `{}`, `"\ud83c\udfc3"`, `01`, `-`, `1.`, `1e`, `.5`,
		`{"a":1,}`, `[1,]`, `"`, `"\x"`, `"\u12"`, "\"\x01\"", `nul`, `truee`, ` 1 `, "\ufeff1", `{"a"}`, `{1:2}`, `-0`, `00`, `1 2`, ``, `[[[[`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.Count(text, "[")+strings.Count(text, "{") >= maxDepth {
			return
		}
		if got, want := valid(text), json.Valid([]byte(text)); got != want {
			t.Fatalf("%q: the scanner says %t, encoding/json %t", text, got, want)
		}
		var want string
		if json.Unmarshal([]byte(text), &want) != nil || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), `"`) {
			return
		}
		s := &scanner{b: []byte(text)}
		raw, escaped, _ := s.text()
		got, ok := unquote(raw, escaped)
		if !ok { // half of a surrogate pair
			if !strings.Contains(want, "\ufffd") {
				t.Fatalf("%q is no text", text)
			}
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text, diff)
		}
	})
}
