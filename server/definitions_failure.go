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
	writeFailure(w, f.status, f.code, f.message)
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
		http.StatusUnauthorized, "UNAUTHENTICATED", "the request does not prove who it is from", [2]string{"WWW-Authenticate", "Bearer"},
	}
	failSlow = &failure{status: http.StatusRequestTimeout, code: "REQUEST_TIMEOUT", message: "the request did not come in time"}
	failBody = &failure{status: http.StatusBadRequest, code: backend.CodeBadUserInput.String(), message: "the request could not be read to its end"}

	failSession = &failure{
		status: http.StatusForbidden, code: backend.CodeForbidden.String(), message: "session variables can't be set by a request",
	}
)

func failTooLarge(limit int64) *failure {
	return &failure{
		status: http.StatusRequestEntityTooLarge, code: "PAYLOAD_TOO_LARGE",
		message: "a request has at most " + strconv.FormatInt(limit, 10) + " bytes",
	}
}

// writeFailure answers as executor.WriteError does, with a text that may be told.
func writeFailure(w http.ResponseWriter, status int, code, message string) {
	text, err := json.Marshal(message)
	if err != nil { // a string
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"data":null,"errors":[{"message":` + string(text) + `,"extensions":{"code":"` + code + `"}}]}`)) // an error: the client has gone
}
