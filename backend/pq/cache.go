package pq

import (
	"container/list"
	"database/sql/driver"

	"github.com/fraiseql/fraiseql-go/backend"
)

// statement is one prepared statement of a connection.
type statement struct {
	query   string
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

// add stores s and returns the statement that has to go for it, or nil.
func (c *cache) add(s *statement) (evicted *statement) {
	c.byKey[s.query] = c.order.PushFront(s)
	if c.order.Len() <= c.size {
		return nil
	}
	evicted = c.order.Remove(c.order.Back()).(*statement) //nolint:forcetypeassert // nothing else is in it
	delete(c.byKey, evicted.query)
	return evicted
}

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
