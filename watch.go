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
// second; requests never wait for it. When it begins to listen, at first and after a
// lost connection, it reloads once for what it has missed. What goes wrong is
// logged; the error is that the event trigger is not there and may not be made (see
// SchemaTriggerSQL), or ctx's.
func (db *DB) Watch(ctx context.Context) error {
	for ctx.Err() == nil {
		err := db.watchOnce(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errNoTrigger):
			return err
		case err != nil:
			slog.WarnContext(ctx, "changes of the schema can't be heard of; trying again", "error", err)
			select {
			case <-time.After(watchBackoff):
			case <-ctx.Done():
			}
		}
	}
	return ctx.Err()
}

var errNoTrigger = errors.New("changes of the schema can't be heard of: the role may not make an event trigger; a superuser can, once, by\n" + SchemaTriggerSQL)

// schemaTrigger makes the event trigger if it is not there.
func (db *DB) schemaTrigger(ctx context.Context) error {
	there, err := db.hasSchemaTrigger(ctx)
	if there || err != nil {
		return err
	}
	text := "DO $one$ BEGIN DROP EVENT TRIGGER IF EXISTS fraiseql_schema_changed; DROP EVENT TRIGGER IF EXISTS fraiseql_schema_dropped; EXECUTE $two$" + SchemaTriggerSQL + "$two$; END $one$"
	if _, err = db.main.Pool().ExecContext(ctx, text); err == nil {
		return nil
	}
	// Somebody else may have made it meanwhile: the copies of a service begin at one time.
	if there, lerr := db.hasSchemaTrigger(ctx); there && lerr == nil {
		return nil
	}
	err = backend.Wrap(db.main.Backend(), "make the event trigger", err)
	if backend.CodeOf(err) == backend.CodeForbidden {
		err = backend.New("make the event trigger", backend.CodeConfiguration, fmt.Errorf("%w\n%w", errNoTrigger, err))
	}
	return err
}

func (db *DB) hasSchemaTrigger(ctx context.Context) (bool, error) {
	var n int
	err := db.main.Pool().QueryRowContext(ctx,
		`select count(*) from pg_event_trigger where evtname in ('fraiseql_schema_changed', 'fraiseql_schema_dropped') and evtenabled <> 'D'`).Scan(&n)
	return n == 2, backend.Wrap(db.main.Backend(), "look for the event trigger", err)
}

// watchOnce listens on one connection until it fails.
func (db *DB) watchOnce(ctx context.Context) (err error) {
	if err := db.schemaTrigger(ctx); err != nil {
		return err
	}
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
	db.reloadLogged(ctx) // what happened until here nobody has heard
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
	if err := db.reloadSchema(ctx); err != nil {
		slog.ErrorContext(ctx, "the schema has changed and can't be served; the old one stays", "error", err)
		return
	}
	if after := db.Schema().Catalog().Version(); after != before {
		slog.InfoContext(ctx, "the schema was read again", "version", after)
	}
}
