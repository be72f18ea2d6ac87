package graphql

// Config changes what NewSchema makes of a catalog. Its zero value takes
// everything that the role may use under the names of the naming rules. Names
// that the catalog does not have leave out what they are about, see Schema.Broken:
// a misspelt omission must not show what it was to hide.
type Config struct {
	// Tables by name, "users" or "schema.users".
	Tables map[string]TableConfig `json:"tables,omitempty" yaml:"tables"`
	// Functions by name, "publish_post" or "schema.publish_post": all of that name,
	// or one of them with the types of its arguments, "publish_post(int8, text)".
	Functions map[string]FunctionConfig `json:"functions,omitempty" yaml:"functions"`
	// Enums by name: other names for the values.
	Enums map[string]EnumConfig `json:"enums,omitempty" yaml:"enums"`
	// Limits of documents; zero members have the defaults of DefaultLimits.
	Limits Limits `json:"limits" yaml:"limits"`
}

// TableConfig changes one table, view or materialized view.
type TableConfig struct {
	// Name is the singular type name, such as User; Plural its plural, Users.
	Name   string `json:"name,omitempty"   yaml:"name"`
	Plural string `json:"plural,omitempty" yaml:"plural"`
	// Omit leaves things out: "all", or any of "query", "connection",
	// "aggregate", "create", "update", "delete", "upsert".
	Omit []string `json:"omit,omitempty" yaml:"omit"`
	// Keys tell the rows of a view apart: lists of columns. The first is its
	// primary key. The database does not check it.
	Keys        [][]string              `json:"keys,omitempty"        yaml:"keys"`
	Columns     map[string]ColumnConfig `json:"columns,omitempty"     yaml:"columns"`
	Relations   map[string]ColumnConfig `json:"relations,omitempty"   yaml:"relations"` // by field name
	Description *string                 `json:"description,omitempty" yaml:"description"`
}

// ColumnConfig changes one field.
type ColumnConfig struct {
	Name        string  `json:"name,omitempty"        yaml:"name"`
	Omit        bool    `json:"omit,omitempty"        yaml:"omit"`
	Deprecated  string  `json:"deprecated,omitempty"  yaml:"deprecated"`
	Description *string `json:"description,omitempty" yaml:"description"`
	// Dimensions is how many a column's arrays have, where the catalog does not know:
	// that of a view, or one that was restored from a dump, which leaves it out.
	Dimensions int `json:"dimensions,omitempty" yaml:"dimensions"`
}

// FunctionConfig changes one function.
type FunctionConfig struct {
	Name string `json:"name,omitempty" yaml:"name"`
	Omit bool   `json:"omit,omitempty" yaml:"omit"`
	// As is "query" or "mutation". Left out, functions that are stable or immutable
	// are queries and volatile ones mutations. A volatile function is no query.
	As         string `json:"as,omitempty"         yaml:"as"`
	Deprecated string `json:"deprecated,omitempty" yaml:"deprecated"`
}

// EnumConfig changes one enum.
type EnumConfig struct {
	Name   string            `json:"name,omitempty"   yaml:"name"`
	Values map[string]string `json:"values,omitempty" yaml:"values"` // label to name
}
