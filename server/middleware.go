package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// MiddlewareOptions of Middleware. The zero value compresses, allows no other
// origin and logs to slog.Default().
type MiddlewareOptions struct {
	CORS          CORS
	NoCompression bool
	Logger        *slog.Logger
}

// Middleware is what every endpoint for clients has around it: a request id,
// recovery from panics, CORS and compression, in this order from outside.
func Middleware(h http.Handler, o MiddlewareOptions) http.Handler {
	if !o.NoCompression {
		h = MiddlewareCompress(h)
	}
	h = MiddlewareCORS(h, o.CORS)
	h = MiddlewareRecover(h, o.Logger)
	return MiddlewareRequestID(h)
}

var noSniff = []string{"nosniff"}

// MiddlewareRecover answers 500 INTERNAL_ERROR where h panics and nothing has
// been written, and breaks the connection off where something has. Log (nil is
// slog.Default()) gets the panic with its stack and the request id, the client
// neither. http.ErrAbortHandler passes through.
func MiddlewareRecover(h http.Handler, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.Default()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rw := &response{ResponseWriter: w}
		defer func() { //nolint:contextcheck // the context is that of r
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			ctx := r.Context()
			log.LogAttrs(ctx, slog.LevelError, "panic in a handler", slog.String("request_id", RequestID(ctx)),
				slog.String("method", r.Method), slog.String("panic", fmt.Sprint(v)), slog.String("stack", string(debug.Stack())))
			if rw.wrote {
				panic(http.ErrAbortHandler)
			}
			header := w.Header()
			for _, name := range [...]string{"Content-Length", "Content-Encoding", "Cache-Control", "Etag", "Retry-After"} {
				delete(header, name)
			}
			kind, _ := negotiate(r.Header["Accept"])
			header["Content-Type"] = contentTypes[kind]
			header["X-Content-Type-Options"] = noSniff
			w.WriteHeader(errPanic.status)
			body := append(errPanic.append([]byte(`{"errors":[`)), "]}"...)
			_, _ = w.Write(body) // if it fails, nobody is there to be told
		}()
		h.ServeHTTP(rw, r)
	})
}

// response knows whether the header has left, and can be cut: nothing gets
// through then.
type response struct {
	http.ResponseWriter
	wrote bool
	cut   bool
}

var errWasCut = errors.New("the answer was cut")

func (w *response) WriteHeader(status int) {
	if w.cut {
		return
	}
	w.wrote = w.wrote || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.cut {
		return 0, errWasCut
	}
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// FlushError is for http.ResponseController.
func (w *response) FlushError() error {
	if w.cut {
		return errWasCut
	}
	w.wrote = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

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
