package backend

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// CheckAttrs asks a fresh connection whether its server is what attrs
// (Attempt.Attrs) wants; the answer is nil or wraps ErrNotPreferred. Both backends
// use it, so that they agree about what read-write means: libpq's rule, not in
// recovery and not read-only by default.
func CheckAttrs(ctx context.Context, conn driver.QueryerContext, attrs string) error {
	if attrs == "" || attrs == "any" {
		return nil
	}
	recovery, err := askText(ctx, conn, "select pg_catalog.pg_is_in_recovery()::text")
	if err != nil {
		return fmt.Errorf("check target_session_attrs: %w", err)
	}
	readOnly, err := askText(ctx, conn, "select pg_catalog.current_setting('transaction_read_only')")
	if err != nil {
		return fmt.Errorf("check target_session_attrs: %w", err)
	}
	standby, ro := recovery == "true", readOnly == "on"
	ok := true
	switch attrs {
	case "read-write":
		ok = !ro && !standby
	case "read-only":
		ok = ro || standby
	case "primary":
		ok = !standby
	case "standby":
		ok = standby
	}
	if !ok {
		return fmt.Errorf("%w: %s", ErrNotPreferred, attrs)
	}
	return nil
}

// askText runs a query whose answer is one text value.
func askText(ctx context.Context, conn driver.QueryerContext, query string) (text string, err error) {
	rows, err := conn.QueryContext(ctx, query, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	dest := make([]driver.Value, 1)
	if err := rows.Next(dest); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	switch v := dest[0].(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return "", fmt.Errorf("unexpected answer of type %T", dest[0])
}
