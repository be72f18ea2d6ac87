package builder

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// hostile are texts that would do harm, or mean something else, wherever they
// are not treated as plain values.
var hostile = []string{
	`'; DROP TABLE notes; --`, `" OR 1=1 --`, `' OR ''='`, `\'; SELECT pg_sleep(9); --`, `$1`, `$1::text`, `?`, `??`, `{x}`, `{v}`, `%`, `_`, `\`, `\\`,
	`%_\`, `100%`, `a_b`, `aXb`, `100x`, `{a,b}`, `{"a"}`, `NULL`, `null`, `''`, `""`, ` `, `  padded  `, "line\nbreak", "tab\t", "\x01", "\x7f", `/* x */`, `-- x`,
	`:name`, `@>`, `e'\x27'`, `U&'\0027'`, `$$x$$`, "naïve", "🐘", "é", "e\u0301", "\u2028", "\ufeff", `<script>`, `true`, `1e400`, `infinity`, `.*`, `(`, `[`, `*`, `^$`,
	strings.Repeat("x", 5000), `127.0.0.1`, `printer.local`, `2024-01-01`, `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`,
}

// TestHostileText stores each text as a row and finds exactly that row with
// every operator that takes text literally, on a column, in a list, in an
// array, as a JSON value and as a JSON key.
func TestHostileText(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, `CREATE TABLE notes (id int PRIMARY KEY, body text, tags text[], doc jsonb, "wh""at?" text)`)
	db := pgtest.Open(t, dsn)
	for i, text := range hostile {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO notes VALUES ($1, $2, ARRAY[$2], jsonb_build_object('k', $2, $2, 'v'), $2)`, i, text); err != nil {
			t.Fatal(err)
		}
	}
	l := openLive(t, dsn)
	for i, text := range hostile {
		b, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		j := string(b)
		want := []string{fmt.Sprint(i)}
		for _, filter := range []string{
			`{"body":{"eq":` + j + `}}`, `{"wh\"at?":{"eq":` + j + `}}`, `{"field":"body","operator":"in","value":[` + j + `]}`, `{"not":{"body":{"neq":` + j + `}}}`,
			`{"tags":{"contains":[` + j + `]}}`, `{"tags":{"any_eq":` + j + `}}`, `{"tags":{"eq":[` + j + `]}}`, `{"tags":{"in":[[` + j + `]]}}`,
			`{"doc":{"path":["k"],"eq":` + j + `}}`, `{"doc":{"path":["k"],"in":[` + j + `]}}`, `{"doc":{"path":[` + j + `],"eq":"v"}}`, `{"doc":{"has_key":` + j + `}}`,
			`{"doc":{"has_any_keys":[` + j + `]}}`, `{"doc":{"contains":{"k":` + j + `}}}`,
			`{"and":[{"body":{"contains":` + j + `}},{"body":{"startswith":` + j + `}},{"body":{"endswith":` + j + `}},{"body":{"eq":` + j + `}}]}`,
		} {
			if got := l.find(t, "notes", "id", filter); cmp.Diff(want, got) != "" {
				t.Errorf("%.200s found %q, want %q", filter, got, want)
			}
		}
		// Literal patterns find the rows that really contain the text, and no other.
		for op, match := range map[string]func(s, sub string) bool{
			"contains": strings.Contains, "startswith": strings.HasPrefix, "endswith": strings.HasSuffix,
			"ncontains": func(s, sub string) bool { return !strings.Contains(s, sub) },
		} {
			var want []string
			for k, other := range hostile {
				if match(other, text) {
					want = append(want, fmt.Sprint(k))
				}
			}
			if got := l.find(t, "notes", "id", `{"body":{"`+op+`":`+j+`}}`); cmp.Diff(want, got) != "" {
				t.Errorf("%s %q found %q, want %q", op, text, got, want)
			}
		}
	}
}

// TestHostileNames: no name of a request that is not in the catalog becomes SQL.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	s := schemaOfSample(t)
	table, err := s.cat.Table("users")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range hostile {
		j, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, filter := range []string{
			`{` + string(j) + `:{"eq":1}}`, `{"field":` + string(j) + `,"eq":1}`, `{"id":{` + string(j) + `:1}}`,
			`{"field":"id","operator":` + string(j) + `,"value":1}`, `{` + string(j) + `:{"exists":{}}}`,
			`{"profile":{"path":["a"],"type":` + string(j) + `,"eq":1}}`,
			`{"name":{"plain_query":{"query":"x","config":` + string(j) + `}}}`,
		} {
			f, err := parseFilter(filter)
			var st Statement
			if err == nil {
				st, err = filterSQL(s, table, "id", f)
			}
			if err == nil && !strings.Contains(filter, "plain_query") {
				t.Errorf("%.200s made %s", filter, st.SQL)
			}
			if text != "" && len(text) > 4 && strings.Contains(st.SQL, text) {
				t.Errorf("%.200s is in the SQL: %s", filter, st.SQL)
			}
		}
	}
}
