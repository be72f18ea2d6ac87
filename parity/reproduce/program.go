package reproduce

import (
	"errors"
	"maps"
	"slices"

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
