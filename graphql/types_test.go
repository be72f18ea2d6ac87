package graphql

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestTypesMadeLater: each type is found by its name, whoever asks first, and is that
// of the whole; a name that only looks like one of them is none.
func TestTypesMadeLater(t *testing.T) {
	t.Parallel()
	s := sampleSchema(t)
	all := s.whole()
	if len(all.Types) < 3*len(s.ast.Types)/2 {
		t.Errorf("%d types, of which %d were made at once", len(all.Types), len(s.ast.Types))
	}
	for name, d := range all.Types {
		if err := fits(all, d, func(string) bool { return false }); err != nil && !d.BuiltIn && d != all.Query {
			t.Errorf("%s: %v", name, err)
		}
		var first, second *ast.Definition
		var both sync.WaitGroup
		both.Go(func() { first = s.definition(name) })
		both.Go(func() { second = s.definition(name) })
		both.Wait()
		if first == nil || first != second {
			t.Fatalf("%s is %p and %p", name, first, second)
		}
		if d := cmp.Diff(fieldsOf(d), fieldsOf(first)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, name := range []string{"", "Sum", "Aggregate", "UserAggregates", "usersAggregate", "UserHavingHaving", "TagBoolAnd", "UsersConnection", "UserUpdate", "NobodyGroup"} {
		if d := s.definition(name); d != nil {
			t.Errorf("%s is %s", name, d.Name)
		}
	}
}

// TestNamesOfTypes: the names that are taken are those of the types that are made.
func TestNamesOfTypes(t *testing.T) {
	t.Parallel()
	src := sampleSchema(t).src
	m := newMaker(src, Config{}, schemaOptions{}, leftOut{})
	m.make()
	if _, err := m.finish(); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for name, from := range m.origin {
		if from.table != nil && m.types[name] == nil {
			want = append(want, name)
		}
	}
	for _, o := range m.schema.objects {
		for _, d := range m.schema.made(o, o.later) {
			got = append(got, d.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func fieldsOf(d *ast.Definition) []string {
	list := []string{d.Name, string(d.Kind)}
	for _, f := range d.Fields {
		list = append(list, f.Name+": "+f.Type.String())
	}
	for _, v := range d.EnumValues {
		list = append(list, v.Name)
	}
	return list
}

// TestView: a document sees the types that it names and those of its fields,
// arguments and literals, and no others.
func TestView(t *testing.T) {
	t.Parallel()
	s := sampleSchema(t)
	for _, tc := range []struct {
		name, document string
		want           []string
	}{
		{"fields", `{ users { posts { title } } }`, []string{"Post", "Query", "String", "User"}},
		{"a literal", `{ users(filter: {posts: {some: {or: [{title: {eq: "x"}}]}}}) { __typename } }`, []string{"PostFilter", "PostsFilter", "Query", "String", "StringFilter", "User", "UserFilter"}},
		{"a variable", `query($f: PostFilter) { tags @include(if: true) { id } }`, []string{"Boolean", "Int", "PostFilter", "Query", "Tag"}},
		{"a default", `query($f: PostFilter = {title: {eq: "x"}}) { __typename }`, []string{"PostFilter", "Query", "String", "StringFilter"}},
		{"what is made later", `{ usersAggregate { groups(by: []) { ...G } } } fragment G on UserGroup { sum { balance } }`, []string{
			"BigDecimal", "Query", "UserAggregate", "UserGroup", "UserGroupBy", "UserSum",
		}},
		{"in a fragment", `{ ... on Query { usersConnection { ... { edges { cursor } } } } }`, []string{"Query", "String", "UserConnection", "UserEdge"}},
		{"a mutation", `mutation { deleteUser(id: 1) { success record { id } } }`, []string{"BigInt", "Boolean", "Mutation", "User", "UserDelete"}},
		{"what is not there", `query($x: Nothing) { nothing(x: $x) { users { id } } users { nobody { id } ... on None { id } } }`, []string{"Query", "User"}},
	} {
		doc, errs := parseDocument(tc.document, &s.limits)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		seen := s.view(doc)
		var got []string
		for _, d := range sortedTypes(seen) {
			got = append(got, d.Name)
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}
