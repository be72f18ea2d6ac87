package libraries

import (
	_ "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	_ "github.com/alexedwards/scs/postgresstore"
	_ "github.com/alexedwards/scs/v2"
	_ "github.com/fraiseql/fraiseql-go/parity/connector"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"
	_ "github.com/pressly/goose/v3"
	_ "github.com/riverqueue/river"
	_ "github.com/riverqueue/river/riverdriver/riverdatabasesql"
	_ "github.com/riverqueue/river/rivermigrate"
	_ "github.com/uptrace/bun"
	_ "github.com/uptrace/bun/dialect/pgdialect"
	_ "gorm.io/driver/postgres"
	_ "gorm.io/gorm"
)
