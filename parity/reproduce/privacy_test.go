package reproduce_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/reproduce"
)

// places are where a value may stand, %s, of which none may be written. %h is its
// hexadecimal form, %n a number.
var inStatements = []string{
	`select * from things where code = '%s'`,
	`select * from things where code in ('x', '%s')`,
	`select * from things where code like '%s%%'`,
	`select * from things where code = N'%s' or code = E'%s' or code = $q$%s$q$`,
	`select * from things where code = U&'%s'`,
	`select * from things where raw = X'%h'`,
	`select * from things where doc->>'%s' = 'x' and doc @> '{"%s": {"%s": ["%s"]}}'`,
	`select * from things where tags = '{%s,"%s"}'`,
	`select * from things where code = '%s@example.id' or code = 'example.%s' or code = '%s.id'`,
	`select * from things where zone = '%s/%s'`,
	`select * from things where date_trunc('%s', at) is null`,
	`select to_char(at, 'YYYY') from things where to_char(at, 'x %s') = '%s'`,
	`select * from things where code = '%s' -- of %s
	`,
	`select /* %s */ format('%s %%s', code) from things`,
	`select * from things where id = %n or id in (3, %n) or id between 1 and %n or id < -%n`,
	`select * from things where pin = '%n' and code = '%n-%s'`,
	`insert into things (id, code) values (%n, '%s'), (2, '%s')`,
	`update things set code = '%s', id = %n where code is null`,
	`select f('%s', %n) from things limit 10`,
	`with x as (select '%s'::text as code) select * from x, things`,
	`do $do$ begin perform 'select of %s'; execute 'select * from things where code = ''%s'''; end $do$`,
	`select set_config('app.user', '%s', true), current_setting('app.%s_%s')`,
	`select * from things where code = 'with love from %s' or code = 'select for %s'`,
}

var inObjects = []string{
	`create view v as select '%s'::text as who, id * %n as n from things where code = '%s'`,
	`alter table things add check (code <> '%s' and id <> %n)`,
	`create unique index on things (id) where code = '%s'`,
	`create function f() returns text language plpgsql as $f$ begin
	-- asked for by %s
	if new.code = '%s' then raise exception 'not %s' using errcode = 'P0042', hint = '%s'; end if;
	perform $q$%s$q$; execute $b$select * from things where code = $c$%s-3$c$$b$;
	execute 'select * from things where code = ''%s''' || 'with love from %s'; execute format('update things set code = %%L for %s', '%s'); return 'update by %s'; end $f$`,
	`create trigger t before insert on things for each row when (new.code = '%s') execute function f('%s')`,
	`create function g() returns int return (select case '%s' when 'x' then %n end)`,
}

// fill puts the value in the places of a text.
func fill(text, word, number string) string {
	return strings.NewReplacer("%%", "%", "%s", word, "%h", hex.EncodeToString([]byte(word)), "%n", number).Replace(text)
}

// scattered says that s can't be there by chance: it is not made of neighbours in the
// alphabet, as a made-up value is.
func scattered(s string) bool {
	if low := strings.ToLower(s); low == "sql" || low == "not" { // words of the texts
		return false
	}
	for i := 1; i < len(s); i++ {
		if a, b := s[i-1]|0x20, s[i]|0x20; b != a+1 && (a != 'z' || b != 'a') && (a != '9' || b != '1') && b != '0' {
			return true
		}
	}
	return false
}

// TestNothingGetsOut: no value of a row, an argument, a constant, a comment, a setting, a
// title or a label is in what may be written, however short it is and whatever it looks
// like.
func TestNothingGetsOut(t *testing.T) {
	t.Parallel()
	like := rapid.OneOf(
		rapid.StringMatching(`[K-Z][k-z]{2,9}`), // a name, of letters that no short made-up value has
		rapid.StringMatching(`[kq-z]{3}[0-9]{2}`),
		rapid.SampledFrom([]string{"SAM", "YAM", "Sly", "Ty", "SSDD", "TJ", "LS", "Smith/Jones", "MMS", "YSL", "Dy"}), // patterns of dates, in other places
		rapid.SampledFrom([]string{"note", "Kosov", "Zyx Kust", "Ökonom", "文字文", "zust_kost"}),
	).Filter(scattered)
	rapid.Check(t, func(t *rapid.T) {
		word := like.Draw(t, "word")
		number := rapid.StringMatching(`[5-9][0-9]{2}[5-9]`).Filter(scattered).Draw(t, "number") // a PIN
		doc, err := json.Marshal(map[string]any{"k": word, word: number})
		if err != nil {
			t.Fatal(err)
		}
		columns := []reproduce.Column{
			{Name: "code", Type: "text", Base: "text", Values: []string{word, "f"}},
			{Name: "id", Type: "integer", Base: "integer", Values: []string{number}},
			{Name: "doc", Type: "jsonb", Base: "jsonb", Values: []string{string(doc)}},
			{Name: "tags", Type: "text[]", Base: "text[]", Values: []string{`{` + word + `,"` + word + `"}`}},
			{Name: "raw", Type: "bytea", Base: "bytea", Values: []string{`\x` + hex.EncodeToString([]byte(word))}},
			{Name: "pair", Type: "public.text_pair", Base: "public.text_pair", Values: []string{"(" + word + "," + number + ")"}},
			{Name: "level", Type: "public.level", Base: "public.level", Values: []string{word + " label"}},
		}
		if !rapid.Bool().Draw(t, "inRows") {
			for i := range columns {
				columns[i].Values = nil
			}
		}
		text := reproduce.Text{
			// Enums whose names are parts of the names of other types.
			Enums:   map[string][]string{"level": {word + " label", "other"}, "text": {"x"}, "pair": {"y"}, "char": {"z"}},
			Objects: []string{fill(rapid.SampledFrom(inObjects).Draw(t, "object"), word, number)},
		}
		if rapid.Bool().Draw(t, "lines") {
			l := corpus.Line{
				Version: corpus.Version, Kind: corpus.KindQuery, SQL: fill(rapid.SampledFrom(inStatements).Draw(t, "statement"), word, number),
				Title: "of " + word, Conn: word, Settings: map[string]string{"application_name": word, "role": word, "app.user": word},
				Args: []corpus.Arg{corpus.TextArg(word), corpus.TextArg(number), corpus.BytesArg([]byte(word)), corpus.TextArg(word + "\xff"), corpus.TextArg("{" + word + "}"), corpus.TextArg(`{"` + word + `":"` + word + `"}`)},
			}
			text.Lines = []corpus.Line{l}
			text.Parameters = rapid.SampledFrom([][]string{nil, {"text", "integer", "bytea", "text", "text[]", "jsonb"}, {"public.level", "numeric", "bytea", "text", "public.level[]", "json"}}).Draw(t, "types")
		} else {
			text.Definition = map[string]any{
				"operation": "query", "table": "things",
				"filters": map[string]any{"and": []any{map[string]any{"code": map[string]any{"eq": word}}, map[string]any{"doc": map[string]any{"path": []any{word, json.Number("0")}, "eq": word}}}},
				"input":   map[string]any{"id": json.Number(number), "doc": map[string]any{word: word}, "level": word + " label"},
			}
		}
		offers, err := reproduce.Offers(columns, text)
		if err != nil {
			t.Fatal(err)
		}
		hidden := regexp.MustCompile(`(?i)\b_*(?:` + regexp.QuoteMeta(word) + `|` + hex.EncodeToString([]byte(word)) + `|` + number + `)_*\b`)
		for _, offer := range offers {
			// Names are no values: the column may be called like one.
			offer = strings.NewReplacer(`"note"`, "", "_note", "").Replace(offer)
			if got := hidden.FindString(offer); got != "" {
				t.Fatalf("%q got out:\n%s", got, offer)
			}
		}
		if text.Lines != nil && len(offers) == 0 {
			t.Fatalf("nothing is offered for %s", text.Lines[0].SQL)
		}
		if len(offers) > 0 && text.Lines != nil && strings.Contains(text.Lines[0].SQL, "'YYYY'") && !strings.Contains(offers[0], "'YYYY'") {
			t.Fatal(fmt.Sprint("the pattern of a date is no value: ", offers[0]))
		}
	})
}
