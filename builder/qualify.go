package builder

import (
	"regexp"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/codec"
)

// An operator of an extension is found by name along the search path. Where the
// extension's schema is not on it, the name is either not found or, worse,
// found elsewhere: citext = citext becomes text = text, which counts letter
// case, and then nin finds what it should leave out. So such operators are
// written with their schema, OPERATOR("ext".=), and for the words of SQL that
// look up an operator themselves the operator stands in their place.

// symbol is an operator between two operands of a template.
var symbol = regexp.MustCompile(`\} (NOT ILIKE|NOT LIKE|ILIKE|LIKE|[-+*/<>=~!@#%^&|?]+) (\{|ANY|ALL)`)

// wordOperators are the operators behind the words of SQL (PostgreSQL
// documentation, "Pattern Matching").
var wordOperators = strings.NewReplacer("NOT ILIKE", "!~~*", "NOT LIKE", "!~~", "ILIKE", "~~*", "LIKE", "~~")

// wordForms are templates whose words look up operators by name, each with a
// form that names them.
var wordForms = map[string]string{
	"{x} BETWEEN {lo} AND {hi}":     "({x} >= {lo} AND {x} <= {hi})",
	"{x} NOT BETWEEN {lo} AND {hi}": "NOT ({x} >= {lo} AND {x} <= {hi})",
	"{x} IS DISTINCT FROM {v}":      "({x} = {v}) IS NOT TRUE",
	"{x} IS NOT DISTINCT FROM {v}":  "({x} = {v}) IS TRUE",
	"{x} SIMILAR TO {v}":            "{x} ~ similar_to_escape({v})",
	"{x} NOT SIMILAR TO {v}":        "{x} !~ similar_to_escape({v})",
}

// qualified is the template of op with its operators and functions in schema,
// which is an extension's.
func qualified(template, schema string) string {
	if form, ok := wordForms[template]; ok {
		template = form
	}
	template = strings.ReplaceAll(template, "similar_to_escape({v})", "{e}")
	template = symbol.ReplaceAllStringFunc(template, func(m string) string {
		parts := symbol.FindStringSubmatch(m)
		return "} OPERATOR(" + schema + "." + wordOperators.Replace(parts[1]) + ") " + parts[2]
	})
	template = strings.ReplaceAll(template, "nlevel(", schema+".nlevel(")
	return strings.ReplaceAll(template, "{e}", "similar_to_escape({v})")
}

// operatorSchema is the quoted schema that the operators of t have to be
// written with, or "" where their plain names are right.
func (s *Schema) operatorSchema(t *codec.Type) string {
	t = t.Base()
	if t.Kind() == codec.KindArray && t.Elem() != nil {
		t = t.Elem().Base()
	}
	if !t.Kind().Has(codec.KindText | codec.KindLTree | codec.KindHStore | codec.KindCube | codec.KindVector) {
		return "" // pg_catalog's, also for enums, composites and ranges of any schema
	}
	return s.offPath(t.Schema())
}

// offPath is the quoted name of a schema that is not on the search path, or "".
// With tenants the path of the transaction is not known: it leads to the tenant's
// own schema, and maybe nowhere else.
func (s *Schema) offPath(schema string) string {
	switch {
	case schema == "pg_catalog" || schema == "":
		return ""
	case s.opts.Tenant != "":
		if schema == s.opts.Tenant {
			return ""
		}
	case slices.Contains(s.path, schema):
		return ""
	}
	return ident(schema)
}

// nameIn is the name of a table or function of schema, for SQL:
// "public"."users", or "users" where the schema is the tenant's.
func (s *Schema) nameIn(schema, name string) string {
	if s.opts.Tenant != "" && schema == s.opts.Tenant {
		return ident(name)
	}
	return ident(schema) + "." + ident(name)
}

// template is the SQL of op for a field of type t.
func (sc *scope) template(op *Operator, t *codec.Type) string {
	var schema string
	if e, ok := sc.schema.cat.Extension(op.Extension); ok && op.Extension != "" {
		schema = sc.schema.offPath(e.Schema)
	} else {
		schema = sc.schema.operatorSchema(t)
	}
	// An array as a whole is compared by the default operators of its element,
	// which do not depend on the search path.
	if schema == "" || t.Base().Kind() == codec.KindArray && op.Operand != Element {
		return op.SQL
	}
	return qualified(op.SQL, strings.ReplaceAll(schema, "??", "?"))
}

// equals is the operator = for values of t: =, or OPERATOR("ext".=).
func (s *Schema) equals(t *codec.Type) string {
	if schema := s.operatorSchema(t); schema != "" && t.Base().Kind() != codec.KindArray {
		return "OPERATOR(" + schema + ".=)"
	}
	return "="
}
