package catalog

import "fmt"

// Each query returns text, int8 and bool only, never an array, name or oid:
// those come back as different Go values from the two drivers. Every catalog
// name is qualified, so a table called pg_class on the search path changes
// nothing. Rows are ordered by OID, so that the hash over them is stable.
//
// Functions such as has_table_privilege look at the newest committed state,
// not at the snapshot: for an object dropped meanwhile they give NULL, which
// counts as no privilege.

// sessionQuery: version, search path and usable schemas. It goes first.
const sessionQuery = `
SELECT pg_catalog.current_setting('server_version_num')::int8,
       coalesce((SELECT pg_catalog.json_agg(s ORDER BY pos)::text
          FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS u(s, pos)), '[]'),
       coalesce((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', n.oid::int8, 'name', n.nspname) ORDER BY n.oid)::text
          FROM pg_catalog.pg_namespace n
         WHERE n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
           AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')), '[]')`

// noJITQuery holds until the end of Load's own transaction: compiling these
// wide, short queries costs more than running them (1.0 s of 1.7 s for 10,000
// tables).
const noJITQuery = `SELECT pg_catalog.set_config('jit', 'off', true)`

const extensionsQuery = `
SELECT e.extname::text, e.extversion::text, n.nspname::text
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
 ORDER BY e.oid`

// extensionOf joins the name of the extension that owns an object.
func extensionOf(class, object string) string {
	return fmt.Sprintf(`
  LEFT JOIN pg_catalog.pg_depend xd ON xd.classid = 'pg_catalog.%s'::pg_catalog.regclass
       AND xd.objid = %s AND xd.objsubid = 0 AND xd.deptype = 'e'
  LEFT JOIN pg_catalog.pg_extension x ON x.oid = xd.refobjid`, class, object)
}

// relationsQuery reads hidden relations too: one that the role may not use
// still hides those of later schemas on the search path.
// 28 is what pg_relation_is_updatable says of a table: update 4, insert 8, delete 16.
func relationsQuery(schemas string, guessViews bool) string {
	updatable := "pg_catalog.pg_relation_is_updatable(c.oid, true)"
	if guessViews {
		updatable = "28"
	}
	return `
SELECT c.oid::int8, c.relnamespace::int8, c.relname::text, c.relkind::text,
       c.relispartition, coalesce(i.inhparent, 0)::int8,
       c.relkind = 'r' AND c.relhassubclass, c.relrowsecurity, c.relforcerowsecurity,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), false),
       coalesce(pg_catalog.has_table_privilege(c.oid, 'INSERT'), false),
       coalesce(pg_catalog.has_table_privilege(c.oid, 'UPDATE'), false),
       coalesce(pg_catalog.has_table_privilege(c.oid, 'DELETE'), false),
       coalesce(CASE WHEN c.relkind IN ('r', 'p') THEN 28 WHEN c.relkind = 'm' THEN 0
                     ELSE ` + updatable + ` END, 0)::int8,
       coalesce(t.before, 0)::int8, coalesce(t.after, 0)::int8, coalesce(t.instead, 0)::int8,
       coalesce(d.description, ''), coalesce(x.extname::text, '')
  FROM pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_inherits i ON c.relispartition AND i.inhrelid = c.oid
  LEFT JOIN (SELECT g.tgrelid,
                    pg_catalog.bit_or(CASE WHEN g.tgtype::int4 & 66 = 2 THEN g.tgtype::int4 >> 2 & 15 ELSE 0 END) AS before,
                    pg_catalog.bit_or(CASE WHEN g.tgtype::int4 & 66 = 0 THEN g.tgtype::int4 >> 2 & 15 ELSE 0 END) AS after,
                    pg_catalog.bit_or(CASE WHEN g.tgtype::int4 & 64 = 64 THEN g.tgtype::int4 >> 2 & 15 ELSE 0 END) AS instead
               FROM pg_catalog.pg_trigger g
              WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
              GROUP BY g.tgrelid) t ON t.tgrelid = c.oid
  LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
       AND d.objoid = c.oid AND d.objsubid = 0` + extensionOf("pg_class", "c.oid") + `
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace IN (` + schemas + `)
 ORDER BY c.oid`
}

// notImmutable says whether an expression tree (pg_node_tree) calls a function
// or operator that is not immutable, reads a clock value such as
// CURRENT_TIMESTAMP (which is no function there), or reads text as a date or
// time while it runs ('now'::text::date). pg_depend would not do: it does not
// record built-in functions. A tree that starts with CONST is one constant.
func notImmutable(tree string) string {
	return fmt.Sprintf(`(%[1]s IS NOT NULL AND %[1]s::text NOT LIKE '{CONST %%' AND (
         %[1]s::text ~ '\{SQLVALUEFUNCTION|\{NEXTVALUEEXPR|\{COERCEVIAIO .*:resulttype (1082|1083|1114|1184|1266) '
         OR EXISTS (SELECT FROM pg_catalog.regexp_matches(%[1]s::text, ':(?:funcid|opfuncid) (\d+)', 'g') AS m(id)
                      JOIN pg_catalog.pg_proc vp ON vp.oid = m.id[1]::pg_catalog.oid
                     WHERE vp.provolatile <> 'i')))`, tree)
}

// columnsQuery: format_type is asked only where there is a modifier, and column
// privileges only where some are granted; for all others Go knows the answer.
// An opfuncid of 0 (not looked up yet) does not occur in a stored tree of a default.
func columnsQuery(schemas string, guessViews bool) string {
	writable := "c.relkind <> 'v' OR coalesce(pg_catalog.pg_column_is_updatable(c.oid, a.attnum, true), false)"
	if guessViews {
		writable = "true"
	}
	return `
SELECT a.attrelid::int8, a.attnum::int8, a.attname::text, a.atttypid::int8, a.atttypmod::int8,
       CASE WHEN a.atttypmod >= 0 THEN coalesce(pg_catalog.format_type(a.atttypid, a.atttypmod), '') ELSE '' END,
       CASE WHEN a.atttypmod >= 0 THEN coalesce(pg_catalog.format_type(a.atttypid, NULL), '') ELSE '' END,
       a.attnotnull, a.attidentity::text, a.attgenerated::text,
       d.oid IS NOT NULL, coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''), ` + notImmutable("d.adbin") + `,
       a.attacl IS NOT NULL AND coalesce(pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'), false),
       a.attacl IS NOT NULL AND coalesce(pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT'), false),
       a.attacl IS NOT NULL AND coalesce(pg_catalog.has_column_privilege(c.oid, a.attnum, 'UPDATE'), false),
       ` + writable + `,
       coalesce(cn.nspname::text, ''), coalesce(co.collname::text, ''), a.attndims::int8, coalesce(s.description, '')
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_catalog.pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
  LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
  LEFT JOIN pg_catalog.pg_description s ON s.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
       AND s.objoid = a.attrelid AND s.objsubid = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace IN (` + schemas + `)
 ORDER BY a.attrelid, a.attnum`
}

// keysQuery leaves out indexes that are not valid, or not ready: such an index
// does not make its columns unique (CREATE UNIQUE INDEX CONCURRENTLY).
// A predicate whose text is gone must not look like a whole index.
func keysQuery(schemas string, version int) string {
	nullsNotDistinct := "false"
	if version >= 150000 {
		nullsNotDistinct = "i.indnullsnotdistinct"
	}
	return `
SELECT i.indrelid::int8, coalesce(k.conname, ic.relname)::text, i.indisprimary, k.oid IS NOT NULL, ` + nullsNotDistinct + `,
       coalesce(k.condeferrable, false), coalesce(k.condeferred, false),
       pg_catalog.array_to_string(i.indkey::int2[], ' '), i.indnkeyatts::int8,
       CASE WHEN i.indpred IS NULL THEN '' ELSE coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '(unknown)') END,
       CASE WHEN i.indexprs IS NULL THEN '' ELSE coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), '(unknown)') END
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
 WHERE i.indisunique AND i.indisvalid AND i.indisready
   AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relnamespace IN (` + schemas + `)
 ORDER BY i.indexrelid`
}

// foreignKeysQuery leaves out the rows that PostgreSQL adds for each partition
// of a referenced table, and keeps those that a partition inherits.
func foreignKeysQuery(schemas string) string {
	return `
SELECT k.conrelid::int8, k.confrelid::int8, k.conname::text,
       pg_catalog.array_to_string(k.conkey, ' '), pg_catalog.array_to_string(k.confkey, ' '),
       k.confdeltype::text, k.confupdtype::text, k.condeferrable, k.condeferred
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_catalog.pg_constraint p ON p.oid = k.conparentid
 WHERE k.contype = 'f' AND (p.oid IS NULL OR p.conrelid <> k.conrelid)
   AND c.relnamespace IN (` + schemas + `)
 ORDER BY k.oid`
}

// checksQuery reads the constraints that are no keys: check and exclusion.
func checksQuery(schemas string) string {
	return `
SELECT k.conrelid::int8, k.conname::text, pg_catalog.array_to_string(k.conkey, ' ')
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
 WHERE k.contype IN ('c', 'x') AND k.conkey IS NOT NULL AND c.relnamespace IN (` + schemas + `)
 ORDER BY k.oid`
}

// typesQuery reads the types of every schema: a column may have a type whose
// schema the role may not name. Row types are read for loaded relations only.
func typesQuery(schemas string, version int) string {
	multirange, joinMultirange := "0", ""
	if version >= 140000 {
		multirange = "mr.rngtypid"
		joinMultirange = "\n  LEFT JOIN pg_catalog.pg_range mr ON t.typtype = 'm' AND mr.rngmultitypid = t.oid"
	}
	rowType := func(c string) string {
		return fmt.Sprintf("(%[1]s.oid IS NULL OR %[1]s.relkind = 'c' OR %[1]s.relkind IN ('r', 'p', 'v', 'm', 'f') AND %[1]s.relnamespace IN (%[2]s))", c, schemas)
	}
	return `
SELECT t.oid::int8, n.nspname::text, t.typname::text, t.typtype::text, t.typcategory::text,
       CASE WHEN t.typcategory = 'A' AND t.typtype <> 'd' THEN t.typelem::int8 ELSE 0 END, t.typarray::int8,
       coalesce(CASE t.typtype WHEN 'd' THEN t.typbasetype WHEN 'r' THEN r.rngsubtype WHEN 'm' THEN ` + multirange + ` END, 0)::int8,
       t.typtypmod::int8, t.typndims::int8, t.typdelim::text, t.typnotnull, CASE WHEN rc.relkind = 'c' THEN 0 ELSE t.typrelid END::int8,
       CASE WHEN n.nspname = 'pg_catalog' THEN coalesce(pg_catalog.format_type(t.oid, -1), '') ELSE '' END,
       coalesce(e.labels, ''), coalesce(f.fields, ''),
       CASE WHEN t.typtype = 'd' THEN coalesce(t.typdefault, '') ELSE '' END,
       t.typtype = 'd' AND ` + notImmutable("t.typdefaultbin") + `,
       coalesce(d.description, ''), coalesce(x.extname::text, '')
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class rc ON t.typrelid <> 0 AND rc.oid = t.typrelid
  LEFT JOIN pg_catalog.pg_type el ON t.typcategory = 'A' AND el.oid = t.typelem
  LEFT JOIN pg_catalog.pg_class ec ON el.typrelid <> 0 AND ec.oid = el.typrelid
  LEFT JOIN pg_catalog.pg_range r ON t.typtype = 'r' AND r.rngtypid = t.oid` + joinMultirange + `
  LEFT JOIN (SELECT l.enumtypid, pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder)::text AS labels
               FROM pg_catalog.pg_enum l GROUP BY l.enumtypid) e ON e.enumtypid = t.oid
  LEFT JOIN (SELECT fa.attrelid, pg_catalog.json_agg(pg_catalog.json_build_object(
                      'name', fa.attname, 'type', fa.atttypid::int8, 'dims', fa.attndims, 'comment', coalesce(fd.description, '')) ORDER BY fa.attnum)::text AS fields
               FROM pg_catalog.pg_attribute fa
               JOIN pg_catalog.pg_class fc ON fc.oid = fa.attrelid AND fc.relkind = 'c'
               LEFT JOIN pg_catalog.pg_description fd ON fd.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND fd.objoid = fa.attrelid AND fd.objsubid = fa.attnum
              WHERE fa.attnum > 0 AND NOT fa.attisdropped
              GROUP BY fa.attrelid) f ON f.attrelid = t.typrelid
  LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass
       AND d.objoid = t.oid AND d.objsubid = 0` + extensionOf("pg_type", "t.oid") + `
 WHERE n.nspname !~ '^pg_(toast|temp_|toast_temp_)' AND ` + rowType("rc") + ` AND ` + rowType("ec") + `
 ORDER BY t.oid`
}

// functionsQuery leaves out what no request can call: trigger functions,
// handlers, input and output functions, the constructors that come with a range
// type, and all that take internal arguments.
func functionsQuery(schemas string) string {
	return `
SELECT p.oid::int8, p.pronamespace::int8, p.proname::text, p.prokind = 'p', p.prorettype::int8, p.proretset,
       p.provolatile::text, p.proisstrict, p.prosecdef,
       pg_catalog.array_to_string(coalesce(p.proallargtypes, p.proargtypes::pg_catalog.oid[]), ' '),
       coalesce(pg_catalog.array_to_string(p.proargmodes, ''), ''),
       coalesce(pg_catalog.to_json(p.proargnames)::text, '[]'), p.pronargdefaults::int8,
       CASE WHEN p.pronargdefaults = 0 THEN '[]' ELSE
         (SELECT pg_catalog.json_agg(coalesce(pg_catalog.pg_get_function_arg_default(p.oid, i), '') ORDER BY i)::text
            FROM pg_catalog.generate_series(1, coalesce(pg_catalog.cardinality(p.proallargtypes), p.pronargs)) AS i) END,
       coalesce(d.description, ''), coalesce(x.extname::text, '')
  FROM pg_catalog.pg_proc p
  LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass
       AND d.objoid = p.oid AND d.objsubid = 0` + extensionOf("pg_proc", "p.oid") + `
 WHERE p.prokind IN ('f', 'p') AND p.pronamespace IN (` + schemas + `)
   AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger', 'internal', 'cstring', 'language_handler', 'fdw_handler',
       'index_am_handler', 'table_am_handler', 'tsm_handler']::pg_catalog.regtype[]::pg_catalog.oid[])
   AND NOT (ARRAY['internal', 'cstring']::pg_catalog.regtype[]::pg_catalog.oid[] && p.proargtypes::pg_catalog.oid[])
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend td WHERE td.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
       AND td.objid = p.oid AND td.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND td.deptype = 'i')
   AND coalesce(pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), false)
 ORDER BY p.oid`
}
