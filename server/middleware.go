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
		rw := follow(w)
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
			if rw.status != 0 {
				panic(http.ErrAbortHandler)
			}
			rw.cut = false // what encoders held is gone
			header := w.Header()
			for _, name := range [...]string{"Content-Length", "Content-Encoding", "Cache-Control", "Etag", "Retry-After"} {
				delete(header, name)
			}
			kind, _ := negotiate(r.Header["Accept"])
			header["Content-Type"] = contentTypes[kind]
			header["X-Content-Type-Options"] = noSniff
			rw.WriteHeader(errPanic.status)
			body := append(errPanic.append([]byte(`{"errors":[`)), "]}"...)
			_, _ = rw.Write(body) // if it fails, nobody is there to be told
		}()
		h.ServeHTTP(rw, r)
	})
}
