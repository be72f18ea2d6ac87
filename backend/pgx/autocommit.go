package pgx

import (
	"context"
	"strings"
)

// isolation is what is known of default_transaction_isolation on a connection.
type isolation uint8

const (
	isolationUnasked isolation = iota
	isolationCommitted
	isolationOther // or it could not be asked for
)

// autocommits says whether a statement by itself runs in the transaction that BEGIN
// ISOLATION LEVEL READ COMMITTED READ WRITE would begin: then BEGIN and COMMIT need not
// be sent, which are two of three commands that the server has to answer.
//
// The server tells of the access mode whenever it changes (PostgreSQL 14 and later). For
// the level it is asked, once, and anew after a statement that may have set it.
func (c *conn) autocommits(ctx context.Context) bool {
	pg := c.Conn.Conn().PgConn()
	if pg.ParameterStatus("default_transaction_read_only") != "off" || pg.ParameterStatus("in_hot_standby") != "off" {
		return false
	}
	if c.isolation == isolationUnasked {
		c.isolation = isolationOther
		var level string
		if err := c.Conn.Conn().QueryRow(ctx, "show default_transaction_isolation").Scan(&level); err == nil && level == "read committed" {
			c.isolation = isolationCommitted
		}
	}
	return c.isolation == isolationCommitted
}

// quiet are the statements of database/sql after which the session is as it was.
var quiet = []string{"begin", "commit", "rollback", "savepoint", "release", "select ", "insert ", "update ", "delete "}

// noticed is told of the statements that do not go as a piece. Those that may have set
// the level, by SET or in any other way, make it unknown.
func (c *conn) noticed(query string) {
	if c.isolation == isolationUnasked {
		return
	}
	for _, verb := range quiet {
		if len(query) >= len(verb) && strings.EqualFold(query[:len(verb)], verb) && !strings.Contains(query, ";") &&
			(verb != "select " || !strings.Contains(strings.ToLower(query), "set_config")) {
			return
		}
	}
	c.isolation = isolationUnasked
}
