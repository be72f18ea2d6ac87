package graphql

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendErrors(t *testing.T) {
	t.Parallel()
	errs := Errors{
		{Message: "a \"b\"\n\x01\xff é", Locations: []Location{{1, 2}, {3, 4}}, Path: []any{"users", 0, "na\"me"}, Code: "BAD_USER_INPUT", Extensions: []Extension{
			{"constraint", "users_key"}, {"columns", []string{"a", "b"}}, {"n", 3}, {"big", int64(9)}, {"ok", true}, {"odd", 1.5},
		}},
		{Message: "plain"},
		{Message: "x", Extensions: []Extension{{"a", 1}}},
	}
	const want = `{"message":"a \"b\"\n\u0001` + "\ufffd" + ` é","locations":[{"line":1,"column":2},{"line":3,"column":4}],"path":["users",0,"na\"me"],` +
		`"extensions":{"code":"BAD_USER_INPUT","constraint":"users_key","columns":["a","b"],"n":3,"big":9,"ok":true,"odd":null}},` +
		`{"message":"plain"},{"message":"x","extensions":{"a":1}}`
	got := errs.AppendErrors(nil)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if !json.Valid([]byte("[" + string(got) + "]")) {
		t.Error("not JSON")
	}
	if one, ok := errors.AsType[*Error](error(errs)); !ok || one != errs[0] {
		t.Error("errors.As does not find the first")
	}
	if got := errs.Error(); !strings.HasSuffix(got, "(and 2 more)") || !strings.HasPrefix(got, "1:2: a ") {
		t.Error(got)
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	names := []string{"id", "name", "email", "createdAt", "updatedAt"}
	many := append(slices.Repeat([]string{"zzzzzzz"}, hintCandidates), "nearly")
	for _, c := range []struct {
		name, in string
		of       []string
		want     string
	}{
		{"a letter missing", "nam", names, ` Did you mean "name"?`},
		{"letter case", "createdat", names, ` Did you mean "createdAt"?`},
		{"two letters swapped", "eamil", names, ` Did you mean "email"?`},
		{"nothing near", "zzz", names, ""},
		{"the nearest", "updatedA", names, ` Did you mean "updatedAt"?`},
		{"nothing", "", names, ""},
		{"longer than any name", strings.Repeat("name", 1000), names, ""},
		{"the last that is looked at", "nearl", many[1:], ` Did you mean "nearly"?`},
		{"beyond the bound there is no hint", "nearl", many, ""},
		{"a candidate longer than the bound", "name", []string{strings.Repeat("n", 1000)}, ""},
	} {
		if got := hint(c.in, c.of); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
