package reproduce

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// begin finds a part of the source with which the operation fails in the scratch
// database.
func (t *trier) begin(ctx context.Context, from Source, op Operation) (*world, error) {
	f, err := find(ctx, from.DB.Pool())
	if err != nil {
		return nil, err
	}
	if err := t.paths(ctx, f); err != nil {
		return nil, err
	}
	if op.Lines == nil {
		return t.fromDefinition(ctx, from, f, op.Definition)
	}
	return t.fromLines(ctx, from.DB.Pool(), f, op.Lines)
}

// paths has f take the source's search_path along, where the scratch database has another.
func (t *trier) paths(ctx context.Context, f *finder) error {
	var theirs, ours string
	const ask = "select pg_catalog.current_setting('search_path')"
	if err := f.db.QueryRowContext(ctx, ask).Scan(&theirs); err != nil {
		return err
	}
	if err := t.admin.Pool().QueryRowContext(ctx, ask).Scan(&ours); err != nil {
		return err
	}
	if theirs != ours && theirs != "" {
		f.take = theirs
	}
	return nil
}

// begun tries what source gives, one way to fill the world after the other: first with
// views and generated columns as they are, then with tables and plain columns in their place.
func (t *trier) begun(f *finder, source func() (*world, []func(*world) error, error)) (*world, error) {
	for _, flat := range []bool{false, true} {
		if flat && !slices.ContainsFunc(f.world.objects, isView) && !slices.ContainsFunc(f.world.tables, isGenerating) {
			break
		}
		f.begin(flat)
		f.world.path = f.take
		w, fills, err := source()
		if err != nil {
			return nil, err
		}
		for _, fill := range fills {
			if err := fill(w); err != nil {
				return nil, err
			}
			failed, err := t.fails(f.ctx, w)
			if failed {
				return w, nil
			}
			if err != nil {
				return nil, ErrNotSeen
			}
			if len(w.tables) == 0 {
				break // rows would make no difference
			}
		}
	}
	return nil, ErrNotSeen
}

func isGenerating(t table) bool {
	return slices.ContainsFunc(t.columns, func(c column) bool { return c.generated != "" })
}

func isView(o object) bool { return strings.HasPrefix(o.do, "create view ") }

// seeking are ways to fill a world: with the rows that s leads to, then with the first
// rows of every table, at last with many.
func seeking(ctx context.Context, db *sql.DB, s sought) []func(*world) error {
	list := []func(*world) error{func(w *world) error { return w.seek(ctx, db, s) }}
	for _, n := range []int{250, 2000} {
		list = append(list, func(w *world) error {
			for i := range w.tables {
				w.tables[i].rows = nil
				if err := w.tables[i].read(ctx, db, "true", nil, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return list
}

// fromLines is begin for the lines of a program.
func (t *trier) fromLines(ctx context.Context, db *sql.DB, f *finder, lines []corpus.Line) (*world, error) {
	var names, sqls []string
	for _, l := range lines {
		if p := l.Settings["search_path"]; p != "" {
			f.path = p
		}
		if text := sqltext.Parse(l.SQL); l.SQL != "" && text.Kind != sqltext.Read {
			f.writes = true
		}
		names, sqls = append(names, words(l.SQL)...), append(sqls, l.SQL)
	}
	if err := f.inside(sqls...); err != nil {
		return nil, err
	}
	lines = bareLines(lines)
	s := asked(ctx, db, f.path, lines)
	return t.begun(f, func() (*world, []func(*world) error, error) {
		if err := f.words(names); err != nil {
			return nil, nil, err
		}
		if f.writes {
			for _, table := range slices.Clone(f.world.tables) {
				for _, k := range table.from.ForeignKeys {
					if err := f.relation(strconv.FormatUint(uint64(k.RefTable.OID), 10)); err != nil {
						return nil, nil, err
					}
				}
			}
		}
		w := f.done()
		w.lines = lines
		return w, seeking(ctx, db, s), nil
	})
}

// bareLines are lines with nothing but what runs, under settings that say nothing of
// anybody: application_name and role do, and what programs have set of their own.
func bareLines(lines []corpus.Line) []corpus.Line {
	list := slices.Clone(lines)
	for i := range list {
		l := &list[i]
		l.Number, l.Time, l.Title, l.Conn, l.Outcome, l.Rows, l.Deadline, l.Duration = 0, time.Time{}, "", "", "", nil, 0, 0
		l.Version, l.Tx, l.Settings = corpus.Version, min(l.Tx, 1), maps.Clone(l.Settings)
		maps.DeleteFunc(l.Settings, func(name, value string) bool { return !publicSettings[strings.ToLower(name)] })
		if len(l.Settings) == 0 {
			l.Settings = nil
		}
		l.Args = slices.Clone(l.Args)
		for j := range l.Args {
			l.Args[j].Go = bytesOnly(l.Args[j])
		}
	}
	return list
}

// publicSettings decide what an answer is, and have values that the server knows, or names
// of schemas.
var publicSettings = wordSet(`search_path timezone datestyle intervalstyle extra_float_digits bytea_output standard_conforming_strings escape_string_warning
	lc_monetary lc_numeric lc_time default_text_search_config xmlbinary xmloption array_nulls quote_all_identifiers transform_null_equals
	default_transaction_isolation default_transaction_read_only default_transaction_deferrable backslash_quote`)

// bytesOnly is the Go type of an argument where that decides what its value is.
func bytesOnly(a corpus.Arg) string {
	if a.Hex != nil {
		return a.Go
	}
	return ""
}

// words are the names and operators in a text of SQL, and in the texts that it quotes
// with dollars: what may be the name of something.
func words(text string) []string {
	var list []string
	for _, l := range sqltext.Lex(text) {
		switch l.Sort {
		case sqltext.Word:
			list = append(list, l.Name())
		case sqltext.Operator:
			list = append(list, l.Text)
		case sqltext.String:
			list = append(list, words(sqltext.Unquote(l.Text))...)
		default: // names nothing
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// asked is what the lines ask for: their values, and the answers to those that read.
func asked(ctx context.Context, db *sql.DB, path string, lines []corpus.Line) sought {
	var s sought
	for _, l := range lines {
		args := make([]any, len(l.Args))
		for i, a := range l.Args {
			v, err := a.Value()
			if err != nil {
				continue
			}
			args[i] = v
			if text, ok := v.(string); ok {
				s.values = append(s.values, elements(text)...)
			}
		}
		for _, x := range sqltext.Lex(l.SQL) {
			switch x.Sort {
			case sqltext.String:
				s.values = append(s.values, elements(sqltext.Unquote(x.Text))...)
			case sqltext.Number:
				s.values = append(s.values, x.Text)
			default: // holds no value
			}
		}
		// A lock of a session would stay on the connection.
		if s.rows == nil && sqltext.Parse(l.SQL).Kind == sqltext.Read && !strings.Contains(strings.ToLower(l.SQL), "advisory") {
			// Where it can't be told, the values have to do.
			s.columns, s.rows, _ = answerOf(ctx, db, path, l.SQL, args)
		}
	}
	s.values = slices.DeleteFunc(s.values, func(v string) bool { return len(v) > longestSought })
	slices.Sort(s.values)
	s.values = slices.Compact(s.values)
	if len(s.values) > maxSought {
		s.values = s.values[:maxSought]
	}
	return s
}

// elements is a value, and what is in it where it is an array.
func elements(text string) []string {
	if !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") {
		return []string{text}
	}
	var list []string
	for _, e := range labelForm.FindAllString(text, -1) {
		list = append(list, strings.Trim(e, `"`))
	}
	return list
}

// answerOf is the answer to a statement that can stand in FROM. It is run by the source's
// control alone, as the comparison has done.
func answerOf(ctx context.Context, db *sql.DB, path, query string, args []any) (columns []string, list [][]*string, err error) {
	limited, cancel := context.WithTimeout(ctx, seekingFor)
	defer cancel()
	tx, err := db.BeginTx(limited, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	if path != "" {
		if _, err := tx.ExecContext(limited, "select pg_catalog.set_config('search_path', $1, true)", path); err != nil {
			return nil, nil, err
		}
	}
	query = strings.TrimRight(strings.TrimSpace(query), ";")
	rows, err := tx.QueryContext(limited, fmt.Sprintf("select pg_catalog.to_jsonb(fraiseql_q)::text from (%s\n) fraiseql_q limit %d", query, maxSought), args...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	at := map[string]int{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, nil, err
		}
		var object map[string]any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&object); err != nil {
			return nil, nil, err
		}
		if columns == nil {
			columns = slices.Sorted(maps.Keys(object))
			for i, name := range columns {
				at[name] = i
			}
		}
		row := make([]*string, len(columns))
		for name, v := range object {
			row[at[name]] = scalar(v)
		}
		list = append(list, row)
	}
	return columns, list, rows.Err()
}
