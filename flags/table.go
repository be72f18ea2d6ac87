package flags

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Setting is one row of the table.
type Setting struct {
	Env     string // variable
	Flag    string // command line flag, without the dashes
	Default string // as it would be written
	Allowed string // in words: "pgx or pq"
	Doc     string // one or two sentences
	// Fallback is a second variable, looked at where Env is not set; or "".
	Fallback string
	// Secret values are never shown.
	Secret bool
	// List is one of several values, with commas between them; a configuration
	// file may write them as a list.
	List bool
	// Group is the heading of the reference page.
	Group string

	set  func(*Settings, string) error
	show func(*Settings) string
}

// Value is the setting's value in s as it would be written; for a secret one
// "(set)" or "".
func (r Setting) Value(s *Settings) string {
	v := r.show(s)
	if r.Secret && v != "" {
		return "(set)"
	}
	return v
}

// Table lists every setting in the order of the reference page.
func Table() []Setting { return slices.Clone(table) }

// table is the one place where a setting is described.
var table = slices.Concat(databaseRows, shadowRows, serverRows, graphqlRows, limitRows, jwtRows)

// lookup finds a row by its variable.
func lookup(env string) *Setting {
	for i := range table {
		if table[i].Env == env {
			return &table[i]
		}
	}
	return nil
}

// marshal writes settings in the table's order.
func marshal(s *Settings) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range table {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, text := range []string{table[i].Env, table[i].Value(s)} {
			q, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			if j > 0 {
				b.WriteByte(':')
			}
			b.Write(q)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// oneOf says "a, b or c".
func oneOf(allowed []string) string {
	if len(allowed) < 2 {
		return strings.Join(allowed, "")
	}
	last := len(allowed) - 1
	return strings.Join(allowed[:last], ", ") + " or " + allowed[last]
}
