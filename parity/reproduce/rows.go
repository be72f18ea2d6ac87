package reproduce

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/catalog"
)

// sought is what rows are found by: an answer, whose columns are named as those of
// tables often are, and values that the operation names.
type sought struct {
	columns []string
	rows    [][]*string
	values  []string
}

// maxSought bounds the rows of one table that are found by values, and the time in
// which: no index may help.
const (
	maxSought     = 150
	seekingFor    = 5 * time.Second
	seekingAll    = 15 * time.Second // all tables together
	unsought      = 50               // rows of a table that nothing leads to
	longestSought = 1000             // bytes of a value
	mostRead      = 4 << 20          // bytes of the rows of a table
)

// seek reads rows that s leads to, and those that belong to them.
func (w *world) seek(ctx context.Context, db *sql.DB, s sought) error {
	filled := map[int]bool{}
	all, stop := context.WithTimeout(ctx, seekingAll)
	defer stop()
	for i := range w.tables {
		t := &w.tables[i]
		t.rows = nil
		for _, where := range []string{t.answered(s), t.spoken(s)} {
			if where == "" {
				continue
			}
			had := t.rows
			t.rows = nil
			limited, cancel := context.WithTimeout(all, seekingFor)
			// A value that is none of the column's type, or too long a search: other rows
			// have to do.
			if err := t.read(limited, db, where, nil, maxSought); err != nil {
				t.rows = nil
			}
			cancel()
			t.rows = merged(had, t.rows)
		}
		filled[i] = len(t.rows) > 0
	}
	if err := w.relate(ctx, db, filled, maxSought); err != nil {
		return err
	}
	for i := range w.tables {
		if filled[i] && len(w.tables[i].rows) > 0 {
			continue
		}
		w.tables[i].rows = nil
		if err := w.tables[i].read(ctx, db, "true", nil, unsought); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// merged are the rows of both, each once.
func merged(a, b [][]*string) [][]*string {
	same := func(x, y *string) bool { return x == nil && y == nil || x != nil && y != nil && *x == *y }
	for _, row := range b {
		if !slices.ContainsFunc(a, func(other []*string) bool { return slices.EqualFunc(row, other, same) }) {
			a = append(a, row)
		}
	}
	return a
}

// answered is the condition for rows of t that the answer was made of; "" where it names
// no column of t.
func (t *table) answered(s sought) string {
	var names []string
	var at []int
	for i, name := range s.columns {
		if t.index(name) >= 0 && !slices.Contains(names, name) && slices.ContainsFunc(s.rows, func(row []*string) bool { return row[i] != nil }) {
			names, at = append(names, name), append(at, i)
		}
	}
	var tuples []string
	for _, row := range s.rows[:min(len(s.rows), maxSought)] {
		var parts []string
		for k, i := range at {
			c := t.columns[t.index(names[k])]
			if row[i] != nil && len(*row[i]) <= longestSought && alike(c.base, *row[i]) {
				parts = append(parts, catalog.QuoteIdent(c.name)+" = "+literal(*row[i])+"::"+c.typ)
			}
		}
		if len(parts) > 0 {
			tuples = append(tuples, strings.Join(parts, " and "))
		}
	}
	slices.Sort(tuples)
	return strings.Join(slices.Compact(tuples), " or ")
}

// spoken is the condition for rows of t in which a value is that the operation names.
func (t *table) spoken(s sought) string {
	var parts []string
	for _, c := range t.columns {
		name := catalog.QuoteIdent(c.name)
		for _, v := range s.values {
			switch {
			case textTypes[c.base] && strings.ContainsAny(v, "%_"):
				parts = append(parts, fmt.Sprintf("%s::text ilike %s", name, literal(v)))
			case alike(c.base, v):
				parts = append(parts, fmt.Sprintf("%s = %s::%s", name, literal(v), c.typ))
			}
		}
	}
	return strings.Join(parts, " or ")
}

var (
	integerForm = regexp.MustCompile(`^-?\d{1,18}$`)
	decimalForm = regexp.MustCompile(`^-?\d{1,30}(\.\d{1,30})?$`)
	uuidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// alike says whether v can be a value of the type, and says something of a row.
func alike(base, v string) bool {
	switch {
	case v == "":
		return false
	case base == "smallint", base == "integer", base == "bigint":
		return integerForm.MatchString(v)
	case base == "numeric":
		return decimalForm.MatchString(v)
	case base == "uuid":
		return uuidForm.MatchString(v)
	case base == "date", strings.HasPrefix(base, "timestamp"):
		return dateForm.MatchString(v)
	}
	return textTypes[base]
}

// fill reads at most limit rows of every table: of the first those that where
// selects, of the others those that belong to rows which are there already.
func (w *world) fill(ctx context.Context, db *sql.DB, where string, args []any, limit int) error {
	for i := range w.tables {
		w.tables[i].rows = nil
	}
	filled := map[int]bool{}
	if err := w.tables[0].read(ctx, db, where, args, limit); err != nil {
		return err
	}
	filled[0] = true
	return w.relate(ctx, db, filled, limit)
}

// relate reads rows of the tables that are not filled, which belong to rows of others.
func (w *world) relate(ctx context.Context, db *sql.DB, filled map[int]bool, limit int) error {
	for range w.tables {
		for i := range w.tables {
			if filled[i] {
				continue
			}
			condition := w.related(i, filled)
			if condition == "" {
				continue
			}
			limited, cancel := context.WithTimeout(ctx, seekingFor)
			err := w.tables[i].read(limited, db, condition, nil, limit)
			late := limited.Err() != nil && ctx.Err() == nil // no index helps: they have to do without
			cancel()
			if err != nil && !late {
				return err
			}
			filled[i] = true
		}
	}
	return nil
}

// related is the condition for rows of table i that belong to rows of a table that
// is filled; "" where there is none.
func (w *world) related(i int, filled map[int]bool) string {
	t := &w.tables[i]
	var parts []string
	for j := range w.tables {
		if !filled[j] {
			continue
		}
		o := &w.tables[j]
		for _, f := range t.foreign {
			if f.schema == o.schema && f.to == o.name {
				parts = append(parts, in(t, f.columns, o, f.keys))
			}
		}
		for _, f := range o.foreign {
			if f.schema == t.schema && f.to == t.name {
				parts = append(parts, in(t, f.keys, o, f.columns))
			}
		}
	}
	return strings.Join(parts, " or ")
}

// in is the condition that columns of t are those of a row of o.
func in(t *table, columns []string, o *table, of []string) string {
	var tuples []string
	for _, row := range o.rows {
		var cells []string
		for k, name := range of {
			v := row[o.index(name)]
			if v == nil {
				break
			}
			cells = append(cells, literal(*v)+"::"+t.columns[t.index(columns[k])].typ)
		}
		if len(cells) == len(of) {
			tuples = append(tuples, "("+strings.Join(cells, ", ")+")")
		}
	}
	if len(tuples) == 0 {
		return "false"
	}
	return fmt.Sprintf("(%s) in (%s)", quoteAll(columns), strings.Join(tuples, ", "))
}

// read reads rows of t as text.
func (t *table) read(ctx context.Context, db *sql.DB, where string, args []any, limit int) (err error) {
	if limit == 0 || len(t.columns) == 0 {
		return nil
	}
	cells := make([]string, len(t.columns))
	for i, c := range t.columns {
		cells[i] = catalog.QuoteIdent(c.name) + "::text"
	}
	query := fmt.Sprintf("select %s from %s where %s", strings.Join(cells, ", "), t.named(), where)
	if len(t.key) > 0 {
		query += " order by " + quoteAll(t.key)
	}
	defer func() {
		if err != nil { // what the server says may have a value in it
			err = fmt.Errorf("read rows of %s: %w", t.named(), cause(ctx, err))
		}
	}()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // a view may call anything
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("%s limit %d", query, limit), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	size := 0
	for size < mostRead && rows.Next() {
		row, to := make([]*string, len(t.columns)), make([]any, len(t.columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		t.rows = append(t.rows, row)
		for _, v := range row {
			if v != nil {
				size += len(*v)
			}
		}
	}
	return rows.Err()
}

// cause is err without its text.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if state := backend.SQLStateOf(err); state != "" {
		return errors.New("SQLSTATE " + state)
	}
	return errors.New(backend.CodeOf(err).String())
}
