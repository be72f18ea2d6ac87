package corpus

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

const (
	whyApart  = "it can't run in a transaction, as all that is replayed does"
	whyBeside = "it sets something for its session beside other things"
)

// apart finds what PostgreSQL refuses in a transaction ("PreventInTransactionBlock" in its
// source).
var apart = regexp.MustCompile(`(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:vacuum\b|checkpoint\b|alter\s+system\b|cluster\s*(?:verbose\s*)?;?\s*$|(?:create|drop)\s+(?:database|tablespace|subscription)\b|` +
	`reindex\s+(?:\([^)]*\)\s*)?(?:database|system|schema)\b|(?:create\s+(?:unique\s+)?index|drop\s+index|reindex\s+(?:\([^)]*\)\s*)?(?:table|index))\s+concurrently\b|` +
	`alter\s+database\s+\S+\s+set\s+tablespace\b|(?:commit|rollback)\s+prepared\b)`)

// snapshot finds SET TRANSACTION SNAPSHOT.
var snapshot = regexp.MustCompile(`(?is)^\s*set\s+transaction\s+snapshot\b`)

const whySkipped = "writes are left out"

// several are the statements of a line that has more than one, each as a line; a line
// that has one is alone. why, where it is not "", says that they can't run one by one.
func several(l Line) (parts []Line, why string) {
	texts := sqltext.Split(l.SQL)
	if len(texts) < 2 || len(l.Args) > 0 || l.Kind == KindPrepare || l.Kind == KindDescribe { // no driver takes several with arguments
		return []Line{l}, ""
	}
	for i, text := range texts {
		t := sqltext.Parse(text)
		switch {
		case t.Kind == sqltext.Transaction && t.Tx != sqltext.Savepoint && t.Tx != sqltext.None:
			return nil, "several statements in one that have a transaction of their own"
		case t.Kind == sqltext.Copy:
			return nil, whyCopy
		}
		part := l
		part.SQL, part.Rows = text, nil
		if i > 0 {
			part.Settings = nil // they are of the first
		}
		if l.Outcome != "ok" {
			part.Outcome = "" // of which one it is nobody knows
		}
		parts = append(parts, part)
	}
	return parts, ""
}

// statement is the line's SQL for a Runner, or why it can't be.
func (p *Replayer) statement(l Line) (*builder.Statement, string) {
	t := sqltext.Parse(l.SQL)
	switch t.Kind {
	case sqltext.Copy:
		return nil, whyCopy
	case sqltext.Listen:
		return nil, whyListen
	case sqltext.Cursor:
		return nil, whyCursor
	case sqltext.Session:
		return nil, whySession
	case sqltext.Transaction:
		if t.Tx == sqltext.Begin || t.Tx == sqltext.End {
			return nil, "it begins or ends a transaction without its number"
		}
		if snapshot.MatchString(l.SQL) {
			return nil, "it takes a snapshot that is no more"
		}
	case sqltext.Empty:
		return nil, whyEmpty
	case sqltext.Read, sqltext.Write:
	}
	if apart.MatchString(l.SQL) {
		return nil, whyApart
	}
	changes, _ := sqltext.Changes(l.SQL, texts(l.Args))
	if slices.ContainsFunc(changes, func(c sqltext.Change) bool { return !c.Local }) {
		return nil, whyBeside
	}
	if l.Kind == KindPrepare {
		return nil, "a statement that was prepared and not run"
	}
	effect := builder.Write
	if t.Kind == sqltext.Read {
		effect = builder.Read
	}
	if effect == builder.Write && p.skipWrites {
		return nil, whySkipped
	}
	args := make([]any, len(l.Args))
	for i, a := range l.Args {
		v, err := a.Value()
		if err != nil {
			return nil, "an argument whose value was not captured"
		}
		args[i] = v
	}
	s, err := builder.Raw(t.Name, effect, l.SQL, args...)
	if err != nil {
		return nil, "SQL that can't be sent"
	}
	s.Ordered = t.Ordered
	return &s, ""
}

func run(ctx context.Context, r executor.Runner, l Line, s *builder.Statement) error {
	if l.Kind == KindExec && s.Effect != builder.Read {
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
	return errors.Join(rows.Err(), rows.Close())
}
