// Package step4 is the service in production with both drivers: lib/pq answers, and
// pgx runs each read beside it, on connections of its own. NOTES_DRIVER=pgx lets pgx
// answer, with lib/pq beside it; that is the switch, and the way back.
package step4

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

// Open is how the program gets its pool. name is the value of NOTES_DRIVER: pq, the
// default, or pgx.
func Open(url, name string) (*sql.DB, *parity.Harness, error) {
	libpq, err := pq.NewConnector(url)
	if err != nil {
		return nil, nil, err
	}
	other, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(url)
	if err != nil {
		return nil, nil, err
	}
	h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(ctx context.Context, r parity.Report) {
		if r.Verdict == parity.Mismatch {
			slog.WarnContext(ctx, "the drivers differ", "operation", r.Operation, "class", r.Class)
		}
	})))
	switch name {
	case "", "pq":
		return sql.OpenDB(connector.New(libpq, other, h)), h, nil
	case "pgx":
		return sql.OpenDB(connector.New(other, libpq, h)), h, nil
	}
	return nil, nil, fmt.Errorf("NOTES_DRIVER=%s: allowed: pq, pgx", name)
}
