package graphql

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/executor"
)

// Request is one GraphQL request.
type Request struct {
	Query         string
	OperationName string          // "" where none was named
	Variables     json.RawMessage // a JSON object, or nil
	// NoIntrospection refuses __schema and __type.
	NoIntrospection bool
}

// Engine answers requests against the current Schema. It is safe for concurrent
// use.
type Engine struct {
	runner  executor.Runner
	options EngineOptions
	current atomic.Pointer[generation]
	stats   cacheStats
	observe atomic.Pointer[func(hit bool)]
}

// EngineOptions change how an Engine works. The zero value is the default of each.
type EngineOptions struct {
	// Plans is how many documents are kept, with their plans. 0: 1,000; negative:
	// none.
	Plans int
	// OneSnapshot runs the fields of a query one after the other on one connection,
	// in one snapshot. Default: side by side, each in a snapshot of its own.
	OneSnapshot bool
	// OneTransaction runs all fields of a mutation in one transaction: the first
	// error undoes them all. Default: one for each field.
	OneTransaction bool
	// Parallel is how many fields of one query run side by side. 0: 4.
	Parallel int
	// ShowStates are SQLSTATEs whose message a client may see: those that
	// functions of the database RAISE for it.
	ShowStates []string
}

// generation is a Schema with what was planned against it. A new one begins with
// an empty cache, so that no plan outlives its schema.
type generation struct {
	schema    *Schema
	documents *lru.Cache[documentKey, *document] // nil: none are kept
	programs  atomic.Int64                       // that documents keep
	most      int64                              // how many they may
}

// documentKey is everything that a document is parsed and validated by.
type documentKey struct{ query, operation string }

// document is a validated operation with its programs, by the shape of values.
type document struct {
	op            *ast.OperationDefinition
	introspection bool // it asks for __schema or __type
	priced        bool // what it costs depends on the variables
	mu            sync.RWMutex
	programs      map[string]*program
	gone          bool // no longer in the cache: nothing is kept any more
}

// Bounds of the programs that are kept: clients that send filters of ever new forms
// do not fill the memory.
const (
	maxShapes        = 64      // of one document
	maxShape         = 4 << 10 // bytes of a shape; a plan is large where its shape is
	shapesOfDocument = 4       // of a document in the middle, when the cache is full
)

type cacheStats struct{ hits, misses atomic.Int64 }

// NewEngine makes an Engine that runs on r.
func NewEngine(s *Schema, r executor.Runner, o EngineOptions) *Engine {
	if o.Plans == 0 {
		o.Plans = 1000
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	e := &Engine{runner: r, options: o}
	e.SetSchema(s)
	return e
}

// Schema is the current Schema.
func (e *Engine) Schema() *Schema { return e.current.Load().schema }

// SetSchema replaces the schema for the requests that come from now on. Those that
// are prepared already go on with the old one.
func (e *Engine) SetSchema(s *Schema) {
	g := &generation{schema: s}
	if e.options.Plans > 0 {
		g.most = shapesOfDocument * int64(e.options.Plans)
		g.documents, _ = lru.NewWithEvict(e.options.Plans, func(_ documentKey, d *document) { g.forget(d) }) // fails for a size below 1 only
	}
	e.current.Store(g)
}

// CacheStats are how many requests found their plan, and how many had to make it.
func (e *Engine) CacheStats() (hits, misses int64) {
	return e.stats.hits.Load(), e.stats.misses.Load()
}

// ObservePlans has f told of each request whether its plan was in the cache. f must
// be quick and safe for concurrent use.
func (e *Engine) ObservePlans(f func(hit bool)) { e.observe.Store(&f) }

func (e *Engine) planned(hit bool) {
	if f := e.observe.Load(); f != nil {
		(*f)(hit)
	}
}

// Operation is a request that is ready to run, once.
type Operation struct {
	engine  *Engine
	schema  *Schema
	program *program
	name    string
	roots   []boundPlan
	// What roots is made of where there is one with one plan, as nearly always.
	root [1]boundPlan
	plan [1]*builder.Plan
}

// valuesPool keeps the memory of values between requests.
var valuesPool = sync.Pool{New: func() any { return &values{} }}

// Prepare parses, validates and plans r; nothing is sent. The error is Errors: the
// request was refused as a whole.
func (e *Engine) Prepare(_ context.Context, r *Request) (*Operation, error) {
	op, errs := e.prepare(r)
	if len(errs) == 0 {
		return op, nil
	}
	if r.NoIntrospection {
		hideNames(errs)
	}
	return nil, errs
}

func (e *Engine) prepare(r *Request) (*Operation, Errors) {
	g := e.current.Load()
	doc, errs := g.document(r)
	if len(errs) > 0 {
		return nil, errs
	}
	if doc.introspection && r.NoIntrospection {
		return nil, Errors{{Message: "introspection is not open to you", Code: codeIntrospection}}
	}
	v := valuesPool.Get().(*values) //nolint:forcetypeassert // nothing else is in it
	defer valuesPool.Put(v)
	if errs := v.coerce(g.schema.in, doc.op, r.Variables, &g.schema.limits); len(errs) > 0 {
		return nil, errs
	}
	if doc.priced { // what a request costs may hang on its variables
		if errs := checkCost(doc.op, v, &g.schema.limits); len(errs) > 0 {
			return nil, errs
		}
	}
	doc.mu.RLock()
	p := doc.programs[string(v.shape)]
	doc.mu.RUnlock()
	if p != nil {
		op := &Operation{engine: e, schema: g.schema, program: p, name: doc.op.Name}
		if op.bind(v.leaves[1:]) {
			e.stats.hits.Add(1)
			e.planned(true)
			return op, nil
		}
	}
	e.stats.misses.Add(1)
	e.planned(false)
	p, errs = g.schema.compile(doc.op, v)
	if len(errs) > 0 {
		return nil, errs
	}
	if p.reusable {
		g.keep(doc, string(v.shape), p)
	}
	op := &Operation{engine: e, schema: g.schema, program: p, name: doc.op.Name}
	op.unbound()
	return op, nil
}

// keep adds a program to d, unless that has enough or p is too large to be worth it.
// Where all documents have too many, the one that was asked for longest ago goes.
func (g *generation) keep(d *document, shape string, p *program) {
	if g.documents == nil || len(shape) > maxShape {
		return
	}
	d.mu.Lock()
	added := !d.gone && len(d.programs) < maxShapes && d.programs[shape] == nil
	if added {
		d.programs[shape] = p
	}
	d.mu.Unlock()
	if added && g.programs.Add(1) > g.most {
		g.documents.RemoveOldest()
	}
}

// forget drops the programs of a document that has left the cache.
func (g *generation) forget(d *document) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g.programs.Add(-int64(len(d.programs)))
	d.programs, d.gone = nil, true
}

// document is the validated document of r, from the cache if it is there.
func (g *generation) document(r *Request) (*document, Errors) {
	key := documentKey{r.Query, r.OperationName}
	if g.documents != nil {
		if d, ok := g.documents.Get(key); ok {
			return d, nil
		}
	}
	op, errs := g.schema.validate(r.Query, r.OperationName)
	if len(errs) > 0 {
		return nil, errs
	}
	d := &document{
		op: op, programs: map[string]*program{}, priced: len(op.VariableDefinitions) > 0,
		introspection: isIntrospection(op.SelectionSet, map[string]bool{}),
	}
	if !d.priced {
		v := &values{}
		_ = v.coerce(g.schema.in, op, nil, &g.schema.limits) // there are no variables
		if errs := checkCost(op, v, &g.schema.limits); len(errs) > 0 {
			return nil, errs
		}
	}
	if g.documents != nil {
		g.documents.Add(key, d)
	}
	return d, nil
}

// Name is that of the operation in its document; "" where it has none.
func (o *Operation) Name() string { return o.name }

// Mutation says that the operation may change data.
func (o *Operation) Mutation() bool { return o.program.mutation }
