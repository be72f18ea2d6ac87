package executor

import (
	"errors"
	"regexp"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
)

// LogText is the text of err for a log that many may read: err.Error() without the
// values that a request has given, as far as this library and PostgreSQL repeat
// them. Names, types and places stay, and what a function says by RAISE: only its
// author knows what that is.
func LogText(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*backend.Error](err); ok && quotesValues(e.SQLState) {
		text = strings.ReplaceAll(text, e.Message, withoutQuoted(e.Message))
	}
	return repeated.ReplaceAllString(text, `$1$2…$3`)
}

// repeated are values where our own messages, and those of the parser of GraphQL,
// repeat them.
var repeated = regexp.MustCompile(`(the string |String )"(?:[^"\\]|\\.)*"|(the number )[-+.0-9eE…]+|"(?:[^"\\]|\\.)*"( is no value of )`)

// quotesValues says whether messages of a SQLSTATE quote values rather than names:
// data exceptions, and the syntax errors of types that have a language of their own.
// The syntax of SQL itself is never that of a request.
func quotesValues(state string) bool {
	return strings.HasPrefix(state, "22") || state == "42601"
}

// withoutQuoted is a message without what is between its first quote and its last:
// a value may have quotes in it, which the server does not mark.
func withoutQuoted(message string) string {
	first, last := strings.IndexByte(message, '"'), strings.LastIndexByte(message, '"')
	if first == last {
		return message
	}
	return message[:first+1] + "…" + message[last:]
}
