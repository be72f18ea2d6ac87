package connector_test

import (
	"context"
	"database/sql"
	"fmt"

	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	libpq "github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/connector"
)

// The code below the connector is what it was: here a query whose result it scans
// into an any. What lib/pq gives it pgx gives it as another Go type.
func ExampleNew() {
	ctx := context.Background()
	dsn := pgtest.ExampleDSN(false)
	control, err := libpq.NewConnector(dsn)
	if err != nil {
		panic(err)
	}
	cfg, err := jackpgx.ParseConfig(dsn)
	if err != nil {
		panic(err)
	}
	h := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		fmt.Printf("%s: %v %v\n", r.Operation, r.Verdict, r.Rules)
	})))
	db := sql.OpenDB(connector.New(control, stdlib.GetConnector(*cfg), h))
	defer db.Close()

	var v any
	if err := db.QueryRowContext(ctx, "select 12.50::numeric as price").Scan(&v); err != nil {
		panic(err)
	}
	fmt.Printf("%T %s\n", v, v)
	// Output:
	// select: equal by rule map[go type: numeric: []byte against string:1]
	// []uint8 12.50
}
