package corpus

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// errUndo rolls back what was rolled back.
var errUndo = fmt.Errorf("%w when it was captured", parity.ErrRollback)

// transaction runs lines from BEGIN to its end as one.
func (p *Replayer) transaction(ctx context.Context, t *open, out *Replayed) {
	begin, end := t.lines[0], t.lines[len(t.lines)-1]
	vars, _ := t.under.Follow(begin)
	list := p.statements(t, vars, out)
	o, asked := options(vars), sqltext.Parse(begin.SQL)
	o.ReadOnly = asked.OnlyReads || o.ReadOnly && !readWrite.MatchString(begin.SQL)
	if p.skipWrites && !o.ReadOnly {
		out.Unusable[whySkipped] += int64(len(list))
		return
	}
	if len(list) == 0 {
		return
	}
	if p.describing != nil && !o.ReadOnly {
		out.Ran += int64(len(list))
		for _, s := range list {
			out.count(p.describing(ctx, o, s.Name, s.Statement))
		}
		return
	}
	out.Ran += int64(len(list)) + 2
	whole := end.Outcome
	for _, s := range list {
		if s.line.Outcome != "ok" { // then its end says nothing: the transaction fails here where a statement does
			whole = ""
		}
	}
	err := p.runner.InTx(parity.WithRecorded(ctx, whole), o, func(ctx context.Context, tx executor.Runner) error {
		failed := steps(ctx, tx, list)
		if failed == nil && end.Kind == KindRollback {
			failed = errUndo
		}
		return failed
	})
	if !errors.Is(err, errUndo) {
		out.count(err)
	}
}

// readWrite finds BEGIN READ WRITE.
var readWrite = regexp.MustCompile(`(?is)\bread\s+write\b`)

// statements are those of a transaction that can run. What it sets for itself is among them; what runs under a setting that a replay can't have
// is not. began is in force when it begins.
func (p *Replayer) statements(t *open, began map[string]string, out *Replayed) (list []step) {
	add := func(l Line) {
		vars, why := t.under.Follow(l)
		if OnlySets(l) {
			out.Followed++
			for _, s := range settle(vars, t.under.conns[l.Conn].now.set) {
				list = append(list, step{Statement: s, line: Line{Outcome: "ok"}})
			}
			return
		}
		if why != "" {
			out.Unusable[why]++
			return
		}
		s, unusable := p.statement(l)
		if unusable != "" {
			out.Unusable[unusable]++
			return
		}
		if path := vars["search_path"]; path != began["search_path"] {
			// A statement that a driver has prepared means another one under another path.
			h := fnv.New64a()
			_, _ = h.Write([]byte(path))
			s.SQL = fmt.Sprintf("/* search_path %x */ ", h.Sum64()) + s.SQL
		}
		verb, name := savepointOf(l.SQL)
		list = append(list, step{s, l, verb, name})
	}
	for _, l := range t.lines[1 : len(t.lines)-1] {
		parts, why := several(l)
		if why != "" {
			t.under.Follow(l)
			out.Unusable[why]++
		}
		for _, part := range parts {
			add(part)
		}
	}
	return list
}

// settle are the statements after which now is in force for the rest of a transaction, where
// was is, and no longer: the connection is others' too.
func settle(was, now map[string]string) (list []*builder.Statement) {
	for _, name := range slices.Sorted(maps.Keys(settings{set: now}.differs(settings{set: was}))) {
		if name == readOnlySetting { // of the transactions that follow
			continue
		}
		text, args := "select pg_catalog.set_config($1, $2, true)", []any{name, now[name]}
		if _, ok := now[name]; !ok {
			text, args = "set local "+parameterName(name)+" to default", nil
		}
		s, err := builder.Raw("set "+shown(name), builder.Read, text, args...)
		if err != nil { // the text is ours
			continue
		}
		s.Ordered = true
		list = append(list, &s)
	}
	return list
}

// parameterName quotes the parts of a name.
func parameterName(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = catalog.QuoteIdent(part)
	}
	return strings.Join(parts, ".")
}
