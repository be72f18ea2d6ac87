package codec

import "testing"

func TestExact(t *testing.T) {
	t.Parallel()
	user := []TypeInfo{
		{OID: 20000, Schema: "public", Name: "pair", Kind: 'c', Fields: []FieldInfo{{"n", 20}, {"all", 20001}}},
		{OID: 20001, Schema: "public", Name: "_pair", Kind: 'b', Elem: 20000},
		{OID: 20002, Schema: "public", Name: "note", Kind: 'c', Fields: []FieldInfo{{"doc", 114}}},
		{OID: 20003, Schema: "public", Name: "odd", Kind: 'c', Fields: []FieldInfo{{"what", 29999}}},
	}
	for _, tc := range []struct {
		name, why string
		o         Options
		oid       uint32
		want      bool
	}{
		{"int4", "a number is written alike", Options{}, 23, true},
		{"int8 as string", "the option changes it", Options{BigIntString: true}, 20, false},
		{"array of it", "and inside arrays", Options{BigIntString: true}, 1016, false},
		{"composite of itself", "ends", Options{}, 20000, true},
		{"camel keys", "the option changes them, inside too", Options{CamelKeys: true}, 20002, false},
		{"unknown", "nobody knows what to_json makes of it", Options{}, 29999, false},
		{"unknown inside", "nor there", Options{}, 20003, false},
		{"record", "its field names are not sent", Options{}, 2249, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, err := NewRegistry(user, tc.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Type(tc.oid).Exact(); got != tc.want {
				t.Errorf("Exact() = %v, want %v: %s", got, tc.want, tc.why)
			}
		})
	}
}
