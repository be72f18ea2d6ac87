package server

import (
	"errors"
	"net/http"
	"time"
)

// response is the one writer that handlers around others put over net/http's. It
// knows the status of the answer, can be cut, so that nothing gets through any
// more, and bounds each write: net/http's own WriteTimeout bounds the answer from
// its first to its last byte, and would cut a long stream that flows, or have to be
// so long that it catches no client that has stopped reading.
type response struct {
	http.ResponseWriter
	status int // 0: the header has not left
	cut    bool

	// Of the edge; without it nothing is bounded.
	deadline writeDeadline
	timeout  time.Duration
	gate     *gate // nil: never shut
	streams  bool  // HTTP/2: a deadline that passes ends the stream although nothing is being written
}

type writeDeadline interface{ SetWriteDeadline(time.Time) error }

var errWasCut = errors.New("the answer was cut")

// follow is w where it is a response already, so that a request has one of them
// for all who ask.
func follow(w http.ResponseWriter) *response {
	if rw, ok := w.(*response); ok {
		return rw
	}
	return &response{ResponseWriter: w}
}

// begin takes note of the status, and asks the client to leave if the server is
// about to.
func (w *response) begin(status int) {
	if w.status != 0 || status < http.StatusOK {
		return
	}
	w.status = status
	if w.gate != nil && w.gate.isShut() {
		w.Header().Set("Connection", "close")
	}
}

func (w *response) extend() {
	if w.deadline != nil {
		_ = w.deadline.SetWriteDeadline(time.Now().Add(w.timeout)) // the write finds a broken connection
	}
}

// rest leaves a stream without a deadline while its handler computes. On
// HTTP/1 a deadline matters to writes only, and each has a new one.
func (w *response) rest() {
	if w.streams && w.deadline != nil {
		_ = w.deadline.SetWriteDeadline(time.Time{}) // the write finds a broken connection
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if w.cut {
		return
	}
	w.begin(status)
	w.extend()
	w.ResponseWriter.WriteHeader(status)
	w.rest()
}

// Write implements http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	if w.cut {
		return 0, errWasCut
	}
	w.begin(http.StatusOK)
	w.extend()
	n, err := w.ResponseWriter.Write(p)
	w.rest()
	return n, err
}

// Flush is for those who ask for an http.Flusher; see FlushError.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError sends what net/http holds; it is for http.ResponseController.
func (w *response) FlushError() error {
	if w.cut {
		return errWasCut
	}
	w.begin(http.StatusOK)
	w.extend()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.rest()
	return err
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// cut keeps everything that encoders still hold from getting out.
func cut(w http.ResponseWriter) {
	for w != nil {
		if rw, ok := w.(*response); ok {
			rw.cut = true
			return
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = u.Unwrap()
	}
}

// innermost is the writer of net/http below all wrappers.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// Values of Vary that are the same for nearly every answer.
var (
	varyEncoding = []string{"Accept-Encoding"}
	varyUsual    = []string{"Accept-Encoding", "Accept"}
)

// vary adds name to what the answer depends on.
func vary(h http.Header, name string) {
	switch have := h["Vary"]; {
	case len(have) == 0 && name == varyEncoding[0]:
		h["Vary"] = varyEncoding
	case len(have) == 1 && &have[0] == &varyEncoding[0] && name == varyUsual[1]:
		h["Vary"] = varyUsual
	default:
		h["Vary"] = append(have, name)
	}
}
