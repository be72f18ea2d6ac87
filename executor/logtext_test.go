package executor_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
)

// TestLogText: a value is not in the text, whatever it is made of; what a function
// says by RAISE is.
func TestLogText(t *testing.T) {
	t.Parallel()
	types, err := codec.NewRegistry(nil, codec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const oidDate = 1082
	rapid.Check(t, func(t *rapid.T) {
		around := rapid.StringMatching(`[a-z"\\\n…,;: é]{0,70}`)
		value := around.Draw(t, "before") + "sesame" + around.Draw(t, "after")
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		_, err = types.Type(oidDate).Argument(raw)
		if err == nil {
			t.Fatalf("%s is a date", raw)
		}
		state := rapid.SampledFrom([]string{"22P02", "22007", "42601"}).Draw(t, "state")
		message := `invalid input syntax for type date: "` + value + `"`
		server := &backend.Error{Op: "query", SQLState: state, Err: errors.New("ERROR: " + message), Fields: backend.Fields{Message: message}}
		for _, err := range []error{err, server, errors.Join(server, errors.New("and more"))} {
			if text := executor.LogText(err); strings.Contains(text, "sesame") || !strings.Contains(text, "date") {
				t.Errorf("%q of %q", text, err)
			}
		}
	})
	raised := &backend.Error{Op: "query", SQLState: "P0001", Err: errors.New(`no "seat"`), Fields: backend.Fields{Message: `no "seat"`}}
	if got, want := executor.LogText(raised), `query: no "seat"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
