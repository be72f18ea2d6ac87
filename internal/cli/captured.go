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
	var sessions corpus.Sessions
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
		under := sessions.Before(l)
		vars, _ := sessions.Follow(l)
		key := tx{l.Conn, l.Tx}
		if at, ok := open[key]; ok && l.Tx != 0 {
			list[at].captured = append(list[at].captured, l)
			continue
		}
		if l.Tx == 0 && corpus.OnlySets(l) {
			continue
		}
		l.Settings = vars // of all that its connection has sent so far, for a reproducer
		e := entry{Title: l.Title, Line: l.Number, captured: []corpus.Line{l}, under: under}
		if e.Title == "" {
			e.Title = fmt.Sprintf("line %d", l.Number)
		}
		if l.Tx == 0 {
			list = append(list, e)
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

// runCaptured runs the statements of one entry: alone, or in one transaction.
func (c *comparer) runCaptured(ctx context.Context, e entry, writes string) outcome {
	o := outcome{entry: e}
	c.reports = nil
	var lines bytes.Buffer
	w := corpus.NewWriter(&lines)
	for i, l := range e.captured {
		if i == 0 {
			l.Settings = nil // they are among those that are in force
		}
		o.Err = errors.Join(o.Err, w.Write(l))
	}
	if o.Err = errors.Join(o.Err, w.Flush()); o.Err != nil {
		return o
	}
	options := []corpus.ReplayOption{corpus.WithSchema(c.schema), corpus.WithSessions(e.under), corpus.WithDescribe(func(ctx context.Context, l corpus.Line) error {
		return corpus.Describe(ctx, c.harness, c.control.Pool(), c.candidate.Pool(), l)
	})}
	switch writes {
	case "skip":
		options = append(options, corpus.WithoutWrites())
	case "describe":
		options = append(options, corpus.WithDescribedWrites(c.runner.DescribeTx))
	}
	var done corpus.Replayed
	done, o.Err = corpus.NewReplayer(c.runner, options...).Replay(ctx, corpus.NewReader(&lines))
	o.Reports = c.reports
	if len(o.Reports)+len(done.Unusable) > 1 && len(o.Reports) > 0 && o.Reports[0].Control.SQLState == "25006" {
		o.Reports = o.Reports[1:] // a function in it writes: it ran once more, as a write, or may not
	}
	for _, why := range slices.Sorted(maps.Keys(done.Unusable)) {
		o.Reports = append(o.Reports, parity.Report{Operation: capturedShape(e.captured), Verdict: parity.NotCompared, Reason: why})
	}
	return o
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
