package server

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusals are all of errors.go.
var refusals = map[string]*refusal{
	"errSession": errSession, "errMethod": errMethod, "errGetMutation": errGetMutation, "errNotAcceptable": errNotAcceptable, "errMediaType": errMediaType,
	"errEncoded": errEncoded, "errCrossSite": errCrossSite, "errTooLarge": errTooLarge, "errSlow": errSlow, "errCut": errCut,
	"errRate": errRate, "errUnauthorized": errUnauthorized, "errAuthDown": errAuthDown, "errEmpty": errEmpty, "errUTF8": errUTF8, "errJSON": errJSON,
	"errNoObject": errNoObject, "errTwice": errTwice, "errQueryText": errQueryText, "errNoQuery": errNoQuery, "errName": errName,
	"errVariables": errVariables, "errExtensions": errExtensions, "errDocumentID": errDocumentID, "errBothQuery": errBothQuery,
	"errQueryURL": errQueryURL, "errPersisted": errPersisted, "errBatchOff": errBatchOff, "errBatchEmpty": errBatchEmpty,
	"errBatchLimit": errBatchLimit, "errNotPersisted": errNotPersisted, "errPersistedOff": errPersistedOff, "errMismatch": errMismatch,
	"errNoDocument": errNoDocument, "errUntrusted": errUntrusted, "errPanic": errPanic,
}

// TestRefusals: each is valid JSON, and the page of the reference has its code and
// status.
func TestRefusals(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(err\w+) +=`).FindAllStringSubmatch(string(source), -1) {
		if refusals[m[1]] == nil {
			t.Errorf("%s is not in the list of this test", m[1])
		}
	}
	page, err := os.ReadFile("../docs/reference/graphql-over-http.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (\\d+)( \\(\\d+\\))? \\|").FindAllStringSubmatch(string(page), -1) {
		documented[m[1]+" "+m[2]+m[3]] = false
	}
	for name, e := range refusals {
		row := fmt.Sprint(e.code, " ", e.status)
		if e.legacy != 0 {
			row += fmt.Sprintf(" (%d)", e.legacy)
		}
		if _, ok := documented[row]; !ok {
			t.Errorf("%s: the reference has no row %s", name, row)
		}
		documented[row] = true
		var got struct {
			Message    string            `json:"message"`
			Extensions map[string]string `json:"extensions"`
		}
		if err := json.Unmarshal(e.append(nil), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff([]any{e.message, map[string]string{"code": e.code}}, []any{got.Message, got.Extensions}); diff != "" || strings.TrimSpace(e.message) == "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for row, used := range documented {
		if !used {
			t.Errorf("the reference has a row %s, which nothing answers", row)
		}
	}
}

func TestFirstCode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ answer, want string }{
		{`{"errors":[{"message":"x","extensions":{"code":"PARSE_ERROR"}}]}`, "PARSE_ERROR"},
		{`{"errors":[{"message":"\"code\":\"MINE\"","extensions":{"code":"PARSE_ERROR"}}]}`, "PARSE_ERROR"},
		{`{"errors":[{"message":"x"}]}`, "REQUEST_ERROR"},
		{`{"errors":[{"message":"x","extensions":{"code":"`, "REQUEST_ERROR"},
	} {
		if got := firstCode([]byte(tc.answer)); got != tc.want {
			t.Errorf("%s: got %s", tc.answer, got)
		}
	}
}
