package builder

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// SchemaOptions are the choices that a Schema is made with. The zero value is
// the default of each.
type SchemaOptions struct {
	// Codec says how values become JSON.
	Codec codec.Options
	// MaxRows refuses a larger result; 0 for no bound.
	MaxRows int64
	// MaxFilters bounds the conditions of one definition, those in relations
	// and aggregates included; 0 stands for 10,000.
	MaxFilters int
	// MaxDepth bounds how deep relations nest; 0 for 15, which is no less than
	// documents of GraphQL have by default, and below 0 for no bound.
	MaxDepth int
	// Tenant is the schema that stands for those of the tenants. The names of its
	// tables, types and functions go into SQL without a schema, so that the
	// search path of the transaction decides whose they are (executor.WithSession
	// with "search_path"). Every tenant's schema must have what this one has; a
	// statement that meets something else fails. All other schemas are named as
	// ever. Default and "": there are no tenants.
	Tenant string
}

// defaultMaxFilters is SchemaOptions.MaxFilters where it is 0. PostgreSQL
// plans ten thousand conditions in well under a second; a hundred times as
// many exhaust its stack.
const defaultMaxFilters = 10_000

// Schema is a catalog together with the codecs of its types: what definitions
// are checked against. It is immutable and safe for concurrent use.
type Schema struct {
	cat   *catalog.Catalog
	types *codec.Registry
	opts  SchemaOptions
	path  []string // the search path

	callables sync.Map // *catalog.Function to callability
	rowTypes  sync.Map // *catalog.Type or *catalog.Function to *catalog.Table
}

// NewSchema makes a Schema of cat. The error says which of the catalog's types
// no codec could be made for.
func NewSchema(cat *catalog.Catalog, o SchemaOptions) (*Schema, error) {
	if cat == nil {
		return nil, errors.New("make schema: the catalog is nil")
	}
	if o.MaxFilters <= 0 {
		o.MaxFilters = defaultMaxFilters
	}
	var infos []codec.TypeInfo
	for t := range cat.Types() {
		info := typeInfo(t)
		info.ByName = o.Tenant != "" && t.Schema == o.Tenant
		infos = append(infos, info)
	}
	types, err := codec.NewRegistry(infos, o.Codec)
	if err != nil {
		return nil, fmt.Errorf("make schema: %w", err)
	}
	return &Schema{cat: cat, types: types, opts: o, path: cat.SearchPath()}, nil
}

// typeInfo is what the codec wants to know of a catalog's type.
func typeInfo(t *catalog.Type) codec.TypeInfo {
	info := codec.TypeInfo{
		OID: t.OID, Schema: t.Schema, Name: t.Name, Kind: t.Kind, Elem: t.Elem, Base: t.Base,
		Delim: t.Delim, NotNull: t.NotNull, Labels: slices.Clone(t.Labels),
	}
	for _, f := range t.Fields {
		info.Fields = append(info.Fields, codec.FieldInfo{Name: f.Name, OID: f.Type})
	}
	return info
}

// Catalog is what the Schema was made of.
func (s *Schema) Catalog() *catalog.Catalog { return s.cat }

// Types are the codecs of the catalog's types.
func (s *Schema) Types() *codec.Registry { return s.types }

// typeOf is the codec of a column. Of a domain it is the domain's own; Base
// leads to the type under it.
func (s *Schema) typeOf(c *catalog.Column) *codec.Type { return s.types.Type(c.Type) }
