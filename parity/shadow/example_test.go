package shadow_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/backend/pq"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// Operations run on lib/pq, and pgx does the same in its shadow.
func ExampleNew() {
	ctx := context.Background()
	cfg, err := backend.ParseDSN(pgtest.ExampleDSN(true), func(string) string { return "" })
	if err != nil {
		log.Fatal(err)
	}
	control, err := executor.Open(ctx, pq.New(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer control.Close()

	s, err := shadow.New(ctx, control, shadow.Source{Config: cfg, Candidate: pgx.New()}, parity.NewHarness(),
		shadow.WithStage(shadow.StageShadow), shadow.WithConditions(shadow.StageShadow, shadow.Conditions{Compared: 1}))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	rows, err := s.Query(ctx, &builder.Statement{
		Name: "names", SQL: "select name from users where id = $1::int8", Args: []any{"1"}, Effect: builder.Read,
	})
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range rows.All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", row.Values()[0])
	}

	for s.Status().Compared == 0 { // beside the caller, a moment later
		time.Sleep(time.Millisecond)
	}
	status := s.Status()
	fmt.Println(status.Verdicts["equal"], "equal; ready for", status.Next.Stage, status.Next.Ready)
	// Output:
	// Ada Lovelace
	// 1 equal; ready for live true
}
