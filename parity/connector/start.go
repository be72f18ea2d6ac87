package connector

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// startSQL are the parameters that were set for a session before its first statement: by its
// URL, its role or its database, and of those that decide what its statements mean by the
// server's configuration too. pg_settings lists neither the role nor, before PostgreSQL 16 or
// where no extension has defined it, what has a dot in its name.
const startSQL = `select pg_catalog.lower(name), setting from pg_catalog.pg_settings
where name in ('search_path', 'TimeZone', 'default_text_search_config', 'default_transaction_read_only') and source <> 'default'
	or source in ('client', 'user', 'database', 'database user', 'session') and name <> 'application_name'
union all select 'role', pg_catalog.current_setting('role') where pg_catalog.current_setting('role') <> 'none'`

// startSettings asks a new connection of the control for them. Without an answer the
// record has none: the application comes first.
func startSettings(ctx context.Context, conn driver.Conn) map[string]string {
	rows, err := collect(ctx, conn, startSQL, nil)
	if err != nil || rows.err != nil {
		return nil
	}
	set := map[string]string{}
	for _, row := range rows.rows {
		set[text(row[0])] = text(row[1])
	}
	return set
}

// text is a value that is text, in either driver's type.
func text(v driver.Value) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
