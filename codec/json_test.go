package codec_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/codec"
)

// TestAppendString: any text comes back from its JSON, behind what was there.
func TestAppendString(t *testing.T) {
	t.Parallel()
	if got, want := string(codec.AppendString([]byte("x"), "\b\f\n\r\t\x00\x1f\x7f\"\\/é")), `x"\b\f\n\r\t\u0000\u001f`+"\x7f"+`\"\\/é"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z"\\\n\t]{0,40}`)).Draw(t, "s")
		var back string
		if raw := codec.AppendString(nil, s); json.Unmarshal(raw, &back) != nil || back != s {
			t.Errorf("%q: %s", s, raw)
		}
	})
}
