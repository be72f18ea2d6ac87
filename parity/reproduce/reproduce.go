package reproduce

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

// Sides are the two backends that differ, and what definitions are checked by.
type Sides struct {
	Control, Candidate backend.Backend
	Schema             builder.SchemaOptions
	// ThirdVoice has the server asked about reads that agree: parity.WithThirdVoice(1).
	ThirdVoice bool
}

// Source is the database in which the difference was seen.
type Source struct {
	DB      *executor.DB // through the control
	Catalog *catalog.Catalog
	Schema  *builder.Schema
}

// Reproducer is the smallest operation and database that still differ, with made-up
// values.
type Reproducer struct {
	Operation
	Statements []string // make the database, in an empty one
	Undo       []string // as many: what undoes each, "" where nothing has to
	Signature  Signature
	Control    string // backend.ModeOf
	Candidate  string
	Tries      int
	// Cut says that tries or time ran out: there may be a smaller one.
	Cut bool
}

// Option changes a reproduction.
type Option interface{ apply(o *options) }

type options struct {
	tries int
	limit time.Duration
}

type option func(*options)

func (f option) apply(o *options) { f(o) }

// WithTries bounds how often the operation is run. Default 400.
func WithTries(n int) Option { return option(func(o *options) { o.tries = n }) }

// WithLimit bounds the time. Default one minute.
func WithLimit(d time.Duration) Option { return option(func(o *options) { o.limit = d }) }

// ErrNotSeen says that the difference was not seen in the scratch database: it needs
// something that was not taken there, such as a function, a trigger, a view that is
// not the same twice, or more rows.
var ErrNotSeen = errors.New("the difference is not seen in an empty database with the tables and rows of the operation")

// Reproduce finds the smallest operation and database that fail like want. scratch is
// how to reach an empty database, whose role may do everything in it; it is emptied
// again and again. No value of a row of the source is in the result.
func Reproduce(ctx context.Context, from Source, scratch backend.Config, sides Sides, op Operation, want Signature, o ...Option) (r *Reproducer, err error) {
	set := options{tries: 400, limit: time.Minute}
	for _, opt := range o {
		if opt != nil {
			opt.apply(&set)
		}
	}
	admin, err := executor.Open(ctx, sides.Control, scratch, executor.WithMinIdle(0), executor.WithMaxConns(1))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	if err := empty(ctx, admin); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, set.limit)
	defer cancel()
	sides.ThirdVoice = sides.ThirdVoice || want.Kind == parity.DiffServer
	t := &trier{sides: sides, cfg: scratch, admin: admin, want: want, left: set.tries, schema: from.Schema}
	w, err := t.begin(limited, from, op)
	if err != nil {
		if limited.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("time ran out before it was seen: %w", ErrNotSeen)
		}
		return nil, err
	}
	s := &shrinker{trier: t, ctx: limited, world: w}
	// A part of the tries is for the values, without which nothing can be written.
	s.left -= set.tries / 4
	err = s.all()
	cut := errors.Is(err, errSpent)
	if err != nil && !cut {
		return nil, err
	}
	s.left = max(s.left, 0) + set.tries/4
	last, stop := context.WithTimeout(ctx, set.limit/4+5*time.Second)
	defer stop()
	s.ctx = last
	if err := s.madeUp(); err != nil {
		if errors.Is(err, errSpent) {
			err = ErrValues
		}
		return nil, err
	}
	r = &Reproducer{Signature: want, Control: backend.ModeOf(sides.Control), Candidate: backend.ModeOf(sides.Candidate), Tries: t.tries, Cut: cut}
	for _, step := range s.world.steps() {
		r.Statements, r.Undo = append(r.Statements, step.do), append(r.Undo, step.undo)
	}
	r.Operation, err = s.world.encode()
	return r, err
}
