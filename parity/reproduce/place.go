package reproduce

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// place is where a constant stands in a text of SQL. That, and not how it looks, says
// whether it is a part of the statement: 'Ty' is the pattern of a date in to_char alone,
// and 4711 is a count behind LIMIT alone.
type place struct {
	before [3]string // what is before it, the nearest first
	after  [2]string
	call   string // the word before the parenthesis that it stands in: a function, a type, IN
	arg    int    // how many commas are between
	listed bool   // in the list of ORDER BY or GROUP BY
}

// places are those of the lexemes of a text.
func places(list []sqltext.Lexeme) []place {
	type open struct {
		call string
		arg  int
		by   bool
	}
	out := make([]place, len(list))
	stack := []open{{}}
	var before [3]string
	for i, l := range list {
		if l.Sort == sqltext.Comment {
			continue
		}
		word := folded(l)
		top := &stack[len(stack)-1]
		out[i] = place{before: before, after: following(list, i), call: top.call, arg: top.arg, listed: top.by}
		switch {
		case word == "(" || word == "[":
			call := before[0]
			if word == "[" {
				call = "["
			}
			stack = append(stack, open{call: call})
		case (word == ")" || word == "]") && len(stack) > 1:
			stack = stack[:len(stack)-1]
		case word == ",":
			top.arg++
		case word == ";":
			stack = []open{{}}
		case l.Sort == sqltext.Word:
			top.by = word == "by" || top.by && orderWords[word]
		}
		before = [3]string{word, before[0], before[1]}
	}
	return out
}

// orderWords may stand between the places of a list that is ordered by.
var orderWords = wordSet("asc desc nulls first last")

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// folded is a word as the server reads it, or another lexeme as it is written.
func folded(l sqltext.Lexeme) string {
	if l.Sort == sqltext.Word {
		return l.Name()
	}
	return l.Text
}

func following(list []sqltext.Lexeme, i int) (after [2]string) {
	n := 0
	for _, l := range list[i+1:] {
		if l.Sort == sqltext.Comment {
			continue
		}
		after[n] = folded(l)
		if n++; n == len(after) {
			break
		}
	}
	return after
}

var (
	counted  = wordSet("limit offset first next top [ :")
	modified = wordSet("numeric decimal varchar char character varying bit bpchar timestamp timestamptz time timetz interval float")
	counting = wordSet("round trunc substr substring left right lpad rpad repeat generate_series split_part ntile lag lead nth_value overlay make_interval")
	compares = wordSet("= < > <= >= <> != between and in values any set")
	scaling  = wordSet("* / %")
)

// count says whether a number counts or measures something of the statement.
func (p place) count() bool {
	alone := (p.before[0] == "(" || p.before[0] == ",") && (p.after[0] == ")" || p.after[0] == ",")
	switch {
	case counted[p.before[0]], p.call == "[", modified[p.call]:
		return true
	case p.listed:
		return p.before[0] == "by" || p.before[0] == ","
	}
	return alone && counting[p.call] && (p.arg > 0 || p.call == "generate_series")
}

// compared says whether a value is compared with the constant, or it is written.
func (p place) compared() bool {
	if p.before[0] == "(" || p.before[0] == "," {
		return compares[p.call] || p.call == "," || p.call == ""
	}
	return compares[p.before[0]] && p.before[1] != ")" || p.before[0] == "-"
}

// scales says whether a number is a factor, which no row has.
func (p place) scales() bool { return scaling[p.before[0]] || scaling[p.after[0]] }

var (
	patternForm = regexp.MustCompile(`^(?:(?:YYYY|YYY|YY|Y|IYYY|MM|MONTH|MON|DDD|DD|D|DAY|DY|HH24|HH12|HH|MI|SS|MS|US|TZH|TZM|TZ|OF|AM|PM|IW|WW|Q|FM|TM|T|Z|G|S|L|J|CC|[90.,: /_;"-])+)$`)
	strictForm  = regexp.MustCompile(`^(?:YYYY|HH24|HH12)(?:(?:YYYY|MM|DD|HH24|MI|SS|MS|US)|[.: /_T"-])*$`)
	spanForm    = regexp.MustCompile(`(?i)^(?:[+-]?\d{1,3} ?(?:microsecond|millisecond|second|sec|minute|min|hour|day|week|month|mon|year)s? ?)+$`)
	zoneForm    = regexp.MustCompile(`^(?:[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+){1,2}|UTC|GMT)$`)
	stateForm   = regexp.MustCompile(`^(?:[0-9A-Z]{5}|[a-z_]+)$`)
	units       = wordSet(`microsecond microseconds millisecond milliseconds second seconds minute minutes hour hours day days week weeks month months quarter year years decade
		decades century centuries millennium millenniums epoch dow doy isodow isoyear timezone timezone_hour timezone_minute`)
	codings  = wordSet("hex base64 escape utf8 utf-8 latin1 sql_ascii")
	searches = wordSet("simple english french german spanish italian portuguese dutch")
	switches = wordSet("true false on off")
	texts    = wordSet("to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_headline ts_rank")
)

// speaks says whether the value of a string is a part of the statement in this place.
func (p place) speaks(v string) bool {
	low := strings.ToLower(v)
	switch p.call {
	case "to_char", "to_date", "to_timestamp", "to_number":
		if p.arg == 1 && patternForm.MatchString(strings.ToUpper(v)) {
			return true
		}
	case "date_trunc", "date_part", "extract":
		return p.arg == 0 && units[low]
	case "encode", "decode", "convert_from", "convert_to", "convert":
		return p.arg > 0 && codings[low]
	case "set_config", "current_setting":
		return p.arg > 0 && switches[v]
	case "timezone":
		return p.arg == 0 && zoneForm.MatchString(v)
	}
	switch {
	case texts[p.call] && p.arg == 0 && searches[v]:
		return true
	case p.before[0] == "zone" && p.before[1] == "time":
		return zoneForm.MatchString(v)
	case p.before[0] == "interval", p.after == [2]string{"::", "interval"}, p.before[0] == "+", p.before[0] == "-":
		return spanForm.MatchString(v)
	case p.before[0] == "=" && p.before[1] == "errcode", p.before[0] == "sqlstate":
		return stateForm.MatchString(v)
	case p.before[0] == "language":
		return v == "sql" || v == "plpgsql"
	}
	return false
}

// setting says whether the name of a setting stands here. Those of programs, app.user, are
// made up like other values.
func (p place) setting() bool {
	return p.arg == 0 && (p.call == "set_config" || p.call == "current_setting")
}

// vague says whether a string may be a part of a statement, wherever it stands, and
// would say nothing of anybody if it were none.
func vague(v string) bool { return units[v] || strictForm.MatchString(v) }

// silent says whether v has nothing to say: it is punctuation.
func silent(v string) bool {
	return !strings.ContainsFunc(v, func(c rune) bool { return c >= 0x80 || unicode.IsLetter(c) || unicode.IsDigit(c) })
}

var directive = regexp.MustCompile(`%(?:\d+\$)?-?\d*[sIL%]`)
