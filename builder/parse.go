package builder

import (
	"bytes"
	"database/sql"
	"slices"
	"strings"
)

// Request is what one JSON text asks for: a definition, a list of them, or a
// transaction.
type Request struct {
	// Definitions is never empty.
	Definitions []Definition
	// List says that the JSON was a list, so that the answer is one too. The
	// definitions are independent of each other.
	List bool
	// Transaction says that all definitions run in one transaction, in their
	// order. The members below belong to it and are zero otherwise.
	Transaction bool
	// Isolation is sql.LevelDefault where the request does not say.
	Isolation sql.IsolationLevel
	ReadOnly  bool
	// Deferrable has an effect only where Isolation is serializable and
	// ReadOnly is set; anything else is refused.
	Deferrable bool
	// Session are settings for the time of the transaction, by name in the
	// order of the request. Names have a dot ("app.tenant_id"): no setting of
	// the server itself can be reached.
	Session []Setting
}

// Setting is one session variable of a Request.
type Setting struct{ Name, Value string }

// Parse reads a request: one definition, a list of definitions, or
//
//	{"transaction":[…],"isolation":"serializable","read_only":true,
//	 "deferrable":true,"session":{"app.tenant_id":"42"}}
//
// The error is Problems and lists everything that is wrong with the shape of
// the JSON. Names, operators and values are checked by Build. data is not kept.
func Parse(data []byte) (Request, error) { return Limits{}.Parse(data) }

// ParseDefinition reads one definition. See Parse for the error.
func ParseDefinition(data []byte) (*Definition, error) { return Limits{}.ParseDefinition(data) }

// Parse is the function Parse under these limits.
func (l Limits) Parse(data []byte) (Request, error) {
	r := &reader{probs: &problems{}}
	var req Request
	if r.document = scan(bytes.Clone(data), l, r.probs); r.document != nil {
		req = r.request()
	}
	if err := r.probs.err(); err != nil {
		return Request{}, err
	}
	return req, nil
}

// ParseDefinition is the function ParseDefinition under these limits.
func (l Limits) ParseDefinition(data []byte) (*Definition, error) {
	r := &reader{probs: &problems{}}
	var def Definition
	if r.document = scan(bytes.Clone(data), l, r.probs); r.document != nil {
		def = r.definition(0, nil)
	}
	if err := r.probs.err(); err != nil {
		return nil, err
	}
	return &def, nil
}

var (
	requestKeys = []string{"transaction", "isolation", "read_only", "deferrable", "session"}
	isolations  = []string{"read committed", "repeatable read", "serializable"}
	levels      = []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable}
)

// request reads the outermost value.
func (r *reader) request() Request {
	switch {
	case r.kind(0) == jsonList:
		return Request{List: true, Definitions: r.definitions(0, nil)}
	case r.kind(0) == jsonObject && r.has(0, requestKeys...):
		return r.transaction()
	}
	return Request{Definitions: []Definition{r.definition(0, nil)}}
}

// definitions reads a list of at least one definition.
func (r *reader) definitions(n int32, at Path) []Definition {
	var defs []Definition
	r.list(n, at, "a list of definitions", func(i int32, at Path) {
		defs = append(defs, r.definition(i, at))
	})
	if r.kind(n) == jsonList && len(defs) == 0 {
		r.probs.addf(at, nil, "the list of definitions is empty")
	}
	return defs
}

func (r *reader) transaction() Request {
	req := Request{Transaction: true}
	seen := r.object(0, nil, "request", requestKeys, func(key string, n int32, at Path) {
		switch key {
		case "transaction":
			req.Definitions = r.definitions(n, at)
		case "isolation":
			if i := slices.Index(isolations, strings.ReplaceAll(r.text(n, at), "_", " ")); i >= 0 {
				req.Isolation = levels[i]
			} else if r.kind(n) == jsonString {
				r.probs.unknown(at, "isolation level", r.str(n), isolations)
			}
		case "read_only":
			req.ReadOnly = r.boolean(n, at)
		case "deferrable":
			req.Deferrable = r.boolean(n, at)
		case "session":
			req.Session = r.session(n, at)
		}
	})
	if !seen["transaction"] {
		r.probs.addf(nil, nil, `"transaction" is missing: the list of definitions to run in it`)
	}
	if req.Deferrable && (req.Isolation != sql.LevelSerializable || !req.ReadOnly) {
		r.probs.addf(Path{"deferrable"}, nil, `deferrable needs "isolation":"serializable" and "read_only":true`)
	}
	return req
}

// session reads {"app.tenant_id":"42"}.
func (r *reader) session(n int32, at Path) []Setting {
	var list []Setting
	r.each(n, at, "an object of settings", func(name string, v int32, at Path) {
		if !settingName(name) {
			r.probs.addf(at, []string{"names with a dot, such as app.tenant_id"}, "%s is not a session variable", quoted(name))
			return
		}
		if value, ok := r.textOK(v, at); ok {
			list = append(list, Setting{name, value})
		}
	})
	return list
}

// settingName says that name is a customized option: two or more plain names
// joined by dots (PostgreSQL documentation, "Customized Options").
func settingName(name string) bool {
	parts := strings.Split(name, ".")
	return len(parts) > 1 && len(name) <= 63 && !slices.ContainsFunc(parts, func(p string) bool { return !plainKey(p) })
}

// The keys of a definition, by what it does.
var (
	operations = []string{"query", "mutation"}
	mutations  = []string{"insert", "update", "delete"}
	queryKeys  = []string{
		"operation", "table", "fields", "relations", "filters", "sort", "pagination", "after", "before", "distinct",
		"aggregate", "group_by", "having",
	}
	mutationKeys = map[Kind][]string{
		Insert: {"operation", "type", "table", "input", "on_conflict", "return_fields", "relations", "max_affected", "filters"},
		Update: {"operation", "type", "table", "input", "filters", "all_rows", "return_fields", "relations", "max_affected"},
		Delete: {"operation", "type", "table", "filters", "all_rows", "return_fields", "relations", "max_affected"},
	}
	anyKeys = func() []string {
		keys := append(slices.Clone(queryKeys), "type", "input", "on_conflict", "return_fields", "max_affected", "all_rows")
		return keys
	}()
)

// definition reads one operation.
func (r *reader) definition(n int32, at Path) Definition {
	def := Definition{Path: at}
	if r.kind(n) != jsonObject {
		r.wrong(n, at, "an object: a definition")
		return def
	}
	keys := anyKeys
	if def.Kind = r.operation(n, at); def.Kind == Query {
		keys = queryKeys
	} else if def.Kind != 0 {
		keys = mutationKeys[def.Kind]
	}
	seen := r.object(n, at, "definition", keys, func(key string, n int32, at Path) { r.member(&def, key, n, at) })
	if !seen["table"] {
		r.probs.addf(at, nil, `"table" is missing`)
	}
	if (def.Kind == Insert || def.Kind == Update) && !seen["input"] {
		r.probs.addf(at, nil, `"input" is missing`)
	}
	return def
}

// operation decides what the definition at n does; 0 where that is unclear,
// which is a problem already then.
func (r *reader) operation(n int32, at Path) Kind {
	op, hasOp := r.find(n, "operation")
	typ, hasType := r.find(n, "type")
	opName, opOK := "", true
	if hasOp {
		opName, opOK = r.textOK(op, at.key("operation"))
		if opOK && !slices.Contains(operations, opName) {
			r.probs.unknown(at.key("operation"), "operation", opName, operations)
			opOK = false
		}
	}
	if !hasType {
		switch {
		case !hasOp:
			r.probs.addf(at, operations, `"operation" is missing`)
		case opName == "mutation":
			r.probs.addf(at, mutations, `"type" is missing: what the mutation does`)
		case opOK:
			return Query
		}
		return 0
	}
	if opName == "query" {
		return Query // "type" is refused as an unknown key
	}
	name, ok := r.textOK(typ, at.key("type"))
	if i := slices.Index(mutations, name); i >= 0 && opOK {
		return Insert + Kind(i)
	} else if ok && i < 0 {
		r.probs.unknown(at.key("type"), "type of mutation", name, mutations)
	}
	return 0
}

// member reads one key of a definition.
func (r *reader) member(def *Definition, key string, n int32, at Path) {
	switch key {
	case "table":
		def.Table = r.text(n, at)
	case "fields":
		def.Fields = r.fields(n, at)
	case "return_fields":
		if def.ReturnNone = r.kind(n) == jsonNull; !def.ReturnNone {
			def.Fields = r.fields(n, at)
		}
	case "relations":
		def.Relations = r.relations(n, at)
	case "filters":
		def.Filter = r.optionalFilter(n, at)
		if def.Kind == Insert && r.kind(n) != jsonNull {
			r.probs.addf(at, nil, "an insert has no filters")
		}
	case "all_rows":
		def.AllRows = r.boolean(n, at)
	case "sort":
		def.Sort = r.sort(n, at)
	case "pagination":
		def.Limit, def.Offset = r.pagination(n, at)
	case "after":
		def.After = r.cursor(n, at)
	case "before":
		def.Before = r.cursor(n, at)
	case "distinct":
		def.Distinct = r.distinct(n, at)
	case "aggregate":
		def.Aggregate = r.aggregates(n, at)
	case "group_by":
		def.GroupBy = r.groupBy(n, at)
	case "having":
		def.Having = r.filter(n, at)
	case "input":
		def.Input, def.InputIsList = r.input(n, at, def.Kind)
	case "on_conflict":
		def.OnConflict = r.onConflict(n, at)
	case "max_affected":
		def.MaxAffected = r.count(n, at)
	}
}
