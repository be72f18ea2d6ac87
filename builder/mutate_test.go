package builder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// genFilter draws a valid filter on the sample's users, with its nesting bounded.
func genFilter(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		cond := rapid.SampledFrom([]string{
			`{"id":{"gt":%d}}`, `{"id":{"gte":5,"lt":%d}}`, `{"field":"id","operator":"lte","value":%d}`, `{"field":"id","neq":%d}`,
			`{"id":{"in":[1,%d,3]}}`, `{"id":{"nin":[2,%d]}}`, `{"managerId":{"is_null":true},"id":{"neq":%d}}`, `{"manager_id":{"eq":%d}}`,
			`{"name":{"startswith":"A"},"id":{"lt":%d}}`, `{"role":{"or":[{"eq":"admin"},{"eq":"guest"}]},"id":{"gt":%d}}`,
			`{"posts":{"exists":{"id":{"lt":%d}}}}`, `{"posts":{"every":{"views":{"gt":%d}}}}`, `{"posts":{"none":{"views":{"lt":%d}}}}`,
			`{"profile":{"path":["n"],"type":"numeric","lt":%d}}`, `{"tags":{"len_lte":%d}}`, `{"tags":{"contains":["go"],"len_lt":%d}}`,
		})
		leaf := func() string { return fmt.Sprintf(cond.Draw(t, "cond"), rapid.IntRange(0, 120).Draw(t, "n")) }
		if depth == 0 {
			return leaf()
		}
		sub := genFilter(depth - 1)
		switch rapid.IntRange(0, 3).Draw(t, "shape") {
		case 0:
			return leaf()
		case 1:
			return `{"not":` + sub.Draw(t, "not") + `}`
		case 2:
			return `{"and":[` + strings.Join(rapid.SliceOfN(sub, 1, 3).Draw(t, "and"), ",") + `]}`
		}
		return `{"or":[` + strings.Join(rapid.SliceOfN(sub, 1, 3).Draw(t, "or"), ",") + `]}`
	})
}

// placeholders says whether the placeholders of a statement are exactly 1..n.
func placeholders(s Statement) bool {
	for i := range s.Args {
		if !strings.Contains(s.SQL, fmt.Sprintf("$%d::", i+1)) {
			return false
		}
	}
	return strings.Count(s.SQL, "$") == len(s.Args) && !strings.Contains(s.SQL, "?")
}

// TestFilterProperties: placeholders are 1..n, values are no SQL text, and the
// same input is the same SQL.
func TestFilterProperties(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	table, err := s.cat.Table("users")
	if err != nil {
		t.Fatal(err)
	}
	const marker = "zq7x"
	rapid.Check(t, func(rt *rapid.T) {
		text := marker + rapid.String().Draw(rt, "text")
		quoted, _ := json.Marshal(strings.ReplaceAll(text, "\x00", ""))
		filter := `{"and":[` + genFilter(3).Draw(rt, "filter") + `,{"name":{"contains":` + string(quoted) + `}},{"profile":{"path":[` + string(quoted) + `],"eq":1}}]}`
		f, err := parseFilter(filter)
		if err != nil {
			rt.Fatalf("%s: %v", filter, err)
		}
		a, err := filterSQL(s, table, "id", f)
		if err != nil {
			rt.Fatalf("%s: %v", filter, err)
		}
		b, _ := filterSQL(s, table, "id", f)
		switch {
		case !placeholders(a):
			rt.Fatalf("placeholders of %s %q", a.SQL, a.Args)
		case strings.Contains(a.SQL, marker):
			rt.Fatalf("text of the request in %s", a.SQL)
		case a.SQL != b.SQL || cmp.Diff(a.Args, b.Args) != "":
			rt.Fatalf("two renderings differ")
		}
	})
}

// keysOf lists where the object keys of a JSON text stand.
func keysOf(text string) (spans [][2]int) {
	d := scan([]byte(text), Limits{}, &problems{})
	for i := range d.nodes {
		if d.nodes[i].kind != jsonObject {
			continue
		}
		for k := int32(i) + 1; k < d.nodes[i].after; k = d.nodes[k+1].after {
			spans = append(spans, [2]int{int(d.nodes[k].start), int(d.nodes[k].end)})
		}
	}
	return spans
}

// mutateKey damages one key of a filter in one way.
func mutateKey(t *rapid.T, text string) string {
	spans := keysOf(text)
	at := spans[rapid.IntRange(0, len(spans)-1).Draw(t, "key")]
	key := text[at[0]+1 : at[1]-1]
	end := at[1]
	d := scan([]byte(text[end+1:]), Limits{}, &problems{})
	value := ""
	if d != nil {
		value = text[end+1:]
	} else { // the value ends before the text does
		dec := json.NewDecoder(strings.NewReader(text[end+1:]))
		var raw json.RawMessage
		if dec.Decode(&raw) == nil {
			value = string(raw)
		}
	}
	switch rapid.IntRange(0, 6).Draw(t, "damage") {
	case 0: // another letter case
		i := rapid.IntRange(0, len(key)-1).Draw(t, "letter")
		r := rune(key[i])
		if unicode.IsUpper(r) {
			r = unicode.ToLower(r)
		} else {
			r = unicode.ToUpper(r)
		}
		key = key[:i] + string(r) + key[i+1:]
	case 1: // a letter lost
		i := rapid.IntRange(0, len(key)-1).Draw(t, "letter")
		key = key[:i] + key[i+1:]
	case 2: // a letter doubled
		i := rapid.IntRange(0, len(key)-1).Draw(t, "letter")
		key = key[:i+1] + key[i:]
	case 3: // an underscore or a dollar before it
		key = rapid.SampledFrom([]string{"_", "$", " ", "-"}).Draw(t, "prefix") + key
	case 4: // the key twice
		return text[:at[0]] + `"` + key + `":` + value + `,` + text[at[0]:]
	case 5: // an unknown key beside it
		return text[:at[0]] + `"whatever":1,` + text[at[0]:]
	case 6: // the value made null
		return text[:end+1] + "null" + text[end+1+len(value):]
	}
	return text[:at[0]] + `"` + key + `"` + text[at[1]:]
}

// TestMutatedFilters: a damaged filter is refused, or it finds no row that the
// original did not find. A damage that turns one known operator, field or word
// into another known one is a different request and is left out.
func TestMutatedFilters(t *testing.T) {
	t.Parallel()
	l := openLive(t, pgtest.Sample(t))
	deadline := time.Now().Add(20 * time.Second)
	refused, same := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if time.Now().After(deadline) {
			return
		}
		original := genFilter(2).Draw(rt, "filter")
		damaged := mutateKey(rt, original)
		f, err := parseFilter(damaged)
		if err != nil {
			refused++
			return
		}
		st, err := filterSQL(l.schema, l.table(t, "users"), "id", f)
		if err != nil {
			refused++
			return
		}
		if words(damaged) != words(original) && known(damaged) {
			return
		}
		same++
		rows, err := l.rows(t, "pgx", st)
		if err != nil {
			rt.Fatal(err)
		}
		for _, row := range rows {
			if !slices.Contains(l.find(t, "users", "id", original), row) {
				rt.Fatalf("%s found row %s, which %s does not", damaged, row, original)
			}
		}
	})
	if refused == 0 {
		t.Error("nothing was refused: the damage does not reach the filter")
	}
	t.Logf("%d refused, %d found nothing more", refused, same)
}

// words are the keys and nulls of a filter, to see whether a damage has turned
// one word into another.
func words(text string) string {
	var b bytes.Buffer
	for _, at := range keysOf(text) {
		b.WriteString(text[at[0]:at[1]])
	}
	return b.String() + strings.Repeat("∅", strings.Count(text, "null"))
}

// known says that every key of a filter has a meaning.
func known(text string) bool {
	s := sampleOnce.schema
	for _, at := range keysOf(text) {
		key := text[at[0]+1 : at[1]-1]
		_, op := operatorIndex[key]
		_, quant := quantifiers[key]
		if !op && !quant && !slices.Contains(logicNames, key) && !slices.Contains(reserved, key) {
			return s == nil || isColumn(s, key)
		}
	}
	return true
}

func isColumn(s *Schema, key string) bool {
	for table := range s.cat.Tables() {
		if _, ok := table.Column(key); ok {
			return true
		}
	}
	return false
}
