package codec_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/codec"
)

func TestTypeAnswers(t *testing.T) {
	t.Parallel()
	r := ownRegistry(t, codec.Options{})
	type answers struct {
		Name, SQL string
		Kind      string
		Binary    bool
		Elem      uint32
		Base      uint32
	}
	for _, tt := range []struct {
		oid  uint32
		want answers
		why  string
	}{
		{23, answers{"int4", "int4", "int", true, 0, 23}, ""},
		{1560, answers{"bit", `pg_catalog."bit"`, "bit", true, 0, 1560}, "::bit would be bit(1)"},
		{18, answers{"char", `pg_catalog."char"`, "text", true, 0, 18}, "::char would be character(1)"},
		{1042, answers{"bpchar", "bpchar", "text", true, 0, 1042}, ""},
		{1007, answers{"_int4", `pg_catalog."_int4"`, "array", true, 23, 1007}, ""},
		{22, answers{"int2vector", `pg_catalog."int2vector"`, "array", true, 21, 22}, ""},
		{2205, answers{"regclass", "regclass", "oid", false, 0, 2205}, "a name is not on the binary wire"},
		{2210, answers{"_regclass", `pg_catalog."_regclass"`, "array", false, 2205, 2210}, "no binary element, no binary array"},
		{3904, answers{"int4range", "int4range", "range", true, 23, 3904}, ""},
		{4451, answers{"int4multirange", "int4multirange", "multirange", true, 3904, 4451}, ""},
		{2249, answers{"record", "record", "composite", false, 0, 2249}, ""},
		{90001, answers{"mood", `"public"."mood"`, "enum", true, 0, 90001}, ""},
		{90011, answers{"small", `"public"."small"`, "int", true, 0, 23}, "domain over domain"},
		{90008, answers{"blob", `"public"."blob"`, "bytes", true, 0, 17}, ""},
		{90004, answers{"pair", `"public"."pair"`, "composite", true, 0, 90004}, ""},
		{90006, answers{"hstore", `"public"."hstore"`, "hstore", true, 0, 90006}, ""},
		{90007, answers{"vector", `"public"."vector"`, "vector", false, 0, 90007}, ""},
		{91000, answers{"", "", "other", false, 0, 91000}, "not known"},
	} {
		typ := r.Type(tt.oid)
		got := answers{typ.Name(), typ.SQLName(), typ.Kind().String(), typ.HasBinary(), 0, typ.Base().OID()}
		if typ.Elem() != nil {
			got.Elem = typ.Elem().OID()
		}
		if typ.OID() != tt.oid {
			t.Errorf("OID %d of type %d", typ.OID(), tt.oid)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("type %d (-want +got) %s\n%s", tt.oid, tt.why, diff)
		}
	}
	if diff := cmp.Diff([]string{"sad", "ok"}, r.Type(90001).Labels()); diff != "" {
		t.Errorf("labels (-want +got)\n%s", diff)
	}
	if got := r.Type(90001).Schema() + " " + codec.Builtin().Type(25).Schema(); got != "public pg_catalog" {
		t.Errorf("schemas %q", got)
	}
	if got := r.Type(91000).String(); got != "type 91000" {
		t.Errorf("String of an unknown type is %q", got)
	}
}

func TestNewRegistryRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		types []codec.TypeInfo
		want  string
	}{
		{"no OID", []codec.TypeInfo{{Name: "x"}}, `"x": its OID is 0`},
		{"twice", []codec.TypeInfo{{OID: 90000, Name: "x"}, {OID: 90000, Name: "y"}}, `its OID 90000 is there already, as "x"`},
		{"own base", []codec.TypeInfo{{OID: 90000, Name: "x", Kind: 'd', Base: 90000}}, "its own base"},
		{"circle", []codec.TypeInfo{{OID: 90000, Name: "x", Kind: 'd', Base: 90001}, {OID: 90001, Name: "y", Kind: 'r', Base: 90000}}, "its own base"},
	} {
		if _, err := codec.NewRegistry(tt.types, codec.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestNewRegistryTakes(t *testing.T) {
	t.Parallel()
	r, err := codec.NewRegistry([]codec.TypeInfo{
		{OID: 23, Schema: "pg_catalog", Name: "int4", Kind: 'e', Labels: []string{"no"}}, // built in: passed over
		{OID: 90000, Name: "tree", Kind: 'c', Fields: []codec.FieldInfo{{Name: "children", OID: 90001}}},
		{OID: 90001, Name: "_tree", Kind: 'b', Elem: 90000},
		{OID: 90002, Name: "over", Kind: 'd', Base: 99999},
		{OID: 90003, Name: "geometry", Kind: 'b'},
	}, codec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if k := r.Type(23).Kind(); k != codec.KindInt {
		t.Errorf("a catalog entry changed int4 to %s", k)
	}
	if r.Type(90000).HasBinary() {
		t.Error("a type that holds itself claims a binary form")
	}
	deep := strings.Repeat(`("{`, 100) + strings.Repeat(`}")`, 100)
	if _, err := r.Type(90000).AppendJSON(nil, []byte(deep), codec.Text); err == nil {
		t.Error("a text of a hundred levels passed")
	}
	for _, oid := range []uint32{90002, 90003} {
		got, err := r.Type(oid).AppendJSON(nil, []byte(`a"b`), codec.Text)
		if err != nil || string(got) != `"a\"b"` || r.Type(oid).Kind() != codec.KindOther {
			t.Errorf("type %d of kind %s: %s, %v", oid, r.Type(oid).Kind(), got, err)
		}
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	set := codec.KindInt | codec.KindFloat
	if !codec.KindInt.Has(set) || codec.KindText.Has(set) || codec.Kind(0).Has(set) {
		t.Error("Has is not membership")
	}
	if got := set.String() + " " + codec.Kind(0).String() + " " + codec.KindOther.String() + " " + codec.KindBool.String(); got != "int|float none other bool" {
		t.Errorf("String: %s", got)
	}
}

// TestOptions: what the two options change, and that they change nothing else.
func TestOptions(t *testing.T) {
	t.Parallel()
	infos := append(ownTypes(), codec.TypeInfo{OID: 90020, Name: "amount", Kind: 'd', Base: 1700}, codec.TypeInfo{
		OID: 90021, Name: "row", Kind: 'c',
		Fields: []codec.FieldInfo{{Name: "big_one", OID: 20}, {Name: "doc", OID: 3802}, {Name: "small", OID: 23}},
	})
	r, err := codec.NewRegistry(infos, codec.Options{BigIntString: true, CamelKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		oid  uint32
		wire string
		f    codec.Format
		want string
	}{
		{20, "5", codec.Text, `"5"`},
		{20, "\x00\x00\x00\x00\x00\x00\x00\x05", codec.Binary, `"5"`},
		{23, "5", codec.Text, `5`},
		{701, "5.5", codec.Text, `5.5`},
		{1700, "5.50", codec.Text, `"5.50"`},
		{1700, "NaN", codec.Text, `"NaN"`},
		{90020, "5.50", codec.Text, `"5.50"`},
		{1016, "{1,NULL}", codec.Text, `["1",null]`},
		{90021, `(5,"{""a_b"": 1}",6)`, codec.Text, `{"big_one":"5","doc":{"aB": 1},"small":6}`},
		{
			3802, `{"first_name": "a_b", "x": [{"_last__name_": {"é_é": null}}], "a\"_b": "c\"_d:"}`, codec.Text,
			`{"firstName": "a_b", "x": [{"_lastName": {"éÉ": null}}], "a\"B": "c\"_d:"}`,
		},
		{3802, "\x01{\"a_b\": 9007199254740993}", codec.Binary, `{"aB": 9007199254740993}`},
		{114, "{ \"a_b\"\n:\"c_d\" }", codec.Text, "{ \"aB\"\n:\"c_d\" }"},
		{114, `"a_b"`, codec.Text, `"a_b"`},
		{25, "a_b", codec.Text, `"a_b"`},
		{3807, `{"{\"a_b\": 1}",NULL}`, codec.Text, `[{"aB": 1},null]`},
	} {
		got, err := r.Type(tt.oid).AppendJSON(nil, []byte(tt.wire), tt.f)
		if err != nil || string(got) != tt.want {
			t.Errorf("type %d, %q: %s, %v, want %s", tt.oid, tt.wire, got, err, tt.want)
		}
	}
}

func TestCamelKey(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"created_at": "createdAt", "id": "id", "": "", "_": "_", "___": "___", "_id": "_id", "__a_b": "__aB", "a__b": "aB", "a_": "a", "A_B": "AB",
		"URL_path": "URLPath", "a_1": "a1", "a_é": "aÉ", "createdAt": "createdAt", "a_ß": "aß", "a_\xff": "a\xff", "ID": "ID", "a_b_c_d": "aBCD",
	} {
		if got := codec.CamelKey(name); got != want {
			t.Errorf("CamelKey(%q) is %q, want %q", name, got, want)
		}
	}
}

// TestNULL: what a nil wire value means to each method.
func TestNULL(t *testing.T) {
	t.Parallel()
	text := codec.Builtin().Type(25)
	for _, f := range []codec.Format{codec.Text, codec.Binary} {
		if got, err := text.AppendJSON(nil, nil, f); err != nil || string(got) != "null" {
			t.Errorf("JSON of NULL: %s, %v", got, err)
		}
		if _, err := text.AppendText(nil, nil, f); err == nil {
			t.Error("NULL has a text")
		}
	}
	canonical := map[string]string{}
	for name, wire := range map[string]struct {
		oid  uint32
		wire []byte
	}{"NULL": {3802, nil}, "empty": {25, []byte{}}, "n": {25, []byte("n")}, "jsonb null": {3802, []byte("null")}} {
		got, err := codec.Builtin().Type(wire.oid).AppendCanonical(nil, wire.wire, codec.Text)
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := canonical[string(got)]; taken {
			t.Errorf("%s and %s have one canonical form %q", name, other, got)
		}
		canonical[string(got)] = name
	}
}

func TestArrayLiteral(t *testing.T) {
	t.Parallel()
	r := codec.Builtin()
	got := r.Type(25).AppendArrayLiteral([]byte("x"), [][]byte{[]byte("a,b"), nil, []byte("c"), {}, []byte("NULL"), []byte(`\"`)})
	if want := `x{"a,b",NULL,c,"","NULL","\\\""}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := r.Type(603).AppendArrayLiteral(nil, [][]byte{[]byte("(1,1),(0,0)"), []byte("x;y")}); string(got) != `{(1,1),(0,0);"x;y"}` || r.Type(603).Delim() != ';' {
		t.Errorf("boxes: %s", got)
	}
	if got := r.Type(23).AppendArrayLiteral(nil, nil); string(got) != "{}" {
		t.Errorf("no elements: %s", got)
	}
}

// TestConcurrentUse: one registry serves any number of goroutines (race detector).
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	r := ownRegistry(t, codec.Options{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				for _, oid := range []uint32{23, 90001, 90004, 91000, 1184} {
					_, _ = r.Type(oid).AppendJSON(nil, []byte("(1,a)"), codec.Text)
					_, _ = r.Type(oid).Argument([]byte(`{"n":1}`))
				}
			}
		})
	}
	wg.Wait()
}

// TestTypeNames: how types are named to readers.
func TestTypeNames(t *testing.T) {
	t.Parallel()
	r, err := codec.NewRegistry([]codec.TypeInfo{
		{OID: 90000, Schema: "shop", Name: "mood", Kind: 'e', Labels: []string{"ok"}},
		{OID: 90001, Schema: "shop", Name: "_mood", Kind: 'b', Elem: 90000},
	}, codec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for oid, want := range map[uint32]string{
		23: "int4", 1007: "int4[]", 22: "int2vector", 1560: "bit", 1561: "bit[]", 18: `"char"`, 1002: `"char"[]`,
		90000: `"shop"."mood"`, 90001: `"shop"."mood"[]`, 91000: "type 91000",
	} {
		if got := r.Type(oid).String(); got != want {
			t.Errorf("%d is %s, want %s", oid, got, want)
		}
	}
}
