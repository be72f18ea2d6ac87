package reproduce

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/fraiseql/fraiseql-go/catalog"
)

func camel(name string) string { return catalog.CamelCase(name) }

// maker makes up a value of type base in the place of old, the rank-th value of its
// kind; false where it has none to offer.
type maker func(base, old string, rank int) (string, bool)

// makers are tried in order: the simplest value, then one of the same length, digits
// and classes of characters.
var makers = []maker{plain, shaped}

// kept are values that say no more than their type: they stay as they are.
var kept = map[string]bool{"": true, "t": true, "f": true, "true": true, "false": true, "NaN": true, "Infinity": true, "-Infinity": true, "infinity": true, "-infinity": true, "{}": true, "[]": true, "empty": true, "null": true, "0": true}

// keeps says whether a value of the type stays as it is. A letter of a text may be
// somebody's sex.
func keeps(base, v string) bool { return kept[v] && (!textTypes[base] || silent(v) || v == "0") }

// plain is a small value: 1, "a1", the third of February 2001.
func plain(base, _ string, rank int) (string, bool) {
	n := strconv.Itoa(rank + 1)
	switch base {
	case "smallint", "integer", "bigint", "numeric", "real", "double precision", "oid", "money":
		return n, true
	case "text", "character varying", "character", "citext", "name", `"char"`, "bpchar":
		return "a" + n, true
	case "uuid":
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", rank+1), true
	case "date":
		return fmt.Sprintf("2001-02-%02d", rank%28+1), true
	case "timestamp without time zone":
		return fmt.Sprintf("2001-02-%02d 04:05:06", rank%28+1), true
	case "timestamp with time zone":
		return fmt.Sprintf("2001-02-%02d 04:05:06+00", rank%28+1), true
	case "json", "jsonb":
		return n, true
	case "bytea":
		return fmt.Sprintf(`\x%02x`, rank%255+1), true
	}
	return "", false
}

var (
	jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	dateForm   = regexp.MustCompile(`(\d{4,6})-\d\d-\d\d`)
	timeForm   = regexp.MustCompile(`\d\d:\d\d(:\d\d)?(\.\d+)?([+-]\d\d(?::\d\d){0,2})?`)
	numberForm = regexp.MustCompile(`\d+(\.\d+)?`)
	wordForm   = regexp.MustCompile(`\b(NULL|NaN|Infinity|infinity|true|false|null|BC|AD|empty|years?|mons?|days?|e[+-])\b`)
	numTypes   = map[string]bool{"smallint": true, "integer": true, "bigint": true, "numeric": true, "real": true, "double precision": true, "money": true, "oid": true}
	hexTypes   = map[string]bool{"uuid": true, "bytea": true, "macaddr": true, "macaddr8": true}
	textTypes  = map[string]bool{"text": true, "character varying": true, "character": true, "citext": true, "name": true, `"char"`: true, "bpchar": true}
	clockTypes = map[string]bool{"date": true, "timestamp without time zone": true, "timestamp with time zone": true, "time without time zone": true, "time with time zone": true, "tstzrange": true, "tsrange": true, "daterange": true, "tstzmultirange": true}
)

// shaped is a value with the same signs in the same places, and other digits and
// letters: zeros stay zeros, so that 1.10 stays a number with a zero at its end.
func shaped(base, old string, rank int) (string, bool) {
	element := strings.TrimSuffix(base, "[]")
	switch {
	case textTypes[base]:
		return letters(old, rank, 26), true
	case element == "json" || element == "jsonb":
		text := jsonString.ReplaceAllStringFunc(old, func(s string) string {
			var plain string
			if json.Unmarshal([]byte(s), &plain) != nil {
				return `"a"`
			}
			made, _ := json.Marshal(letters(plain, rank, 26))
			return string(made)
		})
		return outside(text, jsonString, func(s string) string { return numbers(s, rank) }), true
	case clockTypes[element]:
		return clock(old, rank), true
	case element == "interval":
		return outside(old, wordForm, func(s string) string { return clock(s, rank) }), true
	case numTypes[element]:
		return outside(old, wordForm, func(s string) string { return numbers(s, rank) }), true
	case element == "inet" || element == "cidr":
		address, mask, masked := strings.Cut(old, "/")
		if strings.Contains(address, ":") {
			address = letters(address, rank, 6)
		} else {
			address = numbers(address, rank)
		}
		if masked {
			address += "/" + mask
		}
		return address, true
	case element == "bit" || element == "bit varying":
		return "", false // every bit is the value
	case hexTypes[element]:
		return letters(old, rank, 6), true
	}
	// Numbers, arrays, ranges, points: words that mean something stay.
	return outside(old, wordForm, func(s string) string { return letters(numbers(s, rank), -1, 26) }), true
}

// outside changes what is not of form.
func outside(s string, form *regexp.Regexp, change func(string) string) string {
	var b strings.Builder
	at := 0
	for _, m := range form.FindAllStringIndex(s, -1) {
		b.WriteString(change(s[at:m[0]]) + s[m[0]:m[1]])
		at = m[1]
	}
	return b.String() + change(s[at:])
}

// clock replaces dates and times by others that there are.
func clock(s string, rank int) string {
	s = dateForm.ReplaceAllStringFunc(s, func(m string) string {
		year := dateForm.FindStringSubmatch(m)[1]
		return "2" + strings.Repeat("0", len(year)-2) + "1-02-" + fmt.Sprintf("%02d", rank%28+1)
	})
	var b strings.Builder
	at := 0
	for _, m := range dateForm.FindAllStringIndex(s, -1) {
		b.WriteString(clockTimes(s[at:m[0]]) + s[m[0]:m[1]])
		at = m[1]
	}
	return b.String() + clockTimes(s[at:])
}

func clockTimes(s string) string {
	if !timeForm.MatchString(s) {
		return numbers(s, 0)
	}
	return timeForm.ReplaceAllStringFunc(s, func(m string) string {
		parts := timeForm.FindStringSubmatch(m)
		made := "04:05"
		if parts[1] != "" {
			made += ":06"
		}
		switch m[:5] {
		case "00:00", "24:00": // midnight, which comes in two forms
			made = m[:5]
			if parts[1] != "" {
				made += ":00"
			}
		}
		if f := parts[2]; f != "" {
			made += "." + digits(f[1:])
		}
		return made + parts[3] // an offset says what the zone is
	})
}

// digits replaces every digit but zeros: 1, 2, 3 and so on.
func digits(s string) string {
	var b strings.Builder
	n := 0
	for _, c := range s {
		if c >= '1' && c <= '9' {
			n++
			c = rune('0' + (n-1)%9 + 1)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// numbers replaces numbers by others with as many digits, apart by rank.
func numbers(s string, rank int) string {
	return numberForm.ReplaceAllStringFunc(s, func(m string) string {
		whole, part, point := strings.Cut(m, ".")
		whole = digits(whole)
		if n, ok := new(big.Int).SetString(whole, 10); ok && whole != "0" && whole[0] != '0' {
			if moved := n.Add(n, big.NewInt(int64(rank))).String(); len(moved) == len(whole) {
				whole = moved
			}
		}
		if point {
			return whole + "." + digits(part)
		}
		return whole
	})
}

// letters replaces letters and digits by others of their class, apart by rank; -1
// leaves digits. What is not ASCII stays not ASCII, and composed stays composed.
func letters(s string, rank, alphabet int) string {
	var b strings.Builder
	n := max(rank, 0)
	next := func(first rune, size int) rune {
		c := first + rune(n%size)
		n++
		return c
	}
	chars := []rune(s)
	for i, c := range chars {
		switch {
		case i+1 < len(chars) && unicode.Is(unicode.Mn, chars[i+1]) && unicode.IsLetter(c):
			b.WriteRune('e') // what it is composed with follows
		case c == 'x' && i == 1 && chars[0] == '\\':
			b.WriteRune(c) // \x of bytea
		case c >= '1' && c <= '9' && rank >= 0:
			b.WriteRune(next('1', 9))
		case c >= 'a' && c <= 'z':
			b.WriteRune(next('a', alphabet))
		case c >= 'A' && c <= 'Z':
			b.WriteRune(next('A', alphabet))
		case unicode.Is(unicode.Mn, c):
			b.WriteRune('\u0301')
		case c < 0x80 || !unicode.IsPrint(c):
			b.WriteRune(c)
		case c > 0xFFFF:
			b.WriteRune('\U0001F600')
		case unicode.IsUpper(c):
			b.WriteRune('Ä')
		case unicode.IsLower(c):
			b.WriteRune('ä')
		default:
			b.WriteRune('\u6587')
		}
	}
	return b.String()
}

// mentions says whether the name of a type is a part of the type's text.
func mentions(typ, name string) bool { return strings.Contains(typ, name) }
