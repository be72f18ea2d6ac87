package pgx

import (
	"io"
	"slices"
	"sync"
	"time"
)

// ending is what goes on behind statements that were given up: the server is being
// told to cancel them, by a connection of its own. Nobody waits for that, but a
// program that ends at once would leave them running.
type ending struct {
	mu   sync.Mutex
	list []<-chan struct{}
}

// endWait is how long Close waits for all of it: a server that does not answer must
// not keep the program.
const endWait = 2 * time.Second

func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// add has Close wait for done.
func (e *ending) add(done <-chan struct{}) {
	if done == nil || over(done) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(slices.DeleteFunc(e.list, over), done)
}

var _ io.Closer = (*connector)(nil)

// Close waits until the server was told of all statements that were given up. A
// sql.DB calls it at the end of its Close.
func (c *connector) Close() error {
	c.ending.mu.Lock()
	list := c.ending.list
	c.ending.list = nil
	c.ending.mu.Unlock()
	timeout := time.NewTimer(endWait)
	defer timeout.Stop()
	for _, done := range list {
		select {
		case <-done:
		case <-timeout.C:
			return nil
		}
	}
	return nil
}

// closeNow closes the connection.
func (c *conn) closeNow() error {
	err := c.Conn.Close()
	c.c.ending.add(c.Conn.Conn().PgConn().CleanupDone()) // pgx tells the server too
	return err
}
