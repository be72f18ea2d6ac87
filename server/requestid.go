package server

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
)

type requestIDKey struct{}

// identified is the context of a request that has an id. A part of it is the
// header's value too.
type identified struct {
	context.Context //nolint:containedctx // it is one
	id              [1]string
}

// Value gives the context itself: a string would have to be copied.
func (c *identified) Value(key any) any {
	if key == (requestIDKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// RequestID is the id of the request that ctx belongs to, "" outside of one.
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(requestIDKey{}).(*identified); ok {
		return c.id[0]
	}
	return ""
}

// MiddlewareRequestID gives every request an id: X-Request-Id of the client if it
// is 1 to 64 of A-Z a-z 0-9 . _ : -, else 24 random hexadecimal digits. It is in
// X-Request-Id of the answer and in the context (RequestID). Inside of another
// MiddlewareRequestID it changes nothing.
func MiddlewareRequestID(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if RequestID(ctx) == "" {
			c := &identified{Context: ctx}
			if list := r.Header["X-Request-Id"]; len(list) == 1 && saneID(list[0]) {
				c.id[0] = list[0]
			} else {
				c.id[0] = newID()
			}
			w.Header()["X-Request-Id"] = c.id[:]
			r = r.WithContext(c) //nolint:contextcheck // c is made of that of r
		}
		h.ServeHTTP(w, r)
	})
}

// newID is unique as far as 96 random bits make it. It is no secret.
func newID() string {
	var b [12]byte
	binary.NativeEndian.PutUint64(b[:], rand.Uint64())  //nolint:gosec // no secret
	binary.NativeEndian.PutUint32(b[8:], rand.Uint32()) //nolint:gosec // no secret
	var text [24]byte
	hex.Encode(text[:], b[:])
	return string(text[:])
}

// saneID keeps out what could forge a line of a log or a header.
func saneID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}

// LogRequestID adds request_id to every record that is logged with the context of
// a request, by whatever layer:
//
//	log := slog.New(server.LogRequestID(slog.NewJSONHandler(os.Stderr, nil)))
//
// Records that have a request_id already keep theirs.
func LogRequestID(h slog.Handler) slog.Handler { return requestIDHandler{h} }

type requestIDHandler struct{ slog.Handler }

func (h requestIDHandler) Handle(ctx context.Context, r slog.Record) error {
	id := RequestID(ctx)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "request_id" {
			id = ""
		}
		return id != ""
	})
	if id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestIDHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestIDHandler) WithGroup(name string) slog.Handler {
	return requestIDHandler{h.Handler.WithGroup(name)}
}
