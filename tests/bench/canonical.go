package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// canonical is what a server said, in one form for all of them, so that answers can be
// compared: rows without what is around them, names in camel case, numbers as texts,
// times in UTC, connections as lists.
type canonical struct {
	value any
	text  string // as JSON
}

// canonicalOf reads the answer to r.
func canonicalOf(r *request, body []byte) (canonical, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return canonical{}, fmt.Errorf("no JSON: %w: %.200s", err, body)
	}
	if m, ok := v.(map[string]any); ok {
		if errs := m["errors"]; errs != nil {
			return canonical{}, fmt.Errorf("errors: %v", errs)
		}
	}
	for step := range strings.SplitSeq(r.rows, ".") {
		if step == "" {
			break
		}
		if v = under(v, step); v == nil {
			return canonical{}, fmt.Errorf("there is no %s in %.200s", r.rows, body)
		}
	}
	v = plain(v)
	if m, ok := v.(map[string]any); ok && r.only != nil {
		for name := range m {
			if !slices.Contains(r.only, name) {
				delete(m, name)
			}
		}
	}
	text, err := json.Marshal(v)
	if err == nil && len(text) < 3 {
		err = errors.New("no rows")
	}
	return canonical{v, string(text)}, err
}

// unordered is c with its rows in the order of their texts.
func (c *canonical) unordered() string {
	list, ok := c.value.([]any)
	if !ok {
		return c.text
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v) // maps in the order of their keys
	}
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

// under is the member or the element of v that is called name; nil: there is none.
func under(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// plain is v in the form that is compared.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
		return v
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	case map[string]any:
		if nodes, ok := v["nodes"]; ok && len(v) == 1 {
			return plain(nodes)
		}
		m := make(map[string]any, len(v))
		for name, member := range v {
			m[camel(name)] = plain(member)
		}
		return m
	default:
		return v
	}
}

// camel is a name of SQL as GraphQL spells it.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
