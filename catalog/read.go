package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
)

// loader collects rows until finish ties them together.
type loader struct {
	q    Querier
	hash hash.Hash // over every value read
	buf  []byte

	cat     *Catalog
	schemas map[uint32]string // the loaded ones
	inList  string            // their OIDs, for IN (...)

	tables  map[uint32]*tableRow
	order   []*tableRow // by OID
	keys    map[uint32][]rawKey
	foreign []rawForeignKey
	checks  []rawCheck
	names   map[string]string // one copy of each repeated text
}

// tableRow is a table on its way into the Catalog.
type tableRow struct {
	table                   *Table
	parent                  uint32
	allSelect, allIns, allU bool // privileges on the whole table
	all                     []*Column
	byNum                   map[int]*Column // of visible columns
}

// rawKey is a row of keysQuery.
type rawKey struct {
	Key
	nums []int
}

type rawForeignKey struct {
	ForeignKey
	from, to         uint32
	nums, refNums    []int
	onDelete, onUpdt string
}

// rawCheck is a check or exclusion constraint before its columns are known.
type rawCheck struct {
	table uint32
	name  string
	nums  []int
}

func newLoader(q Querier) *loader {
	return &loader{
		q: q, hash: sha256.New(),
		cat: &Catalog{
			byName: map[string]*Table{}, byParts: map[qualified]*Table{}, byOID: map[uint32]*Table{},
			types: map[uint32]*Type{}, typeName: map[qualified]*Type{}, funcName: map[qualified][]*Function{},
		},
		schemas: map[uint32]string{}, tables: map[uint32]*tableRow{},
		keys: map[uint32][]rawKey{}, names: map[string]string{},
	}
}

// read runs all queries. Their number does not depend on what they find.
func (l *loader) read(ctx context.Context, conf config) error {
	if err := l.readSession(ctx, conf); err != nil {
		return err
	}
	v := l.cat.serverVersion
	for _, step := range []struct {
		what string
		run  func(context.Context, string) error
		sql  string
	}{
		{"extensions", l.readExtensions, extensionsQuery},
		{"relations", l.readRelations, relationsQuery(l.inList, conf.guessViews)},
		{"columns", l.readColumns, columnsQuery(l.inList, conf.guessViews)},
		{"keys", l.readKeys, keysQuery(l.inList, v)},
		{"foreign keys", l.readForeignKeys, foreignKeysQuery(l.inList)},
		{"checks", l.readChecks, checksQuery(l.inList)},
		{"types", l.readTypes, typesQuery(l.inList, v)},
		{"functions", l.readFunctions, functionsQuery(l.inList)},
	} {
		if err := step.run(ctx, step.sql); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	l.cat.version = hex.EncodeToString(l.hash.Sum(nil)[:16])
	return nil
}

// each runs a query and calls row after each scan into dest, whose members are
// *string, *int64 or *bool.
func (l *loader) each(ctx context.Context, query string, row func() error, dest ...any) (err error) {
	rows, err := l.q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		l.sum(dest)
		if err := row(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sum adds a row to the hash. Texts go in with their length: the rows ("a",
// "bc") and ("ab", "c") differ.
func (l *loader) sum(dest []any) {
	b := l.buf[:0]
	for _, d := range dest {
		switch d := d.(type) {
		case *string:
			b = binary.AppendUvarint(b, uint64(len(*d)))
			b = append(b, *d...)
		case *int64:
			b = binary.AppendVarint(b, *d)
		case *bool:
			b = strconv.AppendBool(b, *d)
		}
	}
	l.buf = b
	_, _ = l.hash.Write(b) // a hash.Hash never fails
}

// once keeps a single copy of a text that many rows repeat.
func (l *loader) once(s string) string {
	if kept, ok := l.names[s]; ok {
		return kept
	}
	l.names[s] = s
	return s
}

func (l *loader) readSession(ctx context.Context, conf config) error {
	var version int64
	var path, schemas string
	err := l.each(ctx, sessionQuery, func() error { return nil }, &version, &path, &schemas)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	l.cat.serverVersion = int(version)
	if err := json.Unmarshal([]byte(path), &l.cat.searchPath); err != nil {
		return fmt.Errorf("search path: %w", err)
	}
	l.cat.searchPath = slices.DeleteFunc(l.cat.searchPath, func(s string) bool {
		return s == systemSchema || strings.HasPrefix(s, "pg_temp_")
	})
	var usable []struct {
		OID  uint32 `json:"oid"`
		Name string `json:"name"`
	}
	if err := json.Unmarshal([]byte(schemas), &usable); err != nil {
		return fmt.Errorf("schemas: %w", err)
	}
	wanted := map[string]bool{}
	for _, s := range conf.schemas {
		wanted[s] = true
	}
	var list []string
	for _, s := range usable {
		system := strings.HasPrefix(s.Name, "pg_") || s.Name == "information_schema"
		if len(conf.schemas) > 0 && !wanted[s.Name] || len(conf.schemas) == 0 && system {
			continue
		}
		delete(wanted, s.Name)
		l.schemas[s.OID] = s.Name
		l.cat.schemas = append(l.cat.schemas, s.Name)
		list = append(list, strconv.FormatUint(uint64(s.OID), 10))
	}
	if len(wanted) > 0 {
		missing := make([]string, 0, len(wanted))
		for s := range wanted {
			missing = append(missing, s)
		}
		slices.Sort(missing)
		return &UnknownSchemaError{Schemas: missing}
	}
	slices.Sort(l.cat.schemas)
	l.inList = "0" // no object is in schema 0: a list that is never empty
	if len(list) > 0 {
		l.inList = strings.Join(list, ",")
	}
	return nil
}

func (l *loader) readExtensions(ctx context.Context, query string) error {
	var e Extension
	return l.each(ctx, query, func() error {
		found := e
		l.cat.extensions = append(l.cat.extensions, &found)
		return nil
	}, &e.Name, &e.Version, &e.Schema)
}

func (l *loader) readRelations(ctx context.Context, query string) error {
	var oid, schema, parent, updatable, before, after, instead int64
	var kind string
	var t Table
	var canSelect, canInsert, canUpdate bool
	return l.each(ctx, query, func() error {
		found := t
		found.OID, found.Schema, found.Kind = uint32(oid), l.schemas[uint32(schema)], TableKind(kind[0])
		found.Updatable, found.Insertable, found.Deletable = updatable&4 != 0, updatable&8 != 0, updatable&16 != 0
		found.Triggers = Triggers{Before: Event(before), After: Event(after), InsteadOf: Event(instead)}
		found.sqlName = QuoteIdent(found.Schema) + "." + QuoteIdent(found.Name)
		r := &tableRow{table: &found, parent: uint32(parent), allSelect: canSelect, allIns: canInsert, allU: canUpdate}
		l.tables[found.OID] = r
		l.order = append(l.order, r)
		return nil
	}, &oid, &schema, &t.Name, &kind, &t.IsPartition, &parent, &t.Inherited, &t.RowSecurity, &t.ForceRowSecurity,
		&canSelect, &canInsert, &canUpdate, &t.CanDelete, &updatable, &before, &after, &instead, &t.Comment, &t.Extension)
}

func (l *loader) readColumns(ctx context.Context, query string) error {
	var table, num, typ, mod, dims int64
	var declared, plain, identity, generated, collSchema, coll string
	var volatile, canSelect, canInsert, canUpdate, writable bool
	var c Column
	return l.each(ctx, query, func() error {
		r := l.tables[uint32(table)]
		if r == nil { // dropped between two statements of a caller's READ COMMITTED transaction, or created
			return nil
		}
		found := c
		found.Table, found.Num, found.Type, found.TypeMod, found.Dims = r.table, int(num), uint32(typ), int(mod), int(dims)
		found.Name = l.once(c.Name)
		found.JSONName = l.once(CamelCase(c.Name))
		found.sqlName = l.once(QuoteIdent(c.Name))
		found.Identity, found.Generated = firstByte(identity), firstByte(generated)
		found.VolatileDefault = found.Identity != 0 || volatile && found.Generated == 0
		found.HasDefault = found.Identity != 0 || c.HasDefault && found.Generated == 0
		found.ReadOnly = found.Generated != 0 || !writable && r.table.Triggers.InsteadOf == 0
		found.CanSelect, found.CanInsert, found.CanUpdate = r.allSelect || canSelect, r.allIns || canInsert, r.allU || canUpdate
		if coll != "" {
			found.Collation = l.once(QuoteIdent(collSchema) + "." + QuoteIdent(coll))
		}
		// What format_type puts behind the name: "(10,2)". See declaredName.
		found.Declared = declared
		found.TypeName = plain
		r.all = append(r.all, &found)
		return nil
	}, &table, &num, &c.Name, &typ, &mod, &declared, &plain, &c.NotNull, &identity, &generated,
		&c.HasDefault, &c.Default, &volatile, &canSelect, &canInsert, &canUpdate, &writable, &collSchema, &coll, &dims, &c.Comment)
}

func (l *loader) readKeys(ctx context.Context, query string) error {
	var table, columns int64
	var nums string
	var k Key
	return l.each(ctx, query, func() error {
		all, err := numbers(nums)
		if err != nil {
			return fmt.Errorf("index %q: %w", k.Name, err)
		}
		// What follows the key's columns is INCLUDEd; 0 stands for an expression.
		found := rawKey{Key: k, nums: all[:min(int(columns), len(all))]}
		l.keys[uint32(table)] = append(l.keys[uint32(table)], found)
		return nil
	}, &table, &k.Name, &k.Primary, &k.Constraint, &k.NullsNotDistinct, &k.Deferrable, &k.InitiallyDeferred,
		&nums, &columns, &k.Predicate, &k.Expressions)
}

func (l *loader) readForeignKeys(ctx context.Context, query string) error {
	var from, to int64
	var nums, refNums string
	var k rawForeignKey
	return l.each(ctx, query, func() (err error) {
		found := k
		found.from, found.to = uint32(from), uint32(to)
		if found.nums, err = numbers(nums); err != nil {
			return fmt.Errorf("%q: %w", k.Name, err)
		}
		if found.refNums, err = numbers(refNums); err != nil {
			return fmt.Errorf("%q: %w", k.Name, err)
		}
		l.foreign = append(l.foreign, found)
		return nil
	}, &from, &to, &k.Name, &nums, &refNums, &k.onDelete, &k.onUpdt, &k.Deferrable, &k.InitiallyDeferred)
}

func (l *loader) readChecks(ctx context.Context, query string) error {
	var table int64
	var name, nums string
	return l.each(ctx, query, func() error {
		found := rawCheck{table: uint32(table), name: name}
		var err error
		if found.nums, err = numbers(nums); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		l.checks = append(l.checks, found)
		return nil
	}, &table, &name, &nums)
}

// numbers reads "1 2 3".
func numbers(s string) ([]int, error) {
	fields := strings.Fields(s)
	all := make([]int, len(fields))
	for i, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil {
			return nil, fmt.Errorf("column numbers %q: %w", s, err)
		}
		all[i] = n
	}
	return all, nil
}

func firstByte(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}
