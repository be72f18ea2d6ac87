package server

import (
	"net/http"

	"github.com/fraiseql/fraiseql-go/backend"
)

// refusal is an answer that HTTP alone gives, before or instead of the engine's.
// Its text is constant: nothing of a request comes back in it.
type refusal struct {
	status int // with application/graphql-response+json
	// legacy is the status with application/json, 0 for the same. Clients of that
	// type trust nothing but 200 to be GraphQL's own words, so a well-formed request
	// gets 200 there whatever becomes of it (GraphQL over HTTP, application/json).
	legacy  int
	code    string // GraphQL extensions.code
	message string
}

func (e *refusal) Error() string { return e.message }

// append appends {"message":…,"extensions":{"code":…}}.
func (e *refusal) append(dst []byte) []byte {
	dst = append(dst, `{"message":"`...)
	dst = append(dst, e.message...)
	dst = append(dst, `","extensions":{"code":"`...)
	dst = append(dst, e.code...)
	return append(dst, `"}}`...)
}

// codeRate is the code of a request that came too soon.
const codeRate = "RATE_LIMIT_EXCEEDED"

func malformed(message string) *refusal {
	return &refusal{http.StatusBadRequest, 0, "REQUEST_ERROR", message}
}

// What can be wrong with a request before its document is read. The page
// docs/reference/graphql-over-http.md lists their codes, and a test compares.
var (
	errMethod        = &refusal{http.StatusMethodNotAllowed, 0, "METHOD_NOT_ALLOWED", "use POST, or GET for queries"}
	errGetMutation   = &refusal{http.StatusMethodNotAllowed, 0, "METHOD_NOT_ALLOWED", "GET is for queries; send a mutation by POST"}
	errNotAcceptable = &refusal{http.StatusNotAcceptable, 0, "NOT_ACCEPTABLE", "accept application/graphql-response+json or application/json, in UTF-8"}
	errMediaType     = &refusal{http.StatusUnsupportedMediaType, 0, "UNSUPPORTED_MEDIA_TYPE", "send application/json in UTF-8"}
	errEncoded       = &refusal{http.StatusUnsupportedMediaType, 0, "UNSUPPORTED_MEDIA_TYPE", "send the body without a Content-Encoding"}
	errCrossSite     = &refusal{http.StatusForbidden, 0, "FORBIDDEN", "a request that a browser sends for another site has to name what it accepts"}
	errTooLarge      = &refusal{http.StatusRequestEntityTooLarge, 0, "PAYLOAD_TOO_LARGE", "the request is too large"}
	errSlow          = &refusal{http.StatusRequestTimeout, 0, "REQUEST_TIMEOUT", "the request took too long to arrive"}
	errCut           = malformed("the body ended early")
	errRate          = &refusal{http.StatusTooManyRequests, 0, codeRate, "too many requests; try again later"}
	errUnauthorized  = &refusal{http.StatusUnauthorized, 0, "UNAUTHENTICATED", "authentication failed"}
	errAuthDown      = &refusal{http.StatusServiceUnavailable, 0, backend.CodeServiceUnavailable.String(), "authentication is not available now"}

	errEmpty      = malformed("the body is empty; send a JSON object")
	errUTF8       = malformed("the request is not valid UTF-8")
	errJSON       = malformed("the body is not valid JSON, or nested too deeply")
	errNoObject   = malformed("a request is a JSON object")
	errTwice      = malformed("a parameter is named twice")
	errQueryText  = malformed("query must be a string")
	errNoQuery    = malformed("query is missing")
	errName       = malformed("operationName must be a string")
	errVariables  = malformed("variables must be an object")
	errExtensions = malformed("extensions must be an object")
	errDocumentID = malformed("documentId must be a string")
	errBothQuery  = malformed("send query or documentId, not both")
	errQueryURL   = malformed("the query component of the URL is not well-formed")
	errPersisted  = malformed("extensions.persistedQuery must be an object with version 1 and the sha256Hash of the query in hexadecimal")

	errBatchOff   = malformed("lists of requests are not accepted")
	errBatchEmpty = malformed("a list of requests has at least one")
	errBatchLimit = &refusal{http.StatusUnprocessableEntity, 0, backend.CodeLimit.String(), "the list has too many requests"}

	// The texts of the next three are what clients of automatic persisted queries
	// look for.
	errNotPersisted = &refusal{http.StatusBadRequest, http.StatusOK, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"}
	errPersistedOff = &refusal{http.StatusBadRequest, http.StatusOK, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"}
	errMismatch     = &refusal{http.StatusBadRequest, 0, "PERSISTED_QUERY_MISMATCH", "provided sha does not match query"}

	errNoDocument = &refusal{http.StatusBadRequest, http.StatusOK, "DOCUMENT_NOT_FOUND", "no document has this id"}
	errUntrusted  = &refusal{http.StatusForbidden, 0, "FORBIDDEN_QUERY", "only known documents are answered here"}

	errPanic = &refusal{http.StatusInternalServerError, 0, backend.CodeInternal.String(), backend.CodeInternal.Message()}
)
