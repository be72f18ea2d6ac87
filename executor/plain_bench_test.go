package executor_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the drivers as an application has them today
	_ "github.com/lib/pq"
)

// plainPools are database/sql over each driver alone, as an application opens it
// before it uses any of this: the yardstick of what the product adds or saves.
func plainPools(b *testing.B, dsn string) map[string]*sql.DB {
	b.Helper()
	pools := map[string]*sql.DB{}
	for name, driver := range map[string]string{"plain-pgx": "pgx", "plain-pq": "postgres"} {
		db, err := sql.Open(driver, dsn)
		if err != nil {
			b.Fatal(err)
		}
		db.SetMaxIdleConns(4)
		b.Cleanup(func() { db.Close() })
		pools[name] = db
	}
	return pools
}
