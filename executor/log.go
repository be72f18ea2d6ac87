package executor

import (
	"context"
	"log/slog"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
)

// Observation is what is known of one statement after it ended. It holds neither
// SQL nor values.
type Observation struct {
	Statement string        // Statement.Name
	Backend   string        // Backend.Name
	Duration  time.Duration // until the last row was read, or the rows were closed
	Rows      int64         // read, or affected
	Code      backend.Code  // CodeOK: it went well
	SQLState  string        // five characters where the server has refused it; else ""
	Effect    builder.Effect
}

func (db *DB) watched() bool { return db.opt.log != nil || db.opt.observe != nil }

// observed tells the log and the observer about one statement.
func (db *DB) observed(ctx context.Context, s *builder.Statement, began time.Time, rows int64, err error) {
	if !db.watched() {
		return
	}
	o := Observation{
		Statement: s.Name, Backend: db.backend.Name(), Duration: time.Since(began), Rows: rows, Code: backend.CodeOf(err),
		SQLState: backend.SQLStateOf(err), Effect: s.Effect,
	}
	if db.opt.observe != nil {
		db.opt.observe(ctx, o)
	}
	if db.opt.log != nil && o.Duration >= db.opt.slow {
		attrs := []slog.Attr{
			slog.String("statement", o.Statement), slog.String("backend", o.Backend),
			slog.Float64("ms", float64(o.Duration.Microseconds())/1000), slog.Int64("rows", o.Rows),
		}
		if err != nil {
			attrs = append(attrs, slog.String("code", o.Code.String()))
		}
		db.opt.log.LogAttrs(ctx, slog.LevelWarn, "slow statement", attrs...)
	}
}
