package reproduce

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fraiseql/fraiseql-go/catalog"
)

// finder reads the part of a database that an operation may need. It goes from names
// and relations to what these need, and puts that into the world first.
type finder struct {
	ctx     context.Context //nolint:containedctx // of one search
	db      *sql.DB
	catalog *catalog.Catalog // of all schemas
	path    string           // the program's search_path, "" for that of the connection
	take    string           // the source's search_path, where a database without settings has another
	writes  bool             // what a write meets is needed too: triggers, checks, unique indexes
	flat    bool             // a view is taken for a table
	world   *world
	seen    map[string]bool // class and OID
	strange map[string]bool // OIDs of types that can't be made
}

func find(ctx context.Context, db *sql.DB) (*finder, error) {
	cat, err := catalog.Load(ctx, db, catalog.WithoutCollisions())
	if err != nil {
		return nil, err
	}
	return &finder{ctx: ctx, db: db, catalog: cat}, nil
}

// begin forgets what was found.
func (f *finder) begin(flat bool) {
	f.world, f.seen, f.strange, f.flat = &world{}, map[string]bool{}, map[string]bool{}, flat
}

// done drops keys that refer to what is not there.
func (f *finder) done() *world {
	for i := range f.world.tables {
		t := &f.world.tables[i]
		t.foreign = slices.DeleteFunc(t.foreign, func(k foreign) bool { return !f.world.has(k) || !t.hasAll(k.columns) })
		if !t.hasAll(t.key) {
			t.key = nil
		}
		t.unique = slices.DeleteFunc(t.unique, func(u unique) bool { return !t.hasAll(u.columns) })
	}
	return f.world
}

// first says whether nobody was here before.
func (f *finder) first(class, oid string) bool {
	key := class + " " + oid
	if f.seen[key] {
		return false
	}
	f.seen[key] = true
	return true
}

// rows reads the answer to a query with one argument, of columns that are never NULL.
// Names are looked up on path, "" for that of the connection.
func (f *finder) rows(path, query, arg string) (list [][]string, err error) {
	tx, err := f.db.BeginTx(f.ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if path != "" {
		if _, err := tx.ExecContext(f.ctx, "select pg_catalog.set_config('search_path', $1, true)", path); err != nil {
			return nil, err
		}
	}
	rows, err := tx.QueryContext(f.ctx, query, arg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, to := make([]string, len(names)), make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// bare has every name written out that is not the server's own.
const bare = "pg_catalog"

// namesSQL finds what the words of a program, a JSON array, may name: relations,
// functions, types, and the extensions of operators.
const namesSQL = `with w as (select pg_catalog.jsonb_array_elements_text($1::text::jsonb) as word)
select 'pg_class', c.oid::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relname::text in (select word from w) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
	and (pg_catalog.pg_table_is_visible(c.oid) or n.nspname::text in (select word from w))
union all
select 'pg_proc', p.oid::text from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.proname::text in (select word from w) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
	and (pg_catalog.pg_function_is_visible(p.oid) or n.nspname::text in (select word from w))
union all
select 'pg_type', t.oid::text from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where t.typname::text in (select word from w) and t.typrelid = 0 and t.typtype <> 'p' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
	and (pg_catalog.pg_type_is_visible(t.oid) or n.nspname::text in (select word from w))
union all
select 'pg_operator', o.oid::text from pg_catalog.pg_operator o where o.oprname::text in (select word from w) and o.oid >= 16384
order by 1, 2`

// words finds what words name, and all that it needs.
func (f *finder) words(words []string) error {
	text, err := json.Marshal(append([]string{}, words...))
	if err != nil {
		return err
	}
	list, err := f.rows(f.path, namesSQL, string(text))
	if err != nil {
		return err
	}
	return f.all(list)
}

// all finds things by class and OID.
func (f *finder) all(list [][]string) error {
	for _, n := range list {
		var err error
		switch n[0] {
		case "pg_class":
			err = f.relation(n[1])
		case "pg_proc":
			err = f.function(n[1])
		case "pg_type":
			_, err = f.typ(n[1])
		case "pg_operator":
			_, err = f.extension(n[0], n[1])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const extensionSQL = `select x.extname::text, n.nspname::text
from pg_catalog.pg_depend d join pg_catalog.pg_extension x on x.oid = d.refobjid join pg_catalog.pg_namespace n on n.oid = x.extnamespace
where d.classid = '%s'::pg_catalog.regclass and d.objid = $1::text::pg_catalog.oid and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.deptype = 'e'`

// extension says whether the thing is of one, which is then needed.
func (f *finder) extension(class, oid string) (bool, error) {
	list, err := f.rows("", fmt.Sprintf(extensionSQL, "pg_catalog."+class), oid)
	if err != nil || len(list) == 0 {
		return false, err
	}
	f.world.extend(extension{name: list[0][0], schema: list[0][1]})
	return true, nil
}

func (w *world) extend(e extension) {
	if !slices.Contains(w.extensions, e) {
		w.extensions = append(w.extensions, e)
	}
}

const relationSQL = `select n.nspname::text, c.relname::text, c.relkind::text, coalesce(pg_catalog.array_to_string(c.reloptions, ', '), ''),
	case when c.relkind = 'v' then pg_catalog.pg_get_viewdef(c.oid) else '' end,
	coalesce((select d.refobjid::text from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
		and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i') and c.relkind = 'S' limit 1), '')
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = $1::text::pg_catalog.oid`

// needsSQL is what the rules of a view, or a function, depend on.
const needsSQL = `select distinct case d.refclassid when 'pg_catalog.pg_class'::pg_catalog.regclass then 'pg_class' when 'pg_catalog.pg_proc'::pg_catalog.regclass then 'pg_proc'
	when 'pg_catalog.pg_type'::pg_catalog.regclass then 'pg_type' else 'pg_operator' end, d.refobjid::text
from pg_catalog.pg_depend d
where (d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid in (select r.oid from pg_catalog.pg_rewrite r where r.ev_class = $1::text::pg_catalog.oid)
	or d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = $1::text::pg_catalog.oid)
	and d.refobjid <> $1::text::pg_catalog.oid and d.refobjid >= 16384
	and d.refclassid in ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
order by 1, 2`

// relation finds a table, a view or a sequence.
func (f *finder) relation(oid string) error {
	if !f.first("pg_class", oid) {
		return nil
	}
	if of, err := f.extension("pg_class", oid); of || err != nil {
		return err
	}
	list, err := f.rows(bare, relationSQL, oid)
	if err != nil || len(list) == 0 {
		return err
	}
	schema, name, kind, options, definition, owner := list[0][0], list[0][1], list[0][2], list[0][3], list[0][4], list[0][5]
	if schema == "pg_catalog" || schema == "information_schema" {
		return nil
	}
	named := catalog.QuoteIdent(schema) + "." + catalog.QuoteIdent(name)
	switch {
	case kind == "S" && owner != "":
		f.world.sequences = append(f.world.sequences, name)
		return f.relation(owner)
	case kind == "S":
		f.world.objects = append(f.world.objects, object{schema: schema, name: name, do: "create sequence " + named, undo: "drop sequence " + named})
		return nil
	case kind == "v" && !f.flat:
		needs, err := f.rows("", needsSQL, oid)
		if err != nil {
			return err
		}
		if err := f.inside(definition); err != nil {
			return err
		}
		if err := f.all(needs); err != nil {
			return err
		}
		if options != "" {
			options = " with (" + options + ")"
		}
		f.world.objects = append(f.world.objects, object{
			schema: schema, name: name, do: "create view " + named + options + " as\n" + strings.TrimSuffix(strings.TrimSpace(definition), ";"), undo: "drop view " + named,
		})
		return f.attached(oid)
	}
	n, err := strconv.ParseUint(oid, 10, 32)
	if err != nil {
		return err
	}
	t, ok := f.catalog.TableByOID(uint32(n))
	if !ok {
		return nil // the role may not read it: neither did the program, or it is a mistaken word
	}
	if err := f.table(t); err != nil {
		return err
	}
	return f.attached(oid)
}

// attachedSQL is what a write to the relation meets, as text that makes it.
const attachedSQL = `select 'trigger', t.tgfoid::text, pg_catalog.pg_get_triggerdef(t.oid), 'drop trigger ' || pg_catalog.quote_ident(t.tgname::text) || ' on ' || t.tgrelid::pg_catalog.regclass::text
from pg_catalog.pg_trigger t where t.tgrelid = $1::text::pg_catalog.oid and not t.tgisinternal and t.tgenabled <> 'D'
union all
select 'check', '', 'alter table ' || c.conrelid::pg_catalog.regclass::text || ' add constraint ' || pg_catalog.quote_ident(c.conname::text) || ' ' || pg_catalog.pg_get_constraintdef(c.oid), ''
from pg_catalog.pg_constraint c where c.conrelid = $1::text::pg_catalog.oid and c.contype in ('c', 'x')
union all
select 'index', '', pg_catalog.pg_get_indexdef(i.indexrelid), '' from pg_catalog.pg_index i
where i.indrelid = $1::text::pg_catalog.oid and i.indisunique and (i.indpred is not null or i.indexprs is not null)
order by 1, 3`

// attached finds what a write to the relation meets.
func (f *finder) attached(oid string) error {
	if !f.writes || f.flat {
		return nil
	}
	list, err := f.rows(bare, attachedSQL, oid)
	if err != nil {
		return err
	}
	for _, a := range list {
		if a[1] != "" {
			if err := f.function(a[1]); err != nil {
				return err
			}
		}
		f.world.objects = append(f.world.objects, object{do: a[2], undo: a[3]})
	}
	return nil
}

const functionSQL = `select n.nspname::text, pg_catalog.pg_get_functiondef(p.oid), p.prosrc, p.proname::text,
	'drop ' || case p.prokind when 'p' then 'procedure ' else 'function ' end || p.oid::pg_catalog.regprocedure::text
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang
where p.oid = $1::text::pg_catalog.oid and p.prokind in ('f', 'p', 'w') and l.lanname in ('sql', 'plpgsql')`

// function finds one in a language that every server has.
func (f *finder) function(oid string) error {
	if n, err := strconv.ParseUint(oid, 10, 32); err != nil || n < 16384 || !f.first("pg_proc", oid) {
		return err
	}
	if of, err := f.extension("pg_proc", oid); of || err != nil {
		return err
	}
	list, err := f.rows(bare, functionSQL, oid)
	if err != nil || len(list) == 0 {
		return err
	}
	if err := f.inside(list[0][1]); err != nil {
		return err
	}
	needs, err := f.rows("", needsSQL, oid)
	if err != nil {
		return err
	}
	if err := f.all(needs); err != nil {
		return err
	}
	// Text that is looked at when it runs has no dependencies that anybody keeps.
	if err := f.words(words(list[0][2])); err != nil {
		return err
	}
	f.world.objects = append(f.world.objects, object{schema: list[0][0], name: list[0][3], do: strings.TrimSpace(list[0][1]), undo: list[0][4]})
	return nil
}
