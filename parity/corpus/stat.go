package corpus

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// ImportStatStatements reads the extension pg_stat_statements of the database that
// db is connected to. Its statements have $n for every constant and no values, so
// they can be described and not run: their kind is KindDescribe.
func ImportStatStatements(ctx context.Context, db *sql.DB, emit func(Line) error) (Imported, error) {
	out := Imported{Unusable: make(map[string]int64)}
	rows, err := db.QueryContext(ctx, `select query from pg_stat_statements
		where dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()) order by queryid, query`)
	if err != nil {
		return out, fmt.Errorf("import pg_stat_statements: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var query string
		if err := rows.Scan(&query); err != nil {
			return out, fmt.Errorf("import pg_stat_statements: %w", err)
		}
		l := Line{Version: Version, Kind: KindDescribe, SQL: query}
		t := sqltext.Parse(query)
		switch {
		case query == "<insufficient privilege>":
			out.Unusable["the role may not see it (pg_read_all_stats)"]++
			continue
		case t.Kind == sqltext.Copy:
			out.Unusable[whyCopy]++
			continue
		case t.Kind != sqltext.Read && t.Kind != sqltext.Write, !plannable(t.Name):
			out.Unusable["a utility statement has nothing to describe"]++
			continue
		case l.check() != nil:
			out.Unusable[whyEncoding]++
			continue
		}
		out.Lines++
		if err := emit(l); err != nil {
			return out, err
		}
	}
	return out, rows.Err()
}

// plannable says that a statement of this name has a plan, and so parameters.
func plannable(name string) bool {
	word, _, _ := strings.Cut(name, " ")
	switch word {
	case "select", "insert", "update", "delete", "merge", "values", "with", "table", "(":
		return true
	}
	return false
}
