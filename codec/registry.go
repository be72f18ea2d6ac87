package codec

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Options change the JSON that a Registry's types write. The zero value is the
// server's own to_json.
type Options struct {
	// BigIntString writes int8 and numeric as JSON strings, inside arrays and
	// composites too, for clients whose numbers are doubles.
	BigIntString bool
	// CamelKeys rewrites the keys inside json and jsonb values, at every depth,
	// with CamelKey. Two keys that meet in one spelling are both kept.
	CamelKeys bool
}

// Registry holds the types of one database. It is immutable and safe for
// concurrent use.
type Registry struct {
	types map[uint32]*Type
}

// Builtin is the registry of the built-in types alone, with zero Options.
func Builtin() *Registry { return builtinRegistry() }

// HasBinary says whether binary wire values of the built-in type oid can be
// decoded: what a backend is told to ask the server for.
func HasBinary(oid uint32) bool { return Builtin().Type(oid).HasBinary() }

var builtinRegistry = sync.OnceValue(func() *Registry {
	r, err := NewRegistry(nil, Options{})
	if err != nil {
		panic(err) // the table in types.go is wrong; its test says how
	}
	return r
})

// BuiltinNamed is the built-in type of this name, as pg_type.typname has it (an array of
// int4 is _int4); nil where there is none.
func BuiltinNamed(name string) *Type { return builtinNames()[name] }

var builtinNames = sync.OnceValue(func() map[string]*Type {
	names := make(map[string]*Type)
	for _, t := range Builtin().types {
		if t.builtin {
			names[t.name] = t
		}
	}
	return names
})

// NewRegistry makes a registry of the built-in types and of types, which a
// catalog says in any order. An entry for a built-in OID is passed over; one
// that is there twice, without an OID, or that is its own base, is an error.
// A reference to a type that is not given is a type of unknown kind, as Type
// answers for it. types is not kept.
func NewRegistry(types []TypeInfo, o Options) (*Registry, error) {
	r := &Registry{types: make(map[uint32]*Type, 3*len(builtins)+len(types))}
	for i := range builtins {
		r.addBuiltin(&builtins[i], o)
	}
	infos := make(map[uint32]*TypeInfo, len(types))
	for i := range types {
		info := &types[i]
		if info.OID == 0 {
			return nil, fmt.Errorf("register type %q: its OID is 0", info.Name)
		}
		if t := r.types[info.OID]; t != nil {
			if t.builtin {
				continue
			}
			return nil, fmt.Errorf("register type %q: its OID %d is there already, as %q", info.Name, info.OID, t.name)
		}
		r.types[info.OID] = &Type{oid: info.OID, schema: info.Schema, name: info.Name, byName: info.ByName, delim: ',', reg: r}
		infos[info.OID] = info
	}
	for _, t := range r.types {
		if err := r.link(t, infos); err != nil {
			return nil, err
		}
	}
	seen := make(map[*Type]bool, len(r.types))
	for _, t := range r.types {
		t.noBin = !binaryThroughout(t, seen)
	}
	return r, nil
}

// Type is the type of an OID, never nil. For an unknown OID it is a type of
// KindOther without a name, whose JSON is the server's text as a string and
// whose argument is a string.
func (r *Registry) Type(oid uint32) *Type {
	if t := r.types[oid]; t != nil {
		return t
	}
	t := &Type{oid: oid, kind: KindOther, delim: ',', arg: argText, want: "a string", reg: r}
	return t
}

// addBuiltin adds one row of the table, its array, and what the row's kind implies.
func (r *Registry) addBuiltin(b *builtin, o Options) {
	t := &Type{
		oid: b.oid, schema: "pg_catalog", name: b.name, kind: b.kind, delim: ',', builtin: true,
		form: b.form, bin: b.bin, arg: b.arg, want: b.want, reg: r,
	}
	if b.of != 0 {
		t.elem = r.types[b.of] // the table has what a row refers to above it
	}
	switch {
	case b.oid == oidBox:
		t.delim = ';'
	case o.BigIntString && (b.oid == oidInt8 || b.oid == oidNumeric):
		t.form = formNumberString
	case o.CamelKeys && b.form == formJSON:
		t.form = formJSONCamel
	}
	r.types[t.oid] = t
	if b.array != 0 {
		a := &Type{oid: b.array, schema: "pg_catalog", name: "_" + b.name, delim: ',', builtin: true, reg: r}
		a.becomeArray(t)
		r.types[a.oid] = a
	}
	t.state = linked
}

// linkState marks a type while the graph of types is walked.
type linkState uint8

const (
	unlinked linkState = iota
	linking
	linked
)

// link fills t from what the catalog says of it, its base types first.
func (r *Registry) link(t *Type, infos map[uint32]*TypeInfo) error {
	info := infos[t.oid]
	if t.state == linked || info == nil {
		return nil
	}
	if t.state == linking {
		return fmt.Errorf("register type %q: it is its own base", t.name)
	}
	t.state = linking
	if info.Delim != 0 {
		t.delim = info.Delim
	}
	under := func(oid uint32) (*Type, error) {
		b := r.Type(oid)
		return b, r.link(b, infos)
	}
	switch {
	case info.Kind == 'e':
		t.become(KindEnum, formText, binCopy, argEnum, "one of its labels")
		t.labels, t.isLabel = slices.Clone(info.Labels), make(map[string]bool, len(info.Labels))
		for _, label := range t.labels {
			t.isLabel[label] = true
		}
	case info.Kind == 'd':
		b, err := under(info.Base)
		if err != nil {
			return err
		}
		t.becomeDomain(b)
	case info.Kind == 'c':
		t.become(KindComposite, formComposite, binComposite, argComposite, "an object of its fields")
		for _, f := range info.Fields {
			key := append(appendQuoted(nil, []byte(f.Name)), ':')
			t.fields = append(t.fields, field{name: f.Name, key: key, typ: r.Type(f.OID)})
		}
	case info.Kind == 'r', info.Kind == 'm':
		b, err := under(info.Base)
		if err != nil {
			return err
		}
		t.elem = b
		if info.Kind == 'r' {
			t.become(KindRange, formQuote, binRange, argRange, wantRange)
		} else {
			t.become(KindMultirange, formQuote, binMultirange, argMultirange, wantMultirange)
		}
	case info.Elem != 0:
		// The element may be the composite that holds this array: no descent.
		t.becomeArray(r.Type(info.Elem))
	default:
		t.becomeExtension(info.Name)
	}
	t.state = linked
	return nil
}

// become sets what the kind of a type decides.
func (t *Type) become(k Kind, f form, bin binaryText, arg argument, want string) {
	t.kind, t.form, t.bin, t.arg, t.want = k, f, bin, arg, want
}

// becomeArray makes t the array of elem.
func (t *Type) becomeArray(elem *Type) {
	t.become(KindArray, formArray, binArray, argArray, "a list")
	t.elem = elem
}

// becomeDomain gives t everything of its base but the identity.
func (t *Type) becomeDomain(b *Type) {
	base := b.Base()
	t.become(base.kind, base.form, base.bin, base.arg, base.want)
	t.elem, t.labels, t.isLabel, t.fields, t.base = base.elem, base.labels, base.isLabel, base.fields, base
}

// becomeExtension recognises a base type by its name: extensions have no fixed
// OIDs. A base type that is not known is text.
func (t *Type) becomeExtension(name string) {
	t.become(KindOther, formQuote, nil, argText, "a string")
	for i := range extensions {
		if x := &extensions[i]; strings.EqualFold(x.name, name) {
			t.become(x.kind, x.form, x.bin, x.arg, x.want)
			return
		}
	}
}

// binaryThroughout says whether t and everything that its binary form holds can
// be decoded. seen keeps the answers; a type that holds itself, which the
// server refuses to make, meets its own unfinished answer: false.
func binaryThroughout(t *Type, seen map[*Type]bool) bool {
	if ok, done := seen[t]; done {
		return ok
	}
	seen[t] = false
	ok := t.bin != nil && (t.elem == nil || binaryThroughout(t.elem, seen))
	for _, f := range t.fields {
		ok = ok && binaryThroughout(f.typ, seen)
	}
	seen[t] = ok
	return ok
}

// quoteIdent quotes an SQL identifier.
func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
