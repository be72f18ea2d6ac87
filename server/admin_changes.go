package server

import (
	"encoding/json"
	"fmt"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// Changes is what a reload found.
type Changes struct {
	// Schema is the version of the catalog after it.
	Schema string `json:"schema"`
	// Tables by name, such as public.users, sorted.
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Altered []string `json:"altered"`
	// Other says that something else has changed: types, functions, extensions.
	Other bool `json:"other"`
}

// Changed says whether anything has.
func (c *Changes) Changed() bool {
	return c.Other || len(c.Added)+len(c.Removed)+len(c.Altered) > 0
}

// SchemaChanges compares the schemas before and after a reload.
func SchemaChanges(before, after *builder.Schema) (Changes, error) {
	from, to := before.Catalog(), after.Catalog()
	c := Changes{Schema: to.Version(), Added: []string{}, Removed: []string{}, Altered: []string{}}
	if from.Version() == to.Version() {
		return c, nil
	}
	old, _, err := tables(from)
	if err != nil {
		return c, err
	}
	now, names, err := tables(to)
	if err != nil {
		return c, err
	}
	for _, name := range names {
		switch text, ok := old[name]; {
		case !ok:
			c.Added = append(c.Added, name)
		case text != now[name]:
			c.Altered = append(c.Altered, name)
		}
	}
	for t := range from.Tables() {
		if _, ok := now[t.String()]; !ok {
			c.Removed = append(c.Removed, t.String())
		}
	}
	c.Other = !c.Changed() // the versions differ
	return c, nil
}

// tables are the tables of cat as JSON by their names, and the names in order.
func tables(cat *catalog.Catalog) (byName map[string]string, names []string, err error) {
	text, err := json.Marshal(cat)
	if err != nil {
		return nil, nil, fmt.Errorf("compare catalogs: %w", err)
	}
	var doc struct {
		Tables []json.RawMessage `json:"tables"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, nil, fmt.Errorf("compare catalogs: %w", err)
	}
	byName = make(map[string]string, len(doc.Tables))
	i := 0
	for t := range cat.Tables() { // MarshalJSON writes them in this order
		byName[t.String()] = string(doc.Tables[i])
		names = append(names, t.String())
		i++
	}
	return byName, names, nil
}
