// Package gate keeps a driver connection from being used while wire rows are
// open on it. database/sql serializes calls of one connection, but rows that were
// started inside sql.Conn.Raw outlive that call, and the goroutine that rolls a
// transaction back when its context ends knows nothing of them.
package gate

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fraiseql/fraiseql-go/backend"
)

// ErrBusy is the answer to a statement on a connection whose rows are still open.
// It is not driver.ErrBadConn: the connection is sound and the caller at fault.
var ErrBusy = errors.New("the rows of an earlier statement are still open on this connection")

// ErrCopy is the answer to COPY, which the drivers treat in opposite ways: one
// blocks for ever, the other refuses (jackc/pgx#485).
var ErrCopy = errors.New("COPY can't be run through database/sql")

// MaxArgs is how many arguments a statement can have: the protocol counts them in
// 16 bits (PostgreSQL documentation, "Message Formats", Bind).
const MaxArgs = 65535

// ErrTooManyArgs is the answer to more than MaxArgs arguments, in every mode: pgx's
// simple_protocol alone could send them.
var ErrTooManyArgs = &backend.Error{
	Code: backend.CodeLimit, Err: fmt.Errorf("more than %d arguments: use an array", MaxArgs),
}

// Gate is held by open wire rows. The zero Gate is open. Safe for concurrent use.
type Gate struct {
	mu      sync.Mutex
	held    bool
	closing bool
}

// Enter takes the gate, or reports ErrBusy.
func (g *Gate) Enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held {
		return ErrBusy
	}
	g.held = true
	return nil
}

// Leave gives the gate back. It reports true where Close was asked for in the
// meantime: the caller then closes the connection.
func (g *Gate) Leave() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	return g.closing
}

// Held reports whether rows are open.
func (g *Gate) Held() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// Close asks for the connection to be closed. It reports true where that can be
// done at once, false where Leave will say so.
func (g *Gate) Close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closing = true
	return !g.held
}

// IsCopy reports whether query is a COPY command. Comments before it are looked
// through, since lib/pq and pgx differ there as well.
func IsCopy(query string) bool {
	for {
		query = strings.TrimLeft(query, " \t\r\n\f\v(")
		switch {
		case strings.HasPrefix(query, "--"):
			_, rest, found := strings.Cut(query, "\n")
			if !found {
				return false
			}
			query = rest
		case strings.HasPrefix(query, "/*"):
			end := commentEnd(query)
			if end < 0 {
				return false
			}
			query = query[end:]
		default:
			return len(query) > 4 && strings.EqualFold(query[:4], "copy") && !isWord(query[4])
		}
	}
}

// commentEnd is the length of the comment that query starts with; they nest.
func commentEnd(query string) int {
	depth := 0
	for i := 0; i+1 < len(query); i++ {
		switch query[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
