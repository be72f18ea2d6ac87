package reproduce

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// ErrOutside says that the operation reaches beyond its database: what it does is not
// undone with its transaction, and smaller forms of it, run again and again, could do more.
var ErrOutside = errors.New("it reaches beyond its database, and is not run again")

// outsideSQL are functions that words, a JSON array, may call, and whose effects no
// transaction takes back. Of extensions those are taken along that are known to have none.
const outsideSQL = `with w as (select pg_catalog.jsonb_array_elements_text($1::text::jsonb) as word)
select p.proname::text from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
left join pg_catalog.pg_extension x on x.oid = d.refobjid
where p.proname::text in (select word from w) and p.provolatile = 'v'
	and (n.nspname = 'pg_catalog' and p.proname ~ ('^(pg_(terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile|pg_switch_wal|pg_promote|pg_(create|drop|copy)_.*|pg_(logical|replication)_.*'
			|| '|pg_(backup|wal|log|start|stop)_.*|pg_stat_reset.*|pg_import_.*|lo_(import|export)|binary_upgrade_.*|(query|cursor)_to_xml.*)')
		or x.extname <> all (array['uuid-ossp', 'pgcrypto', 'hstore', 'citext', 'ltree', 'pg_trgm', 'intarray', 'cube', 'earthdistance', 'seg', 'isn', 'lo', 'tablefunc',
			'unaccent', 'fuzzystrmatch', 'btree_gist', 'btree_gin', 'moddatetime', 'postgis', 'vector'])
			and (pg_catalog.pg_function_is_visible(p.oid) or n.nspname::text in (select word from w)))
order by 1 limit 1`

// inside refuses texts of SQL that reach beyond the database.
func (f *finder) inside(texts ...string) error {
	list := []string{}
	for _, text := range texts {
		if copies(text) {
			return fmt.Errorf("COPY: %w", ErrOutside)
		}
		list = append(list, words(text)...)
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	found, err := f.rows(f.path, outsideSQL, string(text))
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("%s: %w", found[0][0], ErrOutside)
	}
	return nil
}

// copies says whether a COPY begins somewhere in text, or in a text that it quotes: to a
// file or a program.
func copies(text string) bool {
	before := ";"
	for _, l := range sqltext.Lex(text) {
		switch l.Sort {
		case sqltext.Word:
			if l.Name() == "copy" && begins[before] {
				return true
			}
		case sqltext.String:
			if copies(sqltext.Unquote(l.Text)) {
				return true
			}
		case sqltext.Comment:
			continue
		default: // begins nothing
		}
		before = strings.ToLower(l.Text)
	}
	return false
}

// begins are what a statement may be behind, in a function too.
var begins = wordSet("; begin then else loop as")
