package builder_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/Masterminds/squirrel"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// exampleSchema is the Schema of the sample database, read once.
var exampleSchema = sync.OnceValue(func() *builder.Schema {
	cfg, err := backend.ParseDSN(pgtest.ExampleDSN(true), os.Getenv)
	if err != nil {
		log.Panic(err)
	}
	connector, err := pgx.New().Connector(cfg)
	if err != nil {
		log.Panic(err)
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	cat, err := catalog.Load(context.Background(), pool)
	if err != nil {
		log.Panic(err)
	}
	schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		log.Panic(err)
	}
	return schema
})

func ExampleParseDefinition() {
	def, err := builder.ParseDefinition([]byte(`{
		"operation": "query", "table": "users", "fields": ["id", "name"], "pagination": {"limit": 10}
	}`))
	fmt.Println(def.Kind, def.Table, *def.Limit, err)

	_, err = builder.ParseDefinition([]byte(`{"operation": "query", "table": "users", "filter": {"id": {"eq": 1}}}`))
	fmt.Println(err)
	// Output:
	// 1 users 10 <nil>
	// at $.filter: unknown key of a definition "filter"; did you mean "filters"?; allowed: operation, table, fields, relations, filters, sort, pagination, after, before, distinct, aggregate, group_by, having
}

func ExampleSchema_Parse() {
	schema := exampleSchema() // builder.NewSchema(cat, builder.SchemaOptions{})

	req, err := schema.Parse([]byte(`{"isolation": "serializable", "transaction": [
		{"type": "update", "table": "users", "filters": {"id": {"eq": 1}}, "input": {"balance": {"increment": -10}}},
		{"type": "update", "table": "users", "filters": {"id": {"eq": 2}}, "input": {"balance": {"increment": 10}}}
	]}`))
	fmt.Println(len(req.Definitions), req.Transaction, req.Isolation, err)
	// Output:
	// 2 true Serializable <nil>
}

func ExampleBuild() {
	schema := exampleSchema() // builder.NewSchema(cat, builder.SchemaOptions{})

	def, err := builder.ParseDefinition([]byte(`{
		"operation": "query", "table": "users", "fields": ["id", "name"],
		"filters": {"email": {"endswith": "@example.com"}, "is_active": {"eq": true}},
		"pagination": {"limit": 10}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	plan, err := builder.Build(schema, def)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan.Root.Statement.SQL)
	fmt.Printf("%q\n", plan.Root.Statement.Args)
	// Output:
	// SELECT "t0"."id", "t0"."name" FROM "public"."users" AS "t0" WHERE ("t0"."email" LIKE $1::text) AND ("t0"."is_active" = $2::bool) ORDER BY "t0"."id" LIMIT $3::int8
	// ["%@example.com" "true" "10"]
}

// Every problem is told at once, each with its place.
func ExampleBuild_problems() {
	schema := exampleSchema() // builder.NewSchema(cat, builder.SchemaOptions{})

	def, err := builder.ParseDefinition([]byte(`{
		"operation": "query", "table": "users", "fields": ["id", "nam"], "filters": {"id": {"eq": "x"}}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	_, err = builder.Build(schema, def)
	fmt.Println(err)
	// Output:
	// at $.fields[1]: unknown field "nam"; did you mean "name"?; allowed: id, name, email, emailDomain, role, isActive, birthDate, balance, tags, profile, address, managerId, createdAt, updatedAt
	// at $.filters.id.eq: argument for int8: the string "x" is not a number; allowed: an integer from -9223372036854775808 to 9223372036854775807, also as a string
}

func ExampleFrom() {
	active := squirrel.Select("count(*)").From("users").Where("is_active = ?", "true")
	s, err := builder.From("count active users", builder.Read, active)
	fmt.Println(s.SQL, s.Args, err)
	// Output:
	// SELECT count(*) FROM users WHERE is_active = $1 [true] <nil>
}

func ExampleRaw() {
	s, err := builder.Raw("publish", builder.Write, "select publish_post($1::int8)", "7")
	fmt.Println(s.Name, s.SQL, s.Args, err)
	// Output:
	// publish select publish_post($1::int8) [7] <nil>
}
