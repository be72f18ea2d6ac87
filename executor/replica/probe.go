package replica

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/fraiseql/fraiseql-go/backend"
)

// probe is one connection of its own to a server: what it is asked does not wait
// behind statements, so that a busy replica is not taken for a dead one.
type probe struct {
	backend backend.Backend
	pool    *sql.DB
}

func newProbe(b backend.Backend, cfg backend.Config) (*probe, error) {
	cfg.ApplicationName += "/replica"
	c, err := b.Connector(cfg)
	if err != nil {
		return nil, backend.Wrap(b, "open", err)
	}
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(1)
	return &probe{b, pool}, nil
}

func (p *probe) close() error { return backend.Wrap(p.backend, "close", p.pool.Close()) }

// ask runs a query whose answer is one row of texts.
func (p *probe) ask(ctx context.Context, query string, n int) ([]string, error) {
	return ask(ctx, p.backend, p.pool, query, n)
}

type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func ask(ctx context.Context, b backend.Backend, on rower, query string, n int) ([]string, error) {
	texts, into := make([]string, n), make([]any, n)
	for i := range texts {
		into[i] = &texts[i]
	}
	if err := on.QueryRowContext(ctx, query).Scan(into...); err != nil {
		return nil, backend.Wrap(b, "query", err)
	}
	return texts, nil
}

// positionSQL is where a primary is. The name of a log file begins with the timeline.
const positionSQL = `select l::text, left(pg_catalog.pg_walfile_name(l), 8) from pg_catalog.pg_current_wal_insert_lsn() as l`

// positionOf asks a primary where it is.
func positionOf(ctx context.Context, b backend.Backend, on rower) (Position, error) {
	got, err := ask(ctx, b, on, positionSQL, 2)
	if err != nil {
		return Position{}, err
	}
	return written(got[1], got[0])
}

// startedSQL tells one run of a server from any other, of itself or of another one.
const startedSQL = `extract(epoch from pg_catalog.pg_postmaster_start_time())::text`

// stateSQL is how a replica is doing. The timeline that the receiver writes is the
// one that is followed: it is chosen only after what has been replayed was found to
// be part of it. Without the rights of pg_read_all_stats it is hidden, and the one
// of the last checkpoint has to do, which comes later. pg_last_wal_replay_lsn is null
// before the first record.
const stateSQL = `select pg_catalog.pg_is_in_recovery()::text, ` + startedSQL + `,
 coalesce(pg_catalog.pg_last_wal_replay_lsn(), '0/0')::text,
 pg_catalog.to_hex(greatest((select max(received_tli) from pg_catalog.pg_stat_wal_receiver),
  (select timeline_id from pg_catalog.pg_control_checkpoint())))`

// clusterSQL is which cluster and database a server has.
const clusterSQL = `select (select system_identifier from pg_catalog.pg_control_system())::text, pg_catalog.current_database()::text`

// errPromoted is a replica that follows nobody.
var errPromoted = errors.New("it is not in recovery: a primary, or promoted")

// look asks a replica where it is, and which run of it that is.
func (p *probe) look(ctx context.Context) (at Position, started string, err error) {
	got, err := p.ask(ctx, stateSQL, 4)
	switch {
	case err != nil:
		return Position{}, "", err
	case got[0] != "true":
		return Position{}, "", errPromoted
	}
	at, err = position(got[3], got[2])
	return at, got[1], err
}

// errOther is a connection to another run of the server than the one that is looked
// at. One that was restarted may have less than before for a moment, and behind a name
// that stands for several servers there is no telling what one has.
var errOther = errors.New("the connection goes to another server than the one that is looked at, or it was restarted")

// same checks that a new connection goes to the run of the server that was looked at.
func same(ctx context.Context, conn driver.Conn, started string) (err error) {
	q, ok := conn.(driver.QueryerContext)
	if !ok {
		return backend.New("connect", backend.CodeInternal, fmt.Errorf("a connection of type %T answers no queries", conn))
	}
	rows, err := q.QueryContext(ctx, "select "+startedSQL, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	got := make([]driver.Value, 1)
	if err := rows.Next(got); err != nil {
		return err
	}
	text, ok := got[0].(string)
	if b, bytes := got[0].([]byte); bytes {
		text, ok = string(b), true
	}
	if !ok || text != started {
		return backend.New("connect", backend.CodeServiceUnavailable, errOther)
	}
	return nil
}
