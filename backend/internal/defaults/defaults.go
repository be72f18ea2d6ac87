// Package defaults knows whether a statement by itself runs in the transaction that
// BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE would begin: then BEGIN and COMMIT need
// not be sent.
package defaults

import "strings"

// Ask is the statement whose answer Plain takes.
const Ask = "show default_transaction_isolation"

// Reported are the parameters that the server tells of whenever they change, PostgreSQL
// 14 and later, with the values that a write by itself needs.
var Reported = map[string]string{"default_transaction_read_only": "off", "in_hot_standby": "off"}

// Level is what is known of default_transaction_isolation on a connection. The zero value
// is that it was not asked for.
type Level uint8

const (
	unasked Level = iota
	committed
	other // or it could not be asked for
)

// Plain says whether the level is read committed. ask gives the server's answer to Ask; it
// is called once, and anew after a statement that may have set the level.
func (l *Level) Plain(ask func() (string, error)) bool {
	if *l == unasked {
		*l = other
		if level, err := ask(); err == nil && level == "read committed" {
			*l = committed
		}
	}
	return *l == committed
}

// quiet are the statements after which a session is as it was.
var quiet = []string{"begin", "commit", "rollback", "savepoint", "release", "show", "select ", "insert ", "update ", "delete "}

// Noticed is told of each statement that the application sends by way of database/sql.
// One that may have set the level, by SET or in any other way, makes it unknown.
func (l *Level) Noticed(query string) {
	if *l == unasked || query == Ask {
		return
	}
	for _, verb := range quiet {
		if len(query) >= len(verb) && strings.EqualFold(query[:len(verb)], verb) && !strings.Contains(query, ";") &&
			!strings.Contains(strings.ToLower(query), "set_config") {
			return
		}
	}
	*l = unasked
}
