package fraiseql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// schemaChannel is what the event trigger notifies.
const schemaChannel = "fraiseql_schema"

// SchemaTriggerSQL makes what tells of changes of the schema: an event trigger,
// which only a superuser may make. Watch makes it where the role may; elsewhere
// somebody who may runs it once.
const SchemaTriggerSQL = `CREATE OR REPLACE FUNCTION fraiseql_schema_changed() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('fraiseql_schema', tg_tag);
END $$;
CREATE EVENT TRIGGER fraiseql_schema_changed ON ddl_command_end EXECUTE FUNCTION fraiseql_schema_changed();
CREATE EVENT TRIGGER fraiseql_schema_dropped ON sql_drop EXECUTE FUNCTION fraiseql_schema_changed()`

// Times of Watch. A notification is seen when the connection is next asked; a
// script of many statements is one reload.
const (
	watchAsk     = time.Second
	watchSettle  = 300 * time.Millisecond
	watchBackoff = 5 * time.Second
)

// Watch reloads the schema whenever a DDL statement was committed, until ctx ends.
// It holds one connection of its own, by which it hears of them within about a
// second; requests never wait for it. After a lost connection it reloads once, for
// what it has missed. What goes wrong is logged; the error is that the event
// trigger is not there and may not be made (see SchemaTriggerSQL), or ctx's.
func (db *DB) Watch(ctx context.Context) error {
	if err := db.schemaTrigger(ctx); err != nil {
		return err
	}
	for first := true; ctx.Err() == nil; first = false {
		if err := db.watchOnce(ctx, !first); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "changes of the schema can't be heard of; trying again", "error", err)
			select {
			case <-time.After(watchBackoff):
			case <-ctx.Done():
			}
		}
	}
	return ctx.Err()
}

// schemaTrigger makes the event trigger if it is not there.
func (db *DB) schemaTrigger(ctx context.Context) error {
	pool := db.main.Pool()
	var n int
	err := pool.QueryRowContext(ctx, `select count(*) from pg_event_trigger where evtname in ('fraiseql_schema_changed', 'fraiseql_schema_dropped') and evtenabled <> 'D'`).Scan(&n)
	if err != nil {
		return backend.Wrap(db.main.Backend(), "look for the event trigger", err)
	}
	if n == 2 {
		return nil
	}
	text := "DO $one$ BEGIN DROP EVENT TRIGGER IF EXISTS fraiseql_schema_changed; DROP EVENT TRIGGER IF EXISTS fraiseql_schema_dropped; EXECUTE $two$" + SchemaTriggerSQL + "$two$; END $one$"
	if _, err := pool.ExecContext(ctx, text); err != nil {
		return backend.New("make the event trigger", backend.CodeConfiguration,
			fmt.Errorf("changes of the schema can't be heard of: the role may not make an event trigger; a superuser can, once, by\n%s\n%w", SchemaTriggerSQL, err))
	}
	return nil
}

// watchOnce listens on one connection until it fails. missed: what happened before
// is not known.
func (db *DB) watchOnce(ctx context.Context, missed bool) (err error) {
	heard := make(chan struct{}, 1)
	cfg := db.cfg
	cfg.OnNotification = func(string, string) {
		select {
		case heard <- struct{}{}:
		default:
		}
	}
	connector, err := db.main.Backend().Connector(cfg)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, pool.Close()) }()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "listen "+schemaChannel); err != nil {
		return err
	}
	if missed {
		db.reloadLogged(ctx)
	}
	for {
		select {
		case <-time.After(watchAsk):
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := conn.ExecContext(ctx, "select 1"); err != nil {
			return err
		}
		select {
		case <-heard:
			time.Sleep(watchSettle)
			db.reloadLogged(ctx)
		default:
		}
	}
}

// reloadLogged is Reload where nobody waits for its error.
func (db *DB) reloadLogged(ctx context.Context) {
	before := db.Schema().Catalog().Version()
	if err := db.Reload(ctx); err != nil {
		slog.ErrorContext(ctx, "the schema has changed and can't be served; the old one stays", "error", err)
		return
	}
	if after := db.Schema().Catalog().Version(); after != before {
		slog.InfoContext(ctx, "the schema was read again", "version", after)
	}
}
