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
		return err
	}
	p, err := openPair(s.ctx, s.cfg, s.sides)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for i, l := range s.world.lines {
		ask, err := newAsker(s.ctx, s.trier, l.Settings)
		if err != nil {
			return err
		}
		err = s.text(p, ask, i)
		if err = errors.Join(err, ask.close()); err != nil {
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
	if len(list) == 0 || !smallerOf[list[0].Name()] || !ask.takes(l.SQL) {
		return nil
	}
	list = sqltext.Lex(l.SQL)
	for before := -1; before != len(list); {
		before = len(list)
		for n := len(list) - 1; n > 0; n = shorter(n) {
			for at := 0; at+n <= len(list); {
				if !whole(list, at, n) {
					at++
					continue
				}
				smaller := sqltext.Without(list, at, n)
				line, ok := rewritten(l, smaller)
				if !ok || !ask.takes(line.SQL) {
					at++
					continue
				}
				if s.ctx.Err() != nil {
					return errSpent
				}
				w := s.world.clone()
				w.lines[i] = line
				s.tries++
				reports, err := p.run(s.ctx, Operation{Lines: w.lines})
				if err != nil || !s.wanted(reports) {
					at++
					continue
				}
				s.world, l = w, line
				list = sqltext.Lex(line.SQL)
				n = min(n, len(list))
			}
		}
	}
	return nil
}

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

func newAsker(ctx context.Context, t *trier, settings map[string]string) (*asker, error) {
	db, err := executor.Open(ctx, t.sides.Control, t.cfg, executor.WithMinIdle(0), executor.WithMaxConns(1))
	if err != nil {
		return nil, err
	}
	conn, err := db.Pool().Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a := &asker{ctx: ctx, db: db, conn: conn}
	for name, value := range settings {
		if _, err := conn.ExecContext(ctx, "select pg_catalog.set_config($1, $2, false)", name, value); err != nil {
			continue // it is refused in the comparison too
		}
	}
	return a, nil
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

// parameters are the types of a statement's parameters, without modifiers; nil where the
// server does not tell.
func (a *asker) parameters(query string) (list []string) {
	const name = "fraiseql_q"
	if _, err := a.conn.ExecContext(a.ctx, "prepare "+name+" as "+query); err != nil {
		return nil
	}
	defer a.conn.ExecContext(a.ctx, "deallocate "+name) //nolint:errcheck // the connection is closed soon
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
