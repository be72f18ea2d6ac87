package parity_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// sampleDSN is the DSN of a PostgreSQL with the sample data; put your own there.
func sampleDSN() string { return pgtest.ExampleDSN(true) }

// openBoth opens dsn on lib/pq and on pgx, whose sessions get settings.
func openBoth(ctx context.Context, dsn string, settings map[string]string) (control, candidate *executor.DB) {
	cfg, err := backend.ParseDSN(dsn, os.Getenv)
	if err != nil {
		log.Panic(err)
	}
	if control, err = executor.Open(ctx, pq.New(), cfg); err != nil {
		log.Panic(err)
	}
	cfg.Session = settings
	if candidate, err = executor.Open(ctx, pgx.New(), cfg); err != nil {
		log.Panic(err)
	}
	return control, candidate
}

func ExampleNewRunner() {
	ctx := context.Background()
	control, candidate := openBoth(ctx, sampleDSN(), nil) // two calls of executor.Open
	defer control.Close()
	defer candidate.Close()

	harness := parity.NewHarness(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		fmt.Printf("%d %s: %s\n", r.Seq, r.Operation, r.Verdict)
	})))
	var runner executor.Runner = parity.NewRunner(harness, control, candidate)

	n, err := runner.Exec(ctx, &builder.Statement{Name: "like", SQL: "update comments set upvotes = upvotes + 1 where id = $1::int8", Args: []any{"1"}})
	fmt.Println(n, err)
	fmt.Println(harness.Summary().Passed())
	// Output:
	// 1 like: equal
	// 1 <nil>
	// true
}

// The candidate's sessions have another time zone, as a forgotten setting would
// leave it: its timestamps are written with another offset.
func ExampleMismatchError() {
	ctx := context.Background()
	control, candidate := openBoth(ctx, sampleDSN(), map[string]string{"timezone": "Asia/Tokyo"})
	defer control.Close()
	defer candidate.Close()
	runner := parity.NewRunner(parity.NewHarness(), control, candidate)

	when, err := builder.Raw("when", builder.Read, "select created_at from users where id = $1::int8", "1")
	if err != nil {
		log.Fatal(err)
	}
	rows, err := runner.Query(ctx, &when)
	if err != nil {
		log.Fatal(err)
	}
	for rows.Next() {
		fmt.Printf("%s\n", rows.Values()[0]) // the control's
	}
	err = rows.Close()
	if mismatch, ok := errors.AsType[*parity.MismatchError](err); ok {
		fmt.Println(backend.CodeOf(err), mismatch.Report.Verdict, mismatch.Report.Diffs[0].Kind)
	}
	// Output:
	// 2024-01-01 08:00:00+00
	// PARITY_MISMATCH mismatch value
}
