package fraiseql_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// database is the DSN of a PostgreSQL with the sample data; put your own there.
func database() string { return pgtest.ExampleDSN(true) }

func Example() {
	ctx := context.Background()
	dsn := database()

	settings, err := flags.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	db, err := fraiseql.Open(ctx, dsn, settings)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	err = db.ExecuteJSON(ctx, []byte(`{
		"operation": "query", "table": "users", "fields": ["id", "name", "created_at"],
		"filters": {"id": {"in": [1, 2]}}, "sort": [{"id": "ASC"}]
	}`), os.Stdout)
	if err != nil {
		log.Print(err) // the client was told already, without SQL, host or values
	}
	// Output:
	// {"data":[{"id":1,"name":"Ada Lovelace","createdAt":"2024-01-01T08:00:00+00:00"},{"id":2,"name":"Grace Hopper","createdAt":"2024-01-08T08:00:00+00:00"}],"errors":null}
}

func ExampleDB_ExecuteJSON_mutation() {
	ctx := context.Background()
	db, err := fraiseql.Open(ctx, database(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	err = db.ExecuteJSON(ctx, []byte(`{
		"operation": "mutation", "type": "update", "table": "users", "filters": {"id": {"eq": 1}},
		"input": {"name": "Ada", "balance": {"set": "12.50"}}, "return_fields": ["id", "name", "balance"]
	}`), os.Stdout)
	if err != nil {
		log.Print(err)
	}
	// Output:
	// {"data":{"id":1,"name":"Ada","balance":12.50},"errors":null}
}

// What is not understood is refused before anything is sent, with its place.
func ExampleDB_ExecuteJSON_refused() {
	ctx := context.Background()
	db, err := fraiseql.Open(ctx, database(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	err = db.ExecuteJSON(ctx, []byte(`{"operation":"query","table":"users","filters":{"id":{"eq":5.5}}}`), io.Discard)
	fmt.Println(executor.CodeOf(err))
	fmt.Println(err)
	// Output:
	// BAD_USER_INPUT
	// at $.filters.id.eq: argument for int8: the number 5.5 has a fraction or an exponent; allowed: an integer from -9223372036854775808 to 9223372036854775807, also as a string
}

// A Definition can be made in Go, without JSON.
func ExampleDB_Execute() {
	ctx := context.Background()
	db, err := fraiseql.Open(ctx, database(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	limit := int64(2)
	err = db.Execute(ctx, &builder.Definition{
		Kind:   builder.Query,
		Table:  "users",
		Fields: []builder.Field{{Name: "id"}, {Name: "name"}},
		Sort:   []builder.Sort{{Field: "name"}},
		Limit:  &limit,
	}, os.Stdout)
	if err != nil {
		log.Print(err)
	}
	// Output:
	// {"data":[{"id":91,"name":"Ada Hamilton"},{"id":1,"name":"Ada Lovelace"}],"errors":null}
}

// With ParityTesting every operation runs on both drivers. What the comparison
// found goes to a Publisher; a mismatch fails the operation.
func ExampleWithParity() {
	ctx := context.Background()
	settings := flags.Default()
	settings.Backend = flags.BackendPQ // whose answers count
	settings.ParityTesting = true

	db, err := fraiseql.Open(ctx, database(), settings,
		fraiseql.WithParity(parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
			fmt.Printf("%s: %s, %d rows\n", r.Operation, r.Verdict, r.Control.Rows)
		}))))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	err = db.ExecuteJSON(ctx, []byte(`{"operation":"query","table":"users","fields":["name"],"filters":{"id":{"eq":1}}}`), os.Stdout)
	fmt.Println()
	if err != nil {
		log.Print(err)
	}
	fmt.Println(db.Harness().Summary().Passed())
	// Output:
	// query users: equal, 1 rows
	// {"data":[{"name":"Ada Lovelace"}],"errors":null}
	// true
}
