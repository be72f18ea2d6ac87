package server

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/fraiseql/fraiseql-go/backend"
)

// failure is the answer to a request that never reaches the executor.
type failure struct {
	status  int
	code    string
	message string
	header  [2]string // one more, or none
}

func (f *failure) write(w http.ResponseWriter) {
	if f.header[0] != "" {
		w.Header().Set(f.header[0], f.header[1])
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(f.status)
	_, _ = w.Write(f.append(nil)) // an error: the client has gone
}

// The failures of HTTP itself. Their codes stand beside those of backend.Code.
var (
	failMethod = &failure{
		http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "definitions are sent by POST", [2]string{"Allow", http.MethodPost},
	}
	failMediaType = &failure{
		http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "the content type has to be application/json, in UTF-8", [2]string{"Accept", "application/json"},
	}
	failEncoding = &failure{
		http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "a compressed request is not read", [2]string{"Accept-Encoding", "identity"},
	}
	failUnauthenticated = &failure{
		http.StatusUnauthorized, "UNAUTHENTICATED", "authentication failed", [2]string{"WWW-Authenticate", "Bearer"},
	}
	failAuthDown = &failure{
		http.StatusServiceUnavailable, backend.CodeServiceUnavailable.String(), "authentication is not available now", [2]string{"Retry-After", "1"},
	}
	failRate = &failure{status: http.StatusTooManyRequests, code: codeRate, message: "too many requests; try again later"}
	failSlow = &failure{status: http.StatusRequestTimeout, code: "REQUEST_TIMEOUT", message: "the request did not come in time"}
	failBody = &failure{status: http.StatusBadRequest, code: backend.CodeBadUserInput.String(), message: "the request could not be read to its end"}

	failRead = &failure{
		http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "this is read by GET", [2]string{"Allow", "GET, HEAD"},
	}
	failInternal = &failure{
		status: http.StatusInternalServerError, code: backend.CodeInternal.String(), message: backend.CodeInternal.Message(),
	}
	failToken   = &failure{status: errSession.status, code: backend.CodeBadUserInput.String(), message: errSession.message}
	failSession = &failure{
		status: http.StatusForbidden, code: backend.CodeForbidden.String(), message: "session variables can't be set by a request",
	}
)

// NotFound answers 404 with the sentence message, for paths where nothing is.
func NotFound(message string) http.Handler {
	f := &failure{status: http.StatusNotFound, code: backend.CodeNotFound.String(), message: message}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { f.write(w) })
}

// unauthenticated is the answer where an Authenticator gave err; nil: no one has
// asked to be known.
func unauthenticated(r *http.Request, err error) *failure {
	switch {
	case backend.CodeOf(err) == backend.CodeServiceUnavailable: // it is not known who asks
		return failAuthDown
	case r.Header.Get("Authorization") == "":
		return failUnauthenticated
	}
	f := *failUnauthenticated
	f.header[1] = `Bearer error="invalid_token"` // RFC 6750, 3.1
	return &f
}

func failTooLarge(limit int64) *failure {
	return &failure{
		status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE",
		message: "a request has at most " + strconv.FormatInt(limit, 10) + " bytes",
	}
}

// append appends the whole answer.
func (f *failure) append(dst []byte) []byte {
	text, err := json.Marshal(f.message)
	if err != nil { // a string
		panic(err)
	}
	dst = append(append(dst, `{"data":null,"errors":[{"message":`...), text...)
	return append(append(append(dst, `,"extensions":{"code":"`...), f.code...), `"}}]}`...)
}

// writeFailure answers as executor.WriteError does, with a text that may be told.
func writeFailure(w http.ResponseWriter, status int, code, message string) {
	f := &failure{status: status, code: code, message: message}
	f.write(w)
}
