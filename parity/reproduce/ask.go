package reproduce

import (
	"context"
	"database/sql"
	"errors"

	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// asker asks the server what it thinks of a statement in the scratch database.
type asker struct {
	ctx  context.Context //nolint:containedctx // of one shrinking
	db   *executor.DB
	conn *sql.Conn
}

func newAsker(ctx context.Context, t *trier, lines []corpus.Line) (*asker, error) {
	db, err := executor.Open(ctx, t.sides.Control, t.cfg, executor.WithMinIdle(0), executor.WithMaxConns(1))
	if err != nil {
		return nil, err
	}
	conn, err := db.Pool().Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	for _, l := range lines {
		for name, value := range l.Settings {
			if _, err := conn.ExecContext(ctx, "select pg_catalog.set_config($1, $2, false)", name, value); err != nil {
				continue // it is refused in the comparison too
			}
		}
	}
	return &asker{ctx: ctx, db: db, conn: conn}, nil
}

func (a *asker) close() error { return errors.Join(a.conn.Close(), a.db.Close()) }

// takes says whether the server can prepare the statement.
func (a *asker) takes(query string) (ok bool) {
	st, err := a.conn.PrepareContext(a.ctx, query)
	if err != nil {
		return false
	}
	defer func() { ok = st.Close() == nil }()
	return true
}

// spoken are the words of the server: keywords, types, functions and settings.
func (a *asker) spoken() (map[string]bool, error) {
	var text string
	err := a.conn.QueryRowContext(a.ctx, `select pg_catalog.string_agg(w, ' ') from (select word from pg_catalog.pg_get_keywords()
		union select p.proname from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
		union select lower(s.name) from pg_catalog.pg_settings s where s.name !~ '[.]'
		union select t.typname from pg_catalog.pg_type t where t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace) x (w)`).Scan(&text)
	return wordSet(text), err
}

// parameters are the types of a statement's parameters, without modifiers; nil where the
// server does not tell.
func (a *asker) parameters(query string) (list []string) {
	const name = "fraiseql_q"
	if _, err := a.conn.ExecContext(a.ctx, "prepare "+name+" as "+query); err != nil {
		return nil
	}
	defer a.conn.ExecContext(a.ctx, "deallocate "+name) //nolint:errcheck // the connection is closed soon
	var path string
	if a.conn.QueryRowContext(a.ctx, "select pg_catalog.current_setting('search_path')").Scan(&path) != nil {
		return nil
	}
	if _, err := a.conn.ExecContext(a.ctx, "set search_path to pg_catalog"); err != nil { // has the names of types written out
		return nil
	}
	defer a.conn.ExecContext(a.ctx, "select pg_catalog.set_config('search_path', $1, false)", path) //nolint:errcheck // the same
	rows, err := a.conn.QueryContext(a.ctx, `select pg_catalog.format_type(u.t::pg_catalog.oid, null)
		from pg_catalog.pg_prepared_statements p, pg_catalog.unnest(p.parameter_types) with ordinality u (t, n) where p.name = $1 order by u.n`, name)
	if err != nil {
		return nil
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var typ string
		if rows.Scan(&typ) != nil {
			return nil
		}
		list = append(list, typ)
	}
	if rows.Err() != nil {
		return nil
	}
	return list
}
