package catalog

import "encoding/json"

// MarshalJSON writes the Catalog for people and tools: tables, the types that
// are not PostgreSQL's own, functions and extensions, each sorted by name. The
// same Catalog always gives the same bytes. OIDs are left out, and so are
// members that are false or empty.
func (c *Catalog) MarshalJSON() ([]byte, error) {
	out := jsonCatalog{
		Version: c.version, ServerVersion: c.serverVersion,
		SearchPath: list(c.searchPath), Schemas: list(c.schemas),
		Extensions: list(c.extensions), Tables: make([]jsonTable, 0, len(c.tables)),
		Types: []jsonType{}, Functions: make([]jsonFunction, 0, len(c.functions)),
	}
	for _, t := range c.tables {
		out.Tables = append(out.Tables, c.jsonTable(t))
	}
	for _, t := range c.typeList {
		// Arrays and row types say nothing that their element or table does not,
		// and a table that is not listed is not to be known by its row type.
		if t.Schema != systemSchema && t.Schema != "information_schema" && t.Elem == 0 && t.Table == 0 {
			out.Types = append(out.Types, c.jsonType(t))
		}
	}
	for _, f := range c.functions {
		out.Functions = append(out.Functions, c.jsonFunction(f))
	}
	return json.Marshal(out)
}

type jsonCatalog struct {
	Version       string         `json:"version"`
	ServerVersion int            `json:"serverVersion"`
	SearchPath    []string       `json:"searchPath"`
	Schemas       []string       `json:"schemas"`
	Extensions    []*Extension   `json:"extensions"`
	Tables        []jsonTable    `json:"tables"`
	Types         []jsonType     `json:"types"`
	Functions     []jsonFunction `json:"functions"`
}

type jsonTable struct {
	Schema       string           `json:"schema"`
	Name         string           `json:"name"`
	Kind         string           `json:"kind"`
	Comment      string           `json:"comment,omitempty"`
	Extension    string           `json:"extension,omitempty"`
	Privileges   []string         `json:"privileges"`
	RowSecurity  bool             `json:"rowSecurity,omitempty"`
	ForceRLS     bool             `json:"forceRowSecurity,omitempty"`
	Columns      []jsonColumn     `json:"columns"`
	PrimaryKey   *jsonKey         `json:"primaryKey,omitempty"`
	Unique       []jsonKey        `json:"unique,omitempty"`
	ForeignKeys  []jsonForeignKey `json:"foreignKeys,omitempty"`
	ReferencedBy []jsonForeignKey `json:"referencedBy,omitempty"`
}

type jsonColumn struct {
	Name            string   `json:"name"`
	JSONName        string   `json:"jsonName"`
	Type            string   `json:"type"`
	BaseType        string   `json:"baseType,omitempty"`
	NotNull         bool     `json:"notNull,omitempty"`
	HasDefault      bool     `json:"hasDefault,omitempty"`
	Default         string   `json:"default,omitempty"`
	VolatileDefault bool     `json:"volatileDefault,omitempty"`
	Identity        string   `json:"identity,omitempty"`
	Generated       string   `json:"generated,omitempty"`
	ReadOnly        bool     `json:"readOnly,omitempty"`
	Collation       string   `json:"collation,omitempty"`
	Comment         string   `json:"comment,omitempty"`
	Privileges      []string `json:"privileges"`
}

type jsonKey struct {
	Name             string   `json:"name"`
	Columns          []string `json:"columns"`
	Constraint       bool     `json:"constraint,omitempty"`
	NullsNotDistinct bool     `json:"nullsNotDistinct,omitempty"`
	Deferrable       bool     `json:"deferrable,omitempty"`
	Predicate        string   `json:"predicate,omitempty"`
	Expressions      string   `json:"expressions,omitempty"`
}

type jsonForeignKey struct {
	Name              string   `json:"name"`
	Table             string   `json:"table"`
	Columns           []string `json:"columns"`
	RefTable          string   `json:"refTable"`
	RefColumns        []string `json:"refColumns"`
	OnDelete          Action   `json:"onDelete"`
	OnUpdate          Action   `json:"onUpdate"`
	Deferrable        bool     `json:"deferrable,omitempty"`
	InitiallyDeferred bool     `json:"initiallyDeferred,omitempty"`
	Unique            bool     `json:"unique,omitempty"`
	NotNull           bool     `json:"notNull,omitempty"`
}

type jsonType struct {
	Schema    string      `json:"schema"`
	Name      string      `json:"name"`
	Kind      string      `json:"kind"`
	Base      string      `json:"base,omitempty"`
	NotNull   bool        `json:"notNull,omitempty"`
	Default   string      `json:"default,omitempty"`
	Labels    []string    `json:"labels,omitempty"`
	Fields    []jsonField `json:"fields,omitempty"`
	Comment   string      `json:"comment,omitempty"`
	Extension string      `json:"extension,omitempty"`
}

type jsonField struct {
	Name       string `json:"name,omitempty"`
	Mode       string `json:"mode,omitempty"`
	Type       string `json:"type"`
	HasDefault bool   `json:"hasDefault,omitempty"`
	Default    string `json:"default,omitempty"`
	Comment    string `json:"comment,omitempty"`
}

type jsonFunction struct {
	Schema     string      `json:"schema"`
	Name       string      `json:"name"`
	Procedure  bool        `json:"procedure,omitempty"`
	Args       []jsonField `json:"args"`
	Returns    string      `json:"returns,omitempty"`
	ReturnsSet bool        `json:"returnsSet,omitempty"`
	Volatility string      `json:"volatility"`
	Strict     bool        `json:"strict,omitempty"`
	Definer    bool        `json:"securityDefiner,omitempty"`
	Comment    string      `json:"comment,omitempty"`
	Extension  string      `json:"extension,omitempty"`
}

func (c *Catalog) jsonTable(t *Table) jsonTable {
	out := jsonTable{
		Schema: t.Schema, Name: t.Name, Kind: t.Kind.String(), Comment: t.Comment, Extension: t.Extension,
		Privileges:  privileges(t.CanSelect, t.CanInsert, t.CanUpdate, t.CanDelete),
		RowSecurity: t.RowSecurity, ForceRLS: t.ForceRowSecurity, Columns: make([]jsonColumn, 0, len(t.Columns)),
	}
	for _, col := range t.Columns {
		j := jsonColumn{
			Name: col.Name, JSONName: col.JSONName, Type: col.Declared, NotNull: col.NotNull,
			HasDefault: col.HasDefault, Default: col.Default, VolatileDefault: col.VolatileDefault,
			Identity: letter(identities, col.Identity), Generated: letter(generations, col.Generated),
			ReadOnly: col.ReadOnly, Collation: col.Collation, Comment: col.Comment,
			Privileges: privileges(col.CanSelect, col.CanInsert, col.CanUpdate, false),
		}
		if col.BaseType != col.Type {
			j.BaseType = c.typeText(col.BaseType)
		}
		out.Columns = append(out.Columns, j)
	}
	if t.PrimaryKey != nil {
		k := keyJSON(t.PrimaryKey)
		out.PrimaryKey = &k
	}
	for _, k := range t.Unique {
		out.Unique = append(out.Unique, keyJSON(k))
	}
	for _, k := range t.ForeignKeys {
		out.ForeignKeys = append(out.ForeignKeys, foreignKeyJSON(k))
	}
	for _, k := range t.ReferencedBy {
		out.ReferencedBy = append(out.ReferencedBy, foreignKeyJSON(k))
	}
	return out
}

func keyJSON(k *Key) jsonKey {
	return jsonKey{k.Name, columnNames(k.Columns), k.Constraint, k.NullsNotDistinct, k.Deferrable, k.Predicate, k.Expressions}
}

func foreignKeyJSON(k *ForeignKey) jsonForeignKey {
	return jsonForeignKey{
		Name: k.Name, Table: k.Table.String(), Columns: columnNames(k.Columns),
		RefTable: k.RefTable.String(), RefColumns: columnNames(k.RefColumns), OnDelete: k.OnDelete, OnUpdate: k.OnUpdate,
		Deferrable: k.Deferrable, InitiallyDeferred: k.InitiallyDeferred, Unique: k.Unique, NotNull: k.NotNull,
	}
}

func (c *Catalog) jsonType(t *Type) jsonType {
	out := jsonType{
		Schema: t.Schema, Name: t.Name, Kind: letter(kinds, t.Kind), NotNull: t.NotNull, Default: t.Default,
		Labels: t.Labels, Comment: t.Comment, Extension: t.Extension,
	}
	if t.Base != 0 {
		out.Base = c.typeText(t.Base)
	}
	for _, f := range t.Fields {
		out.Fields = append(out.Fields, jsonField{Name: f.Name, Type: c.typeText(f.Type), Comment: f.Comment})
	}
	return out
}

func (c *Catalog) jsonFunction(f *Function) jsonFunction {
	out := jsonFunction{
		Schema: f.Schema, Name: f.Name, Procedure: f.Procedure, Args: make([]jsonField, 0, len(f.Args)),
		ReturnsSet: f.ReturnsSet, Volatility: letter(volatilities, f.Volatility), Strict: f.Strict,
		Definer: f.SecurityDefiner, Comment: f.Comment, Extension: f.Extension,
	}
	if f.Returns != 0 {
		out.Returns = c.typeText(f.Returns)
	}
	for _, a := range f.Args {
		out.Args = append(out.Args, jsonField{a.Name, letter(modes, a.Mode), c.typeText(a.Type), a.HasDefault, a.Default, ""})
	}
	return out
}

// The letters of the system catalogs in words.
var (
	identities   = map[byte]string{'a': "always", 'd': "by default"}
	generations  = map[byte]string{'s': "stored", 'v': "virtual"}
	kinds        = map[byte]string{'b': "base", 'c': "composite", 'd': "domain", 'e': "enum", 'm': "multirange", 'p': "pseudo", 'r': "range"}
	volatilities = map[byte]string{'i': "immutable", 's': "stable", 'v': "volatile"}
	modes        = map[byte]string{'i': "in", 'o': "out", 'b': "inout", 'v': "variadic", 't': "table"}
)

func letter(words map[byte]string, b byte) string {
	if w, ok := words[b]; ok || b == 0 {
		return w
	}
	return string(rune(b)) // of a newer server
}

// typeText is a type's SQL name; "unknown" for one that the Catalog lacks.
func (c *Catalog) typeText(oid uint32) string {
	if t := c.types[oid]; t != nil {
		return t.SQLName
	}
	return "unknown"
}

func privileges(canSelect, canInsert, canUpdate, canDelete bool) []string {
	held := []string{}
	for _, p := range []struct {
		held bool
		name string
	}{{canSelect, "select"}, {canInsert, "insert"}, {canUpdate, "update"}, {canDelete, "delete"}} {
		if p.held {
			held = append(held, p.name)
		}
	}
	return held
}

func columnNames(columns []*Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// list makes an empty list [] and not null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
