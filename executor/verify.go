package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// ErrPooler is what Open's error wraps where something between it and the server
// does not let a session be what it must be.
var ErrPooler = errors.New("a connection pooler in transaction mode seems to stand before the server: set FRAISEQL_DB_POOLER=transaction (Config.Pooler)")

// pooler recognizes what only a pooler answers to the first statements of a new
// session: 08P01 to start-up parameters that it does not forward, 42P05 and 26000
// to a named statement that went to another server than its Parse.
func pooler(err error) error {
	switch backend.SQLStateOf(err) {
	case "08P01", "42P05", "26000":
	default:
		return err
	}
	return backend.New("open", backend.CodeConfiguration, fmt.Errorf("%w: %w", ErrPooler, err))
}

// verify compares what a session has with what the start-up message asked for. A
// pooler that was told to ignore start-up parameters accepts the connection and
// leaves the server's defaults in force: answers would differ between backends,
// and behind such a pooler named statements can give another client's answer.
func (db *DB) verify(ctx context.Context, cfg backend.Config) error {
	if cfg.Pooler {
		return nil // the settings go into each transaction
	}
	want := backend.DefaultSession()
	for name := range want {
		if v, ok := cfg.Session[name]; ok {
			want[name] = v
		}
	}
	// A number of milliseconds reads back as it was asked for. Poolers do not
	// forward it, so it also shows one whose server happens to have our defaults.
	if v := cfg.Session["statement_timeout"]; v != "" && strings.Trim(v, "0123456789") == "" {
		want["statement_timeout"] = v
	}
	rows, err := db.Query(ctx, &builder.Statement{
		Name: "session settings", Effect: builder.Read,
		SQL:  "select lower(name), setting from pg_catalog.pg_settings where lower(name) = any($1::text[])",
		Args: []any{"{" + strings.Join(slices.Sorted(maps.Keys(want)), ",") + "}"},
	})
	if err != nil {
		return pooler(err)
	}
	var wrong []string
	for rows.Next() {
		name, got := string(rows.Values()[0]), string(rows.Values()[1])
		if !strings.EqualFold(got, want[name]) {
			wrong = append(wrong, fmt.Sprintf("%s is %q, not %q", name, got, want[name]))
		}
	}
	if err := rows.Close(); err != nil || len(wrong) == 0 {
		return pooler(err)
	}
	slices.Sort(wrong)
	return &backend.Error{
		Op: "open", Backend: db.backend.Name(), Code: backend.CodeConfiguration,
		Err: fmt.Errorf("the session is not what was asked for (%s): %w", strings.Join(wrong, "; "), ErrPooler),
	}
}
