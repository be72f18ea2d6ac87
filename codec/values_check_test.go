package codec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/codec"
)

// each calls fn for every row of allValues, in a subtest, with its *Type.
func each(t *testing.T, s *server, fn func(t *testing.T, s *server, v typeValues, typ *codec.Type, exprs []string)) {
	t.Helper()
	reg, _ := s.registry(codec.Options{})
	for _, v := range allValues {
		t.Run(v.typ, func(t *testing.T) {
			s := s.in(t)
			oid := s.mustRows(codec.Text, "select '"+strings.ReplaceAll(v.typ, "'", "''")+"'::regtype::oid")[0][0]
			typ := reg.Type(atoi(t, oid))
			exprs := make([]string, len(v.values), len(v.values)+1)
			for i, text := range v.values {
				exprs[i] = literal(text, v.typ)
			}
			fn(t, s, v, typ, exprs)
		})
	}
}

func atoi(t testing.TB, b []byte) uint32 {
	t.Helper()
	var n uint32
	if _, err := fmt.Sscan(string(b), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestValues: every type's values, from both wire formats, are the server's own
// to_json and text.
func TestValues(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup...)
	each(t, s, func(t *testing.T, s *server, v typeValues, typ *codec.Type, exprs []string) { //nolint:thelper // the body of a subtest
		if len(exprs) < 8 {
			t.Errorf("%d values, want 8 at least", len(exprs))
		}
		if v.typ != "email" { // not null
			exprs = append(exprs, "null::"+v.typ)
		}
		for i, o := range s.observe(typ, exprs) {
			check(t, typ, exprs[i], o)
		}
	})
}

// TestValuesInside: the same values in arrays (NULL members, two dimensions,
// bounds, empty), under a domain and in a composite.
func TestValuesInside(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup...)
	for i, v := range allValues {
		if v.typ == "int2vector" || v.typ == "oidvector" {
			continue // typed as arrays by the server: their arrays would gain a dimension
		}
		if v.typ == "email" {
			continue // not null: has no place in what follows
		}
		s.exec(fmt.Sprintf("create domain d_%d as %s", i, v.typ))
		s.exec(fmt.Sprintf(`create type c_%d as (v %s, a %s[], d d_%d, da d_%d[])`, i, v.typ, v.typ, i, i))
	}
	reg, oids := s.registry(codec.Options{})
	for i, v := range allValues {
		if v.typ == "int2vector" || v.typ == "oidvector" || v.typ == "email" {
			continue
		}
		t.Run(v.typ, func(t *testing.T) {
			s := s.in(t)
			all := make([]string, len(v.values))
			for j, text := range v.values {
				all[j] = literal(text, v.typ)
			}
			arrays := []string{
				"array[" + strings.Join(all, ",") + "]",
				"array[" + all[0] + ",null," + all[1] + ",null]",
				fmt.Sprintf("array[[%s,%s,null],[%s,%s,%s]]", all[0], all[1], all[2], all[3], all[4]),
				"'{}'::" + v.typ + "[]", "null::" + v.typ + "[]", "array[null]::" + v.typ + "[]",
				fmt.Sprintf("array_fill(%s, array[2,1,2], array[0,5,-3])", all[7]),
			}
			oid := atoi(t, s.mustRows(codec.Text, "select pg_typeof("+arrays[0]+")::oid")[0][0])
			for j, o := range s.observe(reg.Type(oid), arrays) {
				check(t, reg.Type(oid), arrays[j], o)
			}
			composites := []string{fmt.Sprintf("row(null,null,null,null)::c_%d", i)}
			for _, e := range all {
				composites = append(composites, fmt.Sprintf("row(%s,array[%s,null],%s,array[%s,null])::c_%d", e, e, e, e, i))
			}
			typ := reg.Type(oids[fmt.Sprintf("c_%d", i)])
			for j, o := range s.observe(typ, composites) {
				check(t, typ, composites[j], o)
			}
			domains := make([]string, len(all))
			for j, e := range all {
				domains[j] = fmt.Sprintf("%s::d_%d", e, i)
			}
			domain := reg.Type(oids[fmt.Sprintf("d_%d", i)])
			for j, o := range s.observe(domain, domains) {
				check(t, domain, domains[j], o)
			}
			if base := domain.Base(); base == domain || base.Kind() != domain.Kind() {
				t.Errorf("Base of a domain over %s is %s, of kind %s, the domain is of kind %s", v.typ, base, base.Kind(), domain.Kind())
			}
		})
	}
}

// TestArgumentRoundTrip: what to_json says of a value is an argument that gives
// the same to_json back.
func TestArgumentRoundTrip(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup...)
	each(t, s, func(t *testing.T, s *server, v typeValues, typ *codec.Type, exprs []string) { //nolint:thelper // the body of a subtest
		if v.typ == "aclitem" { // its role is looked up by name; no other reason to differ
			return
		}
		for i, o := range s.observe(typ, exprs) {
			roundTrip(t, s, typ, exprs[i], o.json)
		}
	})
}

// roundTrip checks that want, the to_json of a value, is an argument of typ
// which has the same to_json.
func roundTrip(t failer, s *server, typ *codec.Type, expr, want string) {
	t.Helper()
	arg, err := typ.Argument([]byte(want))
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return
	}
	var text []byte
	format := codec.Text
	switch arg := arg.(type) {
	case nil: // the JSON document null: NULL by contract
		return
	case []byte:
		text, format = arg, codec.Binary
	case string:
		text = []byte(arg)
	}
	r := s.conn.ExecParams(s.t.Context(), "select to_json($1::"+typ.SQLName()+")::text", [][]byte{text}, nil, []int16{int16(format)}, nil).Read()
	if r.Err != nil {
		t.Errorf("%s: argument %.200q: %v", expr, arg, r.Err)
		return
	}
	// The space around a document is no part of it.
	if got := string(r.Rows[0][0]); got != strings.TrimSpace(want) {
		t.Errorf("%s: argument %.200q\n got %.300q\nwant %.300q", expr, arg, got, want)
	}
}

// TestValuesCoverTypes: no base, range or multirange type of the server is
// without a row in allValues, and the table's names are the server's.
func TestValuesCoverTypes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	covered := map[string]bool{}
	for _, v := range allValues {
		covered[v.typ] = true
	}
	without := []string{ // no values of one's own can be made
		"pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "gtsvector", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary",
	}
	for _, r := range s.mustRows(codec.Text, `
		select oid, typname, format_type(oid, null), typelem, typcategory, typarray from pg_type
		where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm')
			and typelem not in (select reltype from pg_class)`) {
		oid, name, full := atoi(t, r[0]), string(r[1]), string(r[2])
		if name[0] == '_' && !covered[full] {
			full = strings.TrimSuffix(full, "[]")
		}
		if slices.Contains(without, strings.TrimPrefix(name, "_")) {
			continue
		}
		if name == "bpchar" || full == "character" {
			full = "bpchar"
		}
		if typ := codec.Builtin().Type(oid); typ.Name() != name && name != "_record" && name != "_cstring" {
			t.Errorf("type %d is %q here, %q on the server", oid, typ.Name(), name)
		}
		if !covered[full] && name != "_record" && name != "_cstring" {
			t.Errorf("no values for %s (%s)", full, name)
		}
	}
}
