package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/codec"
)

// everyOID are the types that the fuzz targets go through.
func everyOID(r *codec.Registry) []uint32 {
	var oids []uint32
	for oid := range uint32(7000) {
		if r.Type(oid).Name() != "" {
			oids = append(oids, oid)
		}
	}
	for _, own := range ownTypes() {
		oids = append(oids, own.OID)
	}
	return append(oids, 99999)
}

// judge checks what holds for any wire bytes: an error leaves dst as it was,
// and what comes out of valid UTF-8 is valid JSON (documents excepted: their
// text is passed on as it is).
func judge(t *testing.T, typ *codec.Type, wire []byte, f codec.Format) {
	t.Helper()
	head := []byte(`[1,`)
	for name, fn := range map[string]func(dst, wire []byte, f codec.Format) ([]byte, error){
		"JSON": typ.AppendJSON, "text": typ.AppendText, "canonical": typ.AppendCanonical,
	} {
		got, err := fn(head, wire, f)
		if !bytes.HasPrefix(got, head) {
			t.Fatalf("%s of %s from %.300q lost what was in dst: %.300q", name, typ, wire, got)
		}
		if err != nil && len(got) != len(head) {
			t.Fatalf("%s of %s from %.300q left %.300q behind an error: %v", name, typ, wire, got, err)
		}
		if err == nil && name == "JSON" && utf8.Valid(got) && !holdsDocument(typ, 0) && !json.Valid(append(got, ']')) {
			t.Fatalf("JSON of %s from %.300q is not JSON: %.300q", typ, wire, got)
		}
	}
}

func holdsDocument(typ *codec.Type, depth int) bool {
	return depth < 5 && (typ.Kind().Has(codec.KindJSON|codec.KindJSONB) || typ.Elem() != nil && holdsDocument(typ.Elem(), depth+1))
}

func FuzzDecodeBinary(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "\x00\x00\x00\x05", "\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05", "\x01{}", "\x02 \x00\x04\x0a\x00\x00\x01",
		"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x07",
		"\x00\x00\x00\x02\x00\x00\x00\x17\x00\x00\x00\x04\x00\x00\x00\x07\x00\x00\x00\x19\xff\xff\xff\xff",
		"\x02\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x05", "\x00\x00\x00\x01a\x00\x00\x01\x40\x01",
		"\x00\x00\x00\x01\x00\x00\x00\x01a\xff\xff\xff\xff", "\x00\x00\x00\x0b\xaa\xa0", "\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x17" + "\x7f\xff\xff\xff\x00\x00\x00\x01",
	} {
		f.Add([]byte(seed))
	}
	r := ownRegistry(f, codec.Options{})
	oids := everyOID(r)
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, oid := range oids {
			judge(t, r.Type(oid), wire, codec.Binary)
		}
	})
}

func FuzzDecodeText(f *testing.F) {
	for _, seed := range []string{
		"", "t", "5", "-1.5e10", "NaN", "{}", "{1,NULL,\"a\\\"b\"}", "[0:1]={{1},{2}}", "(1,\"a \"\"b\"\"\")", "(,)", `"a"=>"1", "b"=>NULL`, "1 2 3",
		"2024-01-02 03:04:05.6+00", "2024-01-02 03:04:05+05:30 BC", "infinity", "{{{{{{{1}}}}}}}", `{"\`, `("`, "()", "{,}", "{}{}", "-", "1.", "01",
	} {
		f.Add([]byte(seed))
	}
	r := ownRegistry(f, codec.Options{})
	camel := ownRegistry(f, codec.Options{CamelKeys: true, BigIntString: true})
	oids := everyOID(r)
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, oid := range oids {
			judge(t, r.Type(oid), wire, codec.Text)
			judge(t, camel.Type(oid), wire, codec.Text)
		}
		// Keys rewritten or not, a document stays one.
		if json.Valid(wire) {
			got, err := camel.Type(114).AppendJSON(nil, wire, codec.Text)
			if err != nil || !json.Valid(got) {
				t.Fatalf("keys of %q: %q, %v", wire, got, err)
			}
		}
	})
}

func FuzzArgument(f *testing.F) {
	for _, seed := range []string{
		"null", "5", "-0", "1e400", "1.50", "true", `"a"`, `"\u0000"`, `"\ud800"`, "[1,[2]]", "[]", `{"n":1}`, `{"lower":1,"upper":5}`, `"[1,5)"`, `"{[1,2)}"`,
		`"2024-01-02T03:04:05Z"`, `"12:00+05:30"`, `"P1D"`, `"1 day"`, `"10.0.0.0/8"`, `"\\x00"`, `"(1,2)"`, `"08:00:2b:01:02:03"`, `"NaN"`, `"-$1,234.56"`,
	} {
		f.Add([]byte(seed))
	}
	r := ownRegistry(f, codec.Options{})
	oids := everyOID(r)
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, oid := range oids {
			typ := r.Type(oid)
			got, err := typ.Argument(raw)
			if err != nil {
				var e *codec.ArgumentError
				if !errors.As(err, &e) || got != nil {
					t.Fatalf("%s of %q: %v, %v", typ, raw, got, err)
				}
				continue
			}
			if !json.Valid(raw) {
				t.Fatalf("%s takes %q, which is not JSON", typ, raw)
			}
			switch got := got.(type) {
			case nil:
				if string(bytes.Trim(raw, " \t\r\n")) != "null" {
					t.Fatalf("%s takes %q for NULL", typ, raw)
				}
			case string:
				if !utf8.ValidString(got) || strings.IndexByte(got, 0) >= 0 {
					t.Fatalf("%s makes %q of %q", typ, got, raw)
				}
			case []byte:
				if typ.Kind() != codec.KindBytes {
					t.Fatalf("%s makes bytes of %q", typ, raw)
				}
			}
		}
	})
}
