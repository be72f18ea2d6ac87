package executor_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// sampleDSN is the DSN of a PostgreSQL with the sample data; put your own there.
func sampleDSN() string { return pgtest.ExampleDSN(true) }

// openSample is what ExampleOpen shows.
func openSample(ctx context.Context) *executor.DB {
	cfg, err := backend.ParseDSN(sampleDSN(), os.Getenv)
	if err != nil {
		log.Panic(err)
	}
	db, err := executor.Open(ctx, pgx.New(), cfg)
	if err != nil {
		log.Panic(err)
	}
	return db
}

func ExampleOpen() {
	ctx := context.Background()
	dsn := sampleDSN()
	cfg, err := backend.ParseDSN(dsn, os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	db, err := executor.Open(ctx, pgx.New(), cfg, executor.WithMaxConns(5))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println(db.Backend().Name(), db.Stats().MaxOpenConnections, db.Ping(ctx))
	// Output:
	// pgx 5 <nil>
}

func ExampleExecute() {
	ctx := context.Background()
	db := openSample(ctx)
	defer db.Close()

	cat, err := catalog.Load(ctx, db.Pool())
	if err != nil {
		log.Fatal(err)
	}
	schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		log.Fatal(err)
	}
	def, err := builder.ParseDefinition([]byte(`{
		"operation": "query", "table": "users", "fields": ["name"], "filters": {"id": {"eq": 1}},
		"relations": {"manager": {"fields": ["name"]}}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	if err := executor.Execute(ctx, db, schema, def, os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"data":[{"name":"Ada Lovelace","manager":null}],"errors":null}
}

func ExampleDB_InTx() {
	ctx := context.Background()
	db := openSample(ctx)
	defer db.Close()

	take := &builder.Statement{Name: "take", SQL: "update users set balance = balance - 10 where id = $1::int8", Args: []any{"1"}}
	give := &builder.Statement{Name: "give", SQL: "update users set balance = balance + 10 where id = $1::int8", Args: []any{"2"}}
	err := db.InTx(ctx, nil, func(ctx context.Context, tx executor.Runner) error {
		for _, s := range []*builder.Statement{take, give} {
			n, err := tx.Exec(ctx, s)
			if err != nil {
				return err // everything is rolled back
			}
			fmt.Println(s.Name, n)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// take 1
	// give 1
	// <nil>
}

func ExampleRows_All() {
	ctx := context.Background()
	db := openSample(ctx)
	defer db.Close()

	first, err := builder.Raw("first users", builder.Read, "select id, name, created_at from users where id <= $1::int8 order by id", "2")
	if err != nil {
		log.Fatal(err)
	}
	rows, err := db.Query(ctx, &first)
	if err != nil {
		log.Fatal(err)
	}
	var line []byte
	for row, err := range rows.All() { // closes rows, also on break
		if err != nil {
			log.Fatal(err)
		}
		if line, err = row.AppendJSON(line[:0]); err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
	// Output:
	// {"id":1,"name":"Ada Lovelace","created_at":"2024-01-01T08:00:00+00:00"}
	// {"id":2,"name":"Grace Hopper","created_at":"2024-01-08T08:00:00+00:00"}
}
