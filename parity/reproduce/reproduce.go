package reproduce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Sides are the two backends that differ, and what definitions are checked by.
type Sides struct {
	Control, Candidate backend.Backend
	Schema             builder.SchemaOptions
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
	Definition json.RawMessage
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
func Reproduce(ctx context.Context, from Source, scratch backend.Config, sides Sides, definition []byte, want Signature, o ...Option) (r *Reproducer, err error) {
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
	t := &trier{sides: sides, cfg: scratch, admin: admin, want: want, left: set.tries, schema: from.Schema}
	w, err := t.begin(limited, from, definition)
	if err != nil {
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
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s.world.definition); err != nil {
		return nil, err
	}
	r.Definition = bytes.TrimSpace(b.Bytes())
	return r, nil
}

// begin finds rows with which the operation fails in the scratch database.
func (t *trier) begin(ctx context.Context, from Source, definition []byte) (*world, error) {
	def, err := builder.ParseDefinition(definition)
	if err != nil {
		return nil, err
	}
	if def.From != nil {
		return nil, fmt.Errorf("the operation calls a function: %w", ErrNotSeen)
	}
	root, err := from.Catalog.Table(def.Table)
	if err != nil {
		return nil, err
	}
	w, err := load(ctx, from.DB.Pool(), from.Catalog, around(root, depth(def.Relations)))
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(definition))
	dec.UseNumber()
	if err := dec.Decode(&w.definition); err != nil {
		return nil, err
	}
	expand(w, def)
	for _, where := range t.selections(ctx, from, w, def, root) {
		if err := w.fill(ctx, from.DB.Pool(), where, nil, 250); err != nil {
			return nil, err
		}
		failed, err := t.fails(ctx, w)
		if failed {
			return w, nil
		}
		if err != nil {
			break
		}
	}
	return nil, ErrNotSeen
}

// depth is how deep relations nest.
func depth(list []builder.Relation) int {
	d := 0
	for i := range list {
		d = max(d, 1+depth(list[i].Relations))
	}
	return d
}

// around are root and the tables that at most n foreign keys are between; one more
// for what a filter over a relation reads.
func around(root *catalog.Table, n int) []*catalog.Table {
	list := []*catalog.Table{root}
	for range n + 1 {
		for _, t := range slices.Clone(list) {
			for _, k := range t.ForeignKeys {
				if k.RefTable != nil && !slices.Contains(list, k.RefTable) {
					list = append(list, k.RefTable)
				}
			}
			for _, k := range t.ReferencedBy {
				if k.Table != nil && !slices.Contains(list, k.Table) {
					list = append(list, k.Table)
				}
			}
		}
	}
	return list
}

// expand spells out the fields of a definition that leaves them to the table, so
// that they can be dropped one by one.
func expand(w *world, def *builder.Definition) {
	m, ok := w.definition.(map[string]any)
	if !ok || def.Fields != nil || len(def.Aggregate) > 0 || def.ReturnNone {
		return
	}
	var names []any
	for _, c := range w.tables[0].columns {
		names = append(names, c.name)
	}
	if def.Kind == builder.Query {
		m["fields"] = names
	} else {
		m["return_fields"] = names
	}
}

// selections are conditions for the rows of the root table to begin with.
func (t *trier) selections(ctx context.Context, from Source, w *world, def *builder.Definition, root *catalog.Table) []string {
	if def.Kind == builder.Insert {
		return []string{"false", "true"}
	}
	if list := keys(ctx, from, w, def, root); len(list) > 0 {
		return append(list, "true")
	}
	return []string{"true"}
}

const (
	perSelection = 200
	mostKeys     = 4000
)

// keys are conditions for the rows that the operation itself chooses, some hundred a
// condition. None where the table has no key or the operation tells no rows apart.
func keys(ctx context.Context, from Source, w *world, def *builder.Definition, root *catalog.Table) []string {
	if root.PrimaryKey == nil || len(w.tables[0].key) == 0 || len(def.Aggregate) > 0 || def.Distinct != nil {
		return nil
	}
	ask := *def
	ask.Kind, ask.Fields, ask.Relations = builder.Query, nil, nil
	ask.Input, ask.OnConflict, ask.ReturnNone, ask.AllRows, ask.MaxAffected = nil, nil, false, false, nil
	for _, c := range root.PrimaryKey.Columns {
		ask.Fields = append(ask.Fields, builder.Field{Name: c.Name, As: c.Name})
	}
	plan, err := builder.Build(from.Schema, &ask)
	if err != nil {
		return nil
	}
	var answer struct {
		Data []map[string]any `json:"data"`
	}
	var b bytes.Buffer
	if err := executor.ExecutePlan(ctx, from.DB, plan, &b); err != nil {
		return nil
	}
	dec := json.NewDecoder(&b)
	dec.UseNumber()
	if dec.Decode(&answer) != nil {
		return nil
	}
	var list []string
	for chunk := range slices.Chunk(answer.Data[:min(len(answer.Data), mostKeys)], perSelection) {
		var tuples []string
		for _, row := range chunk {
			var cells []string
			for _, name := range w.tables[0].key {
				cells = append(cells, literal(fmt.Sprint(row[name]))+"::"+w.tables[0].columns[w.tables[0].index(name)].typ)
			}
			tuples = append(tuples, "("+strings.Join(cells, ", ")+")")
		}
		list = append(list, fmt.Sprintf("(%s) in (%s)", quoteAll(w.tables[0].key), strings.Join(tuples, ", ")))
	}
	return list
}
