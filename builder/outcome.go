package builder

import (
	"net/http"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/codec"
)

// ResponseShape says by which of FraiseQL's conventions the row of a function
// tells what became of a mutation. The columns are answered as any others; this
// is for who wants to make a success or an error of them.
type ResponseShape uint8

// The shapes.
const (
	// NoResponse: the rows follow no convention.
	NoResponse ResponseShape = iota
	// StatusResponse: status and message are text; see OutcomeOfStatus.
	StatusResponse
	// ClassResponse: succeeded and state_changed are boolean, error_class is
	// text or an enum; see OutcomeOfClass.
	ClassResponse
)

// responseShape recognises a shape by the names and types of t's columns.
func (s *Schema) responseShape(t *catalog.Table) ResponseShape {
	if t == nil || t.Kind != catalog.RowType {
		return NoResponse
	}
	has := func(name string, kinds codec.Kind) bool {
		c, ok := t.Column(name)
		return ok && c.Name == name && s.typeOf(c).Kind().Has(kinds)
	}
	words := codec.KindText | codec.KindEnum
	switch {
	case has("succeeded", codec.KindBool) && has("state_changed", codec.KindBool) && has("error_class", words):
		return ClassResponse
	case has("status", words) && has("message", codec.KindText):
		return StatusResponse
	}
	return NoResponse
}

// Outcome is what became of a mutation.
type Outcome uint8

// The outcomes. The zero Outcome is Failed: what is not known to have succeeded
// has not.
const (
	Failed    Outcome = iota
	Unchanged         // nothing was wrong, and nothing was to be done
	Succeeded
)

// MutationOutcome is what a function has told of a mutation.
type MutationOutcome struct {
	Outcome Outcome
	// Status is the HTTP status that says the same: 200, 422, …
	Status int
	// Code is for GraphQL's extensions.code; "" where the outcome is Succeeded,
	// and where a ClassResponse left all as it was.
	Code string
}

// words of a StatusResponse that mean success.
var successWords = map[string]bool{
	"success": true, "completed": true, "ok": true, "done": true, "new": true, "existing": true,
	"updated": true, "deleted": true, "synced": true, "created": true, "cancelled": true,
}

// failures are the words of a StatusResponse, before any colon, and the classes
// of a ClassResponse, that mean something else.
var (
	statusFailures = map[string]MutationOutcome{
		"noop":         {Unchanged, http.StatusUnprocessableEntity, "NOOP"},
		"blocked":      {Unchanged, http.StatusUnprocessableEntity, "BLOCKED"},
		"skipped":      {Unchanged, http.StatusUnprocessableEntity, "SKIPPED"},
		"ignored":      {Unchanged, http.StatusUnprocessableEntity, "IGNORED"},
		"not_found":    {Failed, http.StatusNotFound, backend.CodeNotFound.String()},
		"unauthorized": {Failed, http.StatusUnauthorized, "UNAUTHENTICATED"},
		"forbidden":    {Failed, http.StatusForbidden, backend.CodeForbidden.String()},
		"conflict":     {Failed, http.StatusConflict, backend.CodeConflict.String()},
		"timeout":      {Failed, http.StatusRequestTimeout, backend.CodeTimeout.String()},
		"failed":       unknownFailure,
		"error":        unknownFailure,
	}
	classFailures = map[string]MutationOutcome{
		"validation":          {Failed, http.StatusUnprocessableEntity, backend.CodeBadUserInput.String()},
		"conflict":            {Failed, http.StatusConflict, backend.CodeConflict.String()},
		"not_found":           {Failed, http.StatusNotFound, backend.CodeNotFound.String()},
		"unauthorized":        {Failed, http.StatusUnauthorized, "UNAUTHENTICATED"},
		"forbidden":           {Failed, http.StatusForbidden, backend.CodeForbidden.String()},
		"internal":            unknownFailure,
		"transaction_failed":  unknownFailure,
		"timeout":             {Failed, http.StatusGatewayTimeout, backend.CodeTimeout.String()},
		"rate_limited":        {Failed, http.StatusTooManyRequests, "RATE_LIMITED"},
		"service_unavailable": {Failed, http.StatusServiceUnavailable, backend.CodeServiceUnavailable.String()},
	}
	unknownFailure = MutationOutcome{Failed, http.StatusInternalServerError, backend.CodeInternal.String()}
)

// OutcomeOfStatus reads the status of a StatusResponse: a word, or a word, a
// colon and a reason ("noop:already_published"), in any letter case. An unknown
// word is a failure: a mutation that failed in a new way must not be answered as
// one that worked.
func OutcomeOfStatus(status string) MutationOutcome {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(status)), ":")
	word = strings.TrimSpace(word)
	if successWords[word] {
		return MutationOutcome{Succeeded, http.StatusOK, ""}
	}
	if o, ok := statusFailures[word]; ok {
		return o
	}
	return unknownFailure
}

// OutcomeOfClass reads a ClassResponse. errorClass is "" where it is NULL. One
// that has not succeeded without a class that is known is an internal failure,
// and a class beside success is not looked at.
func OutcomeOfClass(succeeded, stateChanged bool, errorClass string) MutationOutcome {
	switch {
	case succeeded && stateChanged:
		return MutationOutcome{Succeeded, http.StatusOK, ""}
	case succeeded:
		return MutationOutcome{Unchanged, http.StatusOK, ""}
	}
	if o, ok := classFailures[strings.ToLower(strings.TrimSpace(errorClass))]; ok {
		return o
	}
	return unknownFailure
}
