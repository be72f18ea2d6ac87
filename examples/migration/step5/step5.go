// Package step5 is the service on pgx. lib/pq is gone, and so is this library but for
// one function that reads a SQLSTATE.
package step5

import (
	"database/sql"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/fraiseql/fraiseql-go/examples/migration/step3"
)

// Open is how the program gets its store.
func Open(url string) (step3.Store, error) {
	db, err := sql.Open("pgx", url)
	return step3.Store{DB: db}, err
}
