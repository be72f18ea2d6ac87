package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// maxLost bounds how many operations that were lost in capture a report counts one by one.
const maxLost = 1_000_000

// readCaptured reads a corpus of any kind of lines. The statements of one transaction are
// one entry, at the place of the first; so is what was lost, which can't be run.
func readCaptured(data []byte) (list []entry, lost map[string]int64, err error) {
	in := corpus.NewReader(bytes.NewReader(data))
	lost = map[string]int64{}
	type tx struct {
		conn string
		n    uint64
	}
	open := map[tx]int{} // place in list
	for {
		l, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list, lost, nil
		case err != nil:
			return nil, nil, err
		case l.Definition != nil:
			list = append(list, entry{Title: l.Title, Definition: l.Definition, Line: l.Number})
			continue
		case len(l.Lost) > 0:
			for why, n := range l.Lost {
				lost[why] += n
			}
			continue
		}
		e := entry{Title: l.Title, Line: l.Number, captured: []corpus.Line{l}}
		if e.Title == "" {
			e.Title = fmt.Sprintf("line %d", l.Number)
		}
		if l.Tx == 0 {
			list = append(list, e)
			continue
		}
		key := tx{l.Conn, l.Tx}
		if at, ok := open[key]; ok {
			list[at].captured = append(list[at].captured, l)
			continue
		}
		open[key] = len(list)
		list = append(list, e)
	}
}

// comments may hold values, as tags of requests do.
var comments = regexp.MustCompile(`(?s)/\*.*?\*/|--[^\n]*`)

// capturedShape is the text of all statements without comments; the report takes the
// values out of it.
func capturedShape(lines []corpus.Line) string {
	var parts []string
	for _, l := range lines {
		if l.SQL != "" {
			parts = append(parts, strings.Join(strings.Fields(comments.ReplaceAllString(l.SQL, " ")), " "))
		}
	}
	return strings.Join(parts, "; ")
}

var (
	readForm  = regexp.MustCompile(`(?i)^\s*(select|values|table|show)\b`)
	writeForm = regexp.MustCompile(`(?i)\bfor\s+(no\s+key\s+)?(update|share|key\s+share)\b|\binto\b`)
)

// reads says whether a statement surely only reads, but for what functions do.
func reads(sql string) bool {
	sql = comments.ReplaceAllString(sql, " ")
	return readForm.MatchString(sql) && !writeForm.MatchString(sql)
}

// statement is l as a statement, or why it can't be run.
func statement(l *corpus.Line, effect builder.Effect) (s builder.Statement, why string) {
	var args []any
	for i := range l.Args {
		v, err := l.Args[i].Value()
		if err != nil {
			return s, "an argument was not captured"
		}
		args = append(args, v)
	}
	s, err := builder.Raw(capturedShape([]corpus.Line{*l}), effect, l.SQL, args...)
	if err != nil {
		return s, "an argument can't be sent"
	}
	return s, ""
}

// runCaptured runs the statements of one entry: alone, or in one transaction.
func (c *comparer) runCaptured(ctx context.Context, e entry, skipWrites bool) outcome {
	o := outcome{entry: e}
	skip := func(why string) outcome {
		o.Reports = []parity.Report{{Operation: capturedShape(e.captured), Verdict: parity.NotCompared, Reason: why}}
		return o
	}
	var lines []*corpus.Line
	effect, rolledBack := builder.Read, false
	for i := range e.captured {
		switch l := &e.captured[i]; l.Kind {
		case corpus.KindBegin, corpus.KindCommit:
		case corpus.KindRollback:
			rolledBack = true
		case corpus.KindPrepare, corpus.KindDescribe:
			return skip("it was captured without its arguments")
		default:
			if l.Kind == corpus.KindExec || !reads(l.SQL) {
				effect = builder.Write
			}
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return skip("a transaction without a statement")
	}
	if skipWrites && effect == builder.Write {
		return skip("writes are skipped")
	}
	statements := make([]builder.Statement, len(lines))
	for i, l := range lines {
		var why string
		if statements[i], why = statement(l, effect); why != "" {
			return skip(why)
		}
	}
	c.reports = nil
	o.Err = c.captured(ctx, lines, statements, effect, rolledBack)
	if effect == builder.Read && backend.SQLStateOf(o.Err) == "25006" && lines[len(lines)-1].Outcome == "ok" && !skipWrites {
		for i := range statements { // a function that it calls writes
			statements[i].Effect = builder.Write
		}
		c.reports = nil
		o.Err = c.captured(ctx, lines, statements, builder.Write, rolledBack)
	}
	o.Reports = c.reports
	return o
}

// errCaptured rolls back what the application rolled back.
var errCaptured = errors.New("rolled back, as it was captured")

func (c *comparer) captured(ctx context.Context, lines []*corpus.Line, statements []builder.Statement, effect builder.Effect, rollback bool) error {
	all := func(ctx context.Context, r executor.Runner) error {
		for i := range statements {
			if err := send(ctx, r, lines[i].Kind, &statements[i]); err != nil {
				return err
			}
		}
		if rollback {
			return errCaptured
		}
		return nil
	}
	if lines[0].Tx == 0 {
		return send(ctx, c.runner, lines[0].Kind, &statements[0])
	}
	err := c.runner.InTx(ctx, &executor.TxOptions{ReadOnly: effect == builder.Read}, all)
	if errors.Is(err, errCaptured) {
		return nil
	}
	return err
}

// send runs one statement, and reads its rows to the end.
func send(ctx context.Context, r executor.Runner, kind corpus.Kind, s *builder.Statement) error {
	if kind == corpus.KindExec {
		_, err := r.Exec(ctx, s)
		return err
	}
	rows, err := r.Query(ctx, s)
	if err != nil {
		return err
	}
	for rows.Next() {
		continue
	}
	return rows.Close()
}

// tellLost counts what the capture lost: nothing is known of it, and it counts as not
// compared.
func (r *parityRun) tellLost(ctx context.Context, lost map[string]int64) {
	for _, why := range slices.Sorted(maps.Keys(lost)) {
		fmt.Fprintf(r.Err, "%d operations were lost in capture: %s\n", lost[why], why)
		for range min(lost[why], maxLost) {
			r.collector.Publish(ctx, parity.Report{Operation: "lost in capture", Verdict: parity.NotCompared, Reason: "lost in capture"})
		}
	}
}
