package catalog_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// sampleDSN is the DSN of a PostgreSQL with the sample data; put your own there.
func sampleDSN() string { return pgtest.ExampleDSN(true) }

func ExampleLoad() {
	ctx := context.Background()
	dsn := sampleDSN()
	cfg, err := backend.ParseDSN(dsn, os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	connector, err := pgx.New().Connector(cfg)
	if err != nil {
		log.Fatal(err)
	}
	pool := sql.OpenDB(connector) // any *sql.DB will do
	defer pool.Close()

	cat, err := catalog.Load(ctx, pool, catalog.WithSchemas("public"))
	if err != nil {
		log.Fatal(err)
	}
	comments, err := cat.Table("comments")
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range comments.Columns {
		fmt.Println(c.Name, c.NotNull)
	}
	for _, fk := range comments.ForeignKeys {
		fmt.Println(fk.Name, fk.OnDelete)
	}
	_, err = cat.Table("coments")
	fmt.Println(err)
	// Output:
	// id true
	// post_id true
	// author_id true
	// parent_id false
	// body true
	// upvotes true
	// created_at true
	// comments_author_id_fkey CASCADE
	// comments_parent_id_fkey CASCADE
	// comments_post_id_fkey CASCADE
	// unknown table: "coments"
}

func ExampleCamelCase() {
	for _, name := range []string{"created_at", "_id", "a__b", "USER_ID", "is2_d"} {
		fmt.Println(name, catalog.CamelCase(name))
	}
	// Output:
	// created_at createdAt
	// _id _id
	// a__b aB
	// USER_ID USERID
	// is2_d is2D
}
