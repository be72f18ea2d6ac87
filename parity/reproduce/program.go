package reproduce

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// program drops lines and settings, and parts of the statements.
func (s *shrinker) program() (err error) {
	for i := range slices.Backward(s.world.lines) {
		w := s.world.clone()
		w.lines = slices.Delete(w.lines, i, i+1)
		if k := s.world.lines[i].Kind; k == corpus.KindBegin || k == corpus.KindCommit || k == corpus.KindRollback {
			continue
		}
		if _, err := s.keep(w); err != nil {
			return err
		}
	}
	if l := s.world.lines; len(l) == 3 && l[0].Kind == corpus.KindBegin { // alone, without the transaction
		w := s.world.clone()
		w.lines = w.lines[1:2]
		w.lines[0].Tx = 0
		if _, err := s.keep(w); err != nil {
			return err
		}
	}
	for i := range s.world.lines {
		for _, name := range slices.Sorted(maps.Keys(s.world.lines[i].Settings)) {
			w := s.world.clone()
			w.lines[i].Settings = maps.Clone(w.lines[i].Settings)
			delete(w.lines[i].Settings, name)
			if _, err := s.keep(w); err != nil {
				return err
			}
		}
	}
	return s.texts()
}

// texts drops parts of the statements, in one database that stays: what a try does is
// rolled back.
func (s *shrinker) texts() (err error) {
	if err := s.make(s.ctx, s.world.sql()); err != nil {
		return spent(s.ctx, ErrNotSeen) // and not what the server says, which has values in it
	}
	p, err := openPair(s.ctx, s.cfg, s.sides)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	ask, err := newAsker(s.ctx, s.trier, s.world.lines)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ask.close()) }()
	for i := range s.world.lines {
		if err := s.text(p, ask, i); err != nil {
			return err
		}
	}
	return nil
}

// smallerOf are the statements whose parts may be dropped: whatever is left of them is
// one of them too.
var smallerOf = map[string]bool{"select": true, "insert": true, "update": true, "delete": true, "merge": true, "with": true, "values": true, "table": true, "(": true}

// text drops runs of lexemes of line i, the long ones first, as long as the server takes
// what is left and it fails the same way.
func (s *shrinker) text(p *pair, ask *asker, i int) error {
	l := s.world.lines[i]
	list := sqltext.Lex(l.SQL)
	for len(list) > 0 && list[0].Sort == sqltext.Comment {
		list = list[1:]
	}
	if len(list) == 0 || !smallerOf[list[0].Name()] && !sqltext.Parse(l.SQL).Multi {
		return nil
	}
	// without tries to do without n lexemes from at.
	without := func(at, n int) (bool, error) {
		if s.ctx.Err() != nil {
			return false, errSpent
		}
		line, ok := rewritten(s.world.lines[i], sqltext.Without(list, at, n))
		if !ok || !ask.takes(line.SQL) && !sqltext.Parse(line.SQL).Multi { // which nobody can prepare
			return false, spent(s.ctx, nil)
		}
		w := s.world.clone()
		w.lines[i] = line
		s.tries++
		reports, err := p.run(s.ctx, Operation{Lines: w.lines})
		if err != nil || !s.wanted(reports) {
			return false, spent(s.ctx, nil)
		}
		s.world = w
		list = sqltext.Lex(line.SQL)
		return true, nil
	}
	list = sqltext.Lex(l.SQL)
	if err := sentences(&list, without); err != nil {
		return err
	}
	if len(list) == 0 || !smallerOf[list[0].Name()] || !ask.takes(s.world.lines[i].SQL) {
		return nil
	}
	if err := members(&list, without); err != nil {
		return err
	}
	for before := -1; before != len(list); {
		before = len(list)
		for n := len(list) - 1; n > 0; n = shorter(min(n, len(list))) {
			for at := 0; at+n <= len(list); {
				gone := false
				if whole(list, at, n) {
					var err error
					if gone, err = without(at, n); err != nil {
						return err
					}
				}
				if !gone {
					at += stride(n)
				} else {
					n = min(n, len(list))
				}
			}
		}
	}
	return nil
}

// sentences drops whole statements of a line of many; no part of one, which could do more.
func sentences(list *[]sqltext.Lexeme, without func(at, n int) (bool, error)) error {
	for at := 0; at < len(*list); {
		n := slices.IndexFunc((*list)[at:], func(l sqltext.Lexeme) bool { return l.Text == ";" }) + 1
		if n == 0 {
			n = len(*list) - at
		}
		gone := false
		if n < len(*list) {
			var err error
			if gone, err = without(at, n); err != nil {
				return err
			}
		}
		if !gone {
			at += n
		}
	}
	return nil
}

// members drops members of long lists, such as the rows of an INSERT: many at once, and
// fewer and fewer.
func members(list *[]sqltext.Lexeme, without func(at, n int) (bool, error)) error {
	const long = 16
	for from := 0; ; {
		start, ends := longList(*list, from, long)
		if ends == nil {
			return nil
		}
		from = start + 1
		for chunk := len(ends) / 2; chunk > 0; chunk /= 2 {
			for k := 0; k < len(ends) && len(ends) > 1; {
				// With the comma behind them, or before the last.
				first, to := start, min(k+chunk, len(ends))
				if k > 0 {
					first = ends[k-1]
				}
				n := ends[to-1] - first
				if to == len(ends) {
					first, n = first-1, n+1
				}
				if k == 0 && to == len(ends) {
					break
				}
				gone, err := without(first, n)
				if err != nil {
					return err
				}
				if !gone {
					k = to
					continue
				}
				if start, ends = longList(*list, start, 2); ends == nil || start != from-1 {
					return nil
				}
			}
		}
	}
}

// longList finds, from a place on, a list of as many members in one depth of parentheses:
// where it starts, and where each member ends, its comma included.
func longList(list []sqltext.Lexeme, from, many int) (start int, ends []int) {
	type open struct {
		start int
		ends  []int
	}
	var found *open
	take := func(o open, end int) {
		if len(o.ends)+1 >= many && o.start >= from && (found == nil || o.start < found.start) {
			found = &open{o.start, append(o.ends, end)}
		}
	}
	stack := []open{{}}
	for i, l := range list {
		top := &stack[len(stack)-1]
		switch {
		case l.Text == "(" || l.Text == "[":
			stack = append(stack, open{start: i + 1})
		case (l.Text == ")" || l.Text == "]") && len(stack) > 1:
			take(*top, i)
			stack = stack[:len(stack)-1]
		case l.Text == ",":
			top.ends = append(top.ends, i+1)
		case l.Sort == sqltext.Word && listEdges[l.Name()]:
			take(*top, i)
			*top = open{start: i + 1}
		}
	}
	for _, o := range stack {
		take(o, len(list))
	}
	if found == nil {
		return 0, nil
	}
	return found.start, found.ends
}

// listEdges are words that a list begins after, or ends before.
var listEdges = wordSet("select values from where returning set on order group by having limit offset union intersect except into")

// edges are words at which a part of a statement may begin.
var edges = map[string]bool{
	"and": true, "or": true, "not": true, "where": true, "order": true, "group": true, "having": true, "limit": true, "offset": true, "fetch": true, "for": true,
	"from": true, "join": true, "left": true, "right": true, "inner": true, "outer": true, "full": true, "cross": true, "natural": true, "on": true, "using": true,
	"union": true, "intersect": true, "except": true, "all": true, "returning": true, "as": true, "asc": true, "desc": true, "nulls": true, "distinct": true,
	"case": true, "when": true, "then": true, "else": true, "with": true, "set": true, "values": true, "is": true, "between": true, "in": true, "like": true, "over": true, "filter": true, "window": true, "partition": true, "conflict": true,
}

// whole says whether the n lexemes from at may be a part that can go: with as many
// parentheses opened as closed, and something at one of its ends that divides parts.
func whole(list []sqltext.Lexeme, at, n int) bool {
	first, last := list[at], list[at+n-1]
	inside := at > 0 && list[at-1].Text == "(" && at+n < len(list) && list[at+n].Text == ")"
	if !inside && !divides(first) && !divides(last) {
		return false
	}
	depth := 0
	for _, l := range list[at : at+n] {
		switch l.Text {
		case "(", "[":
			depth++
		case ")", "]":
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

// shorter is the next number of lexemes to drop at once: of a long text not every one.
func shorter(n int) int {
	const every = 100
	return max(n-1-n/4*min(n/every, 1), 0)
}

// stride is how far the next run of n lexemes is from the last: of long ones not every one.
func stride(n int) int { return max(n/25, 1) }

func divides(l sqltext.Lexeme) bool {
	switch l.Sort {
	case sqltext.Mark, sqltext.Operator, sqltext.Comment:
		return true
	case sqltext.Word:
		return edges[l.Name()]
	default:
		return false
	}
}

// rewritten is l with other text, whose parameters are numbered from 1 again. false: a
// parameter has no argument.
func rewritten(l corpus.Line, list []sqltext.Lexeme) (corpus.Line, bool) {
	list = slices.Clone(list)
	to := map[int]int{}
	args := []corpus.Arg{}
	for i := range list {
		if list[i].Sort != sqltext.Param {
			continue
		}
		n, err := strconv.Atoi(list[i].Text[1:])
		if err != nil || n < 1 || n > len(l.Args) && l.Kind != corpus.KindDescribe {
			return l, false
		}
		if to[n] == 0 {
			if to[n] = len(to) + 1; n <= len(l.Args) {
				args = append(args, l.Args[n-1])
			}
		}
		list[i].Text = "$" + strconv.Itoa(to[n])
	}
	l.SQL, l.Args = sqltext.Join(list), args
	return l, true
}

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
