package parity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// What a statement leaves behind besides its rows: notices, the state of the
// transaction, and at the end of it run-time parameters and rows written.

// told is what a connection said after one statement; ok is false where its
// backend can't tell.
type told struct {
	backend.SessionState
	ok bool
}

// toldBy asks the connection of a transaction, and makes it forget its notices.
func toldBy(r executor.Runner) told {
	s, can := r.(interface {
		Session() (backend.SessionState, bool)
	})
	if !can {
		return told{}
	}
	state, ok := s.Session()
	return told{state, ok}
}

// saidOn are the notices of a transaction's last statement, one a line.
func saidOn(r executor.Runner) string { return lines(toldBy(r), false) }

// cutName is the SQLSTATE of "identifier … will be truncated", which PostgreSQL
// says when it parses.
const cutName = "42622"

// lines are notices as they are compared: severity, SQLSTATE and text.
func lines(t told, withoutParser bool) string {
	var b strings.Builder
	for _, n := range t.Notices {
		if withoutParser && n.SQLState == cutName {
			continue
		}
		fmt.Fprintf(&b, "%s %s %s\n", n.Severity, n.SQLState, n.Message)
	}
	if t.Lost > 0 {
		fmt.Fprintf(&b, "and %d more\n", t.Lost)
	}
	return b.String()
}

// told compares what two connections said after a statement. Where it failed on one
// side only, that is the difference.
func (c *comparison) told(statement string, controlErr, candidateErr error, control, candidate told) {
	if !control.ok || !candidate.ok || outage(controlErr) || outage(candidateErr) ||
		timedOut(controlErr) || timedOut(candidateErr) || contended(controlErr) != contended(candidateErr) || (controlErr == nil) != (candidateErr == nil) {
		return
	}
	if control.Transaction != candidate.Transaction {
		c.add(Diff{
			Kind: DiffState, Statement: statement,
			Detail: fmt.Sprintf("- %s\n+ %s", stateName(control.Transaction), stateName(candidate.Transaction)),
		})
	}
	a, b := lines(control, false), lines(candidate, false)
	if a == b {
		return
	}
	if c.may(RuleParser) && lines(control, true) == lines(candidate, true) {
		c.rules[RuleParser]++
		return
	}
	c.note(&finding{said: a, Diff: Diff{Kind: DiffNotice, Statement: statement, Detail: difference(a, b)}})
}

// stateName is a transaction status in words.
func stateName(status byte) string {
	switch status {
	case 'I':
		return "idle"
	case 'T':
		return "in transaction"
	case 'E':
		return "failed"
	}
	return fmt.Sprintf("status %q", status)
}

// difference is the readable difference of two texts of lines.
func difference(a, b string) string {
	return cmp.Diff(strings.Split(strings.TrimSuffix(a, "\n"), "\n"), strings.Split(strings.TrimSuffix(b, "\n"), "\n"))
}

// aftermath is what a transaction leaves: run-time parameters that were set, and
// rows inserted, updated and deleted by table, triggers included, one a line.
type aftermath struct{ settings, written string }

// The counters of pg_stat_xact_user_tables go on from transactions before this one
// until the session has reported them: both ends of the transaction are read.
const (
	writtenSQL = `select s.relid::pg_catalog.text, s.schemaname || '.' || s.relname,
	s.n_tup_ins::pg_catalog.text, s.n_tup_upd::pg_catalog.text, s.n_tup_del::pg_catalog.text
from pg_catalog.pg_stat_xact_user_tables s where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0`
	setSQL = `select s.name, s.setting from pg_catalog.pg_settings s where s.source = 'session' order by 1`
)

// counters are rows written by table since the session last reported.
type counters map[string]struct {
	name                       string
	inserted, updated, deleted int64
}

// written reads the counters of the transaction r.
func written(ctx context.Context, r executor.Runner) (counters, error) {
	list := make(counters)
	err := each(ctx, r, "count rows written", writtenSQL, func(v []string) error {
		t := list[v[0]]
		t.name = v[1]
		_, err := fmt.Sscan(v[2]+" "+v[3]+" "+v[4], &t.inserted, &t.updated, &t.deleted)
		list[v[0]] = t
		return err
	})
	return list, err
}

// leave reads the aftermath of the transaction r that began with before.
func leave(ctx context.Context, r executor.Runner, before counters) (a aftermath, err error) {
	after, err := written(ctx, r)
	if err != nil {
		return a, err
	}
	var tables []string
	for id, t := range after {
		was := before[id]
		if i, u, d := t.inserted-was.inserted, t.updated-was.updated, t.deleted-was.deleted; i+u+d > 0 {
			tables = append(tables, fmt.Sprintf("%s: %d inserted, %d updated, %d deleted", t.name, i, u, d))
		}
	}
	slices.Sort(tables)
	a.written = strings.Join(tables, "\n")
	a.settings, err = settings(ctx, r)
	return a, err
}

// settings are the run-time parameters that the session has set.
func settings(ctx context.Context, r executor.Runner) (string, error) {
	var b strings.Builder
	err := each(ctx, r, "read settings", setSQL, func(v []string) error {
		b.WriteString(v[0] + " = " + v[1] + "\n")
		return nil
	})
	return b.String(), err
}

// each calls fn with the texts of each row; columns must be of type text or name.
func each(ctx context.Context, r executor.Runner, name, sql string, fn func([]string) error) error {
	rows, err := r.Query(ctx, &builder.Statement{Name: name, SQL: sql, Effect: builder.Read})
	if err != nil {
		return err
	}
	for row, err := range rows.All() {
		if err != nil {
			return err
		}
		list := make([]string, len(row.Values()))
		for i, v := range row.Values() {
			list[i] = string(v)
		}
		if err := fn(list); err != nil {
			_ = rows.Close()
			return err
		}
	}
	return nil
}

// left compares what two transactions left.
func (c *comparison) left(operation string, control, candidate aftermath) {
	c.sql, c.given, c.step = "", 0, -1
	if control.settings != candidate.settings {
		c.note(&finding{said: control.settings, Diff: Diff{Kind: DiffSettings, Statement: operation, Detail: difference(control.settings, candidate.settings)}})
	}
	if control.written != candidate.written {
		c.note(&finding{said: control.written, Diff: Diff{Kind: DiffWritten, Statement: operation, Detail: difference(control.written, candidate.written)}})
	}
}
