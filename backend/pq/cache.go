package pq

import (
	"container/list"
	"database/sql/driver"

	"github.com/fraiseql/fraiseql-go/backend"
)

// statement is one prepared statement of a connection.
type statement struct {
	query   string
	name    string // at the server
	stmt    driver.Stmt
	columns []backend.Column
}

// cache keeps the statements that were used last, up to a number.
type cache struct {
	size  int
	order *list.List // of *statement, the last used first
	byKey map[string]*list.Element
}

func newCache(size int) *cache {
	return &cache{size: size, order: list.New(), byKey: make(map[string]*list.Element, size)}
}

// find returns the statement for query, or nil.
func (c *cache) find(query string) *statement {
	e := c.byKey[query]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*statement) //nolint:forcetypeassert // nothing else is in it
}

// room makes it for one more, and returns the name of the statement that has to go for
// that, or "".
func (c *cache) room() (evicted string) {
	if c.order.Len() < c.size {
		return ""
	}
	s := c.order.Remove(c.order.Back()).(*statement) //nolint:forcetypeassert // nothing else is in it
	delete(c.byKey, s.query)
	return s.name
}

// add stores s.
func (c *cache) add(s *statement) { c.byKey[s.query] = c.order.PushFront(s) }

// remove forgets s.
func (c *cache) remove(s *statement) {
	if e := c.byKey[s.query]; e != nil {
		c.order.Remove(e)
		delete(c.byKey, s.query)
	}
}

// clear forgets all and returns what was there.
func (c *cache) clear() []*statement {
	all := make([]*statement, 0, c.order.Len())
	for e := c.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*statement)) //nolint:forcetypeassert // nothing else is in it
	}
	c.order.Init()
	clear(c.byKey)
	return all
}
