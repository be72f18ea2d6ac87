package pgx

import (
	"context"

	"github.com/fraiseql/fraiseql-go/backend/internal/defaults"
)

// autocommits says whether BEGIN and COMMIT around a write need not be sent, which are
// two of three commands that the server has to answer.
func (c *conn) autocommits(ctx context.Context) bool {
	pc := c.Conn.Conn()
	for name, want := range defaults.Reported {
		if pc.PgConn().ParameterStatus(name) != want {
			return false
		}
	}
	return c.level.Plain(func() (level string, err error) {
		err = pc.QueryRow(ctx, defaults.Ask).Scan(&level)
		return level, err
	})
}
