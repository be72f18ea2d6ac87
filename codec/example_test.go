package codec_test

import (
	"fmt"

	"github.com/fraiseql/fraiseql-go/codec"
)

// A database adds types of its own to the built-in ones: an enum, and its array.
func ExampleNewRegistry() {
	const moodOID, moodsOID = 16500, 16501 // as the catalog says
	types, err := codec.NewRegistry([]codec.TypeInfo{
		{OID: moodOID, Schema: "public", Name: "mood", Kind: 'e', Labels: []string{"sad", "happy"}},
		{OID: moodsOID, Schema: "public", Name: "_mood", Kind: 'b', Elem: moodOID},
	}, codec.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(types.Type(moodOID).SQLName(), types.Type(moodOID).Labels())
	out, err := types.Type(moodsOID).AppendJSON(nil, []byte("{happy,NULL}"), codec.Text)
	fmt.Println(string(out), err)
	// Output:
	// "public"."mood" [sad happy]
	// ["happy",null] <nil>
}

func ExampleType_AppendJSON() {
	const numeric, int4, bytea = 1700, 23, 17
	types := codec.Builtin()
	for _, v := range []struct {
		oid    uint32
		wire   []byte
		format codec.Format
	}{
		{numeric, []byte("1.50"), codec.Text},
		{int4, []byte{0, 0, 1, 0}, codec.Binary},
		{bytea, []byte{0xff}, codec.Binary},
		{int4, nil, codec.Binary}, // NULL
	} {
		out, err := types.Type(v.oid).AppendJSON(nil, v.wire, v.format)
		fmt.Println(string(out), err)
	}
	// Output:
	// 1.50 <nil>
	// 256 <nil>
	// "\\xff" <nil>
	// null <nil>
}

func ExampleType_Argument() {
	const int4, timestamptz = 23, 1184
	types := codec.Builtin()
	arg, err := types.Type(timestamptz).Argument([]byte(`"2024-02-29T12:00:00+02:00"`))
	fmt.Println(arg, err)
	_, err = types.Type(int4).Argument([]byte(`5.5`))
	fmt.Println(err)
	// Output:
	// 2024-02-29 10:00:00+00 <nil>
	// argument for int4: the number 5.5 has a fraction or an exponent; allowed: an integer from -2147483648 to 2147483647
}
