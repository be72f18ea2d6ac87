package graphql

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// A name of GraphQL is [_A-Za-z][_0-9A-Za-z]*, and those that begin with two
// underscores belong to introspection (spec, 2.1.9 and 4.1). A name of
// PostgreSQL is any text. The functions here are pure and total: the same name
// in gives the same valid name out. They are not injective, so whoever builds a
// schema refuses two things that meet in one name.

// typeName is the GraphQL type of a table: singular, each word raised, nothing
// else touched.
//
//	users → User    order_items → OrderItem    "Mixed Case" → MixedCase
func typeName(table string) string {
	return pascal(singular(cleanName(table)))
}

// pascal raises the first letter of each word of a clean name.
func pascal(name string) string {
	name = catalog.CamelCase(name)
	rest := strings.TrimLeft(name, "_")
	if rest == "" {
		return name
	}
	return name[:len(name)-len(rest)] + strings.ToUpper(rest[:1]) + rest[1:]
}

// fieldName is the GraphQL field of a column: catalog.CamelCase where that is a
// name of GraphQL already, else the nearest that is one.
func fieldName(column string) string {
	return validName(catalog.CamelCase(cleanName(column)))
}

// lowerFirst makes a type's name begin a field's: User → user, HTTPLog →
// httpLog, USER → user.
func lowerFirst(name string) string {
	rest := strings.TrimLeft(name, "_")
	upper := 0
	for upper < len(rest) && isUpper(rest[upper]) {
		upper++
	}
	if upper > 1 && upper < len(rest) && isLower(rest[upper]) {
		upper-- // the last capital begins the next word
	}
	return name[:len(name)-len(rest)] + strings.ToLower(rest[:upper]) + rest[upper:]
}

// constantCase is a name in capitals with underscores between its words:
// createdAt → CREATED_AT.
func constantCase(name string) string {
	name = cleanName(name)
	var b strings.Builder
	b.Grow(len(name) + 4)
	for i := range len(name) {
		if i > 0 && beginsWord(name, i) {
			b.WriteByte('_')
		}
		b.WriteByte(upperByte(name[i]))
	}
	return b.String()
}

// enumValue is the GraphQL value of an enum's label, in capitals. In capitals it
// is never true, false or null, which GraphQL does not allow (spec, 2.9.6).
//
//	in progress → IN_PROGRESS    1st → _1ST    < → _U003C
func enumValue(label string) string { return constantCase(label) }

// enumValues are the GraphQL values of the labels, in their order. Two labels
// that give one value are an error that names both.
func enumValues(enum string, labels []string) ([]string, error) {
	values := make([]string, len(labels))
	from := make(map[string]string, len(labels))
	for i, label := range labels {
		value := enumValue(label)
		if other, taken := from[value]; taken {
			return nil, fmt.Errorf("enum %s: the labels %q and %q are both %s in GraphQL: name one of them in the configuration (enums, values)", enum, other, label, value)
		}
		from[value] = label
		values[i] = value
	}
	return values, nil
}

// cleanName spells any text with the characters of a GraphQL name: accents are
// taken off, spaces and signs become underscores, what has no Latin form is
// written as its number (日 → u65e5). It never begins with a digit or with two
// underscores, and it is never empty.
func cleanName(name string) string {
	if isPlain(name) {
		return validName(name)
	}
	var b strings.Builder
	b.Grow(len(name) + 8)
	meaning := false // a letter or a digit was written
	for _, r := range norm.NFD.String(name) {
		switch {
		case r < utf8.RuneSelf && isNameByte(byte(r)):
			b.WriteByte(byte(r))
			meaning = meaning || r != '_'
		case latin[r] != "":
			b.WriteString(latin[r])
			meaning = true
		case unicode.Is(unicode.Mn, r):
			// The accent of the letter before.
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			fmt.Fprintf(&b, "_u%04x_", r)
			meaning = true
		default:
			b.WriteByte('_')
		}
	}
	if meaning {
		// An underscore at the end stands for a sign and says nothing.
		return validName(strings.TrimRight(b.String(), "_"))
	}
	b.Reset() // signs alone: "<" and ">" are to stay apart
	for _, r := range name {
		fmt.Fprintf(&b, "_u%04x", r)
	}
	return validName(b.String())
}

// latin spells letters that do not come apart into a letter and an accent.
var latin = map[rune]string{
	'ß': "ss", 'æ': "ae", 'Æ': "Ae", 'œ': "oe", 'Œ': "Oe", 'ø': "o", 'Ø': "O", 'đ': "d", 'Đ': "D",
	'ð': "d", 'Ð': "D", 'þ': "th", 'Þ': "Th", 'ł': "l", 'Ł': "L", 'ı': "i",
}

// validName repairs the beginning of a name whose characters are all allowed.
func validName(name string) string {
	switch {
	case name == "":
		return "_"
	case name[0] >= '0' && name[0] <= '9':
		return "_" + name
	case strings.HasPrefix(name, "__"):
		rest := strings.TrimLeft(name, "_")
		return "_" + rest
	}
	return name
}

func isPlain(name string) bool {
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return false
		}
	}
	return name != ""
}

func isNameByte(c byte) bool {
	return c == '_' || isLower(c) || isUpper(c) || isDigit(c)
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func upperByte(c byte) byte {
	if isLower(c) {
		return c - ('a' - 'A')
	}
	return c
}

// beginsWord says whether a word of camelCase begins at i: at a capital behind a
// letter or digit that is none, or at the last capital of several ("HTTPLog").
func beginsWord(name string, i int) bool {
	if !isUpper(name[i]) {
		return false
	}
	before := name[i-1]
	if isLower(before) || isDigit(before) {
		return true
	}
	return isUpper(before) && i+1 < len(name) && isLower(name[i+1])
}
