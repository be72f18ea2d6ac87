package defaults_test

import (
	"errors"
	"testing"

	"github.com/fraiseql/fraiseql-go/backend/internal/defaults"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		level string
		err   error
		want  bool
	}{{"read committed", nil, true}, {"serializable", nil, false}, {"", nil, false}, {"read committed", errors.New("lost"), false}} {
		var l defaults.Level
		for range 2 {
			if got := l.Plain(func() (string, error) { return tt.level, tt.err }); got != tt.want {
				t.Errorf("%q, %v: %t", tt.level, tt.err, got)
			}
		}
	}
}

// What may have set the level has it asked for again.
func TestNoticed(t *testing.T) {
	t.Parallel()
	for query, again := range map[string]bool{
		"begin isolation level serializable read write": false,
		"COMMIT":                   false,
		"savepoint a":              false,
		"Select 1":                 false,
		"insert into t values (1)": false,
		defaults.Ask:               false,
		"set default_transaction_isolation = serializable":                                    true,
		"select 1; set default_transaction_isolation = serializable":                          true,
		"SELECT pg_catalog.SET_CONFIG('default_transaction_isolation', 'serializable', true)": true,
		"/* */ set x = 1":          true,
		"discard all":              true,
		"reset all":                true,
		"do $$ begin null; end $$": true,
		"call p()":                 true,
		"":                         true,
	} {
		asked := 0
		ask := func() (string, error) { asked++; return "read committed", nil }
		var l defaults.Level
		l.Noticed(query) // nothing is known yet
		l.Plain(ask)
		l.Noticed(query)
		l.Plain(ask)
		if (asked == 2) != again {
			t.Errorf("%q: asked %d times", query, asked)
		}
	}
}
