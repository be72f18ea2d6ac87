package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
)

// The defaults that zero members of Options stand for.
const (
	DefaultMaxBody      = 1 << 20 // bytes
	DefaultMaxBatch     = 10      // requests in a list, where lists are accepted
	DefaultPersistBytes = 8 << 20 // bytes of automatically persisted queries
	DefaultRetryAfter   = time.Second
)

// Options of NewGraphQL. The zero value is the safe choice throughout: nobody is
// asked who they are, nothing is allowed across origins, lists of requests are
// refused.
type Options struct {
	// MaxBody bounds the body of a request in bytes; 0 is DefaultMaxBody. A larger
	// one is answered with 413. The URL of a GET is bounded by http.Server.
	MaxBody int64
	// Batching accepts a list of at most MaxBatch requests (0 is DefaultMaxBatch) as
	// the body of a POST. They run one after the other, each on its own; the answer
	// is a list in the same order.
	Batching bool
	MaxBatch int
	// PersistBytes bounds the memory of automatically persisted queries, least
	// recently used first out; 0 is DefaultPersistBytes, negative switches them off.
	// Only documents that the engine found valid are kept.
	PersistBytes int64
	// Trusted are the only documents that are answered. Nil: every document is.
	Trusted *TrustedDocuments
	// Authenticator says who asks. Nil: everybody is anonymous.
	Authenticator Authenticator
	// Introspection says who may ask for __schema and __type. Default: everybody.
	Introspection Introspection
	// GetCacheControl is the Cache-Control of a GET that went well, such as
	// "public, max-age=60", which then has an ETag too; "" is no-store. It is no-store
	// in any case for whoever sent credentials, for an answer with errors, and for
	// one that streams, since an error may still come.
	GetCacheControl string
	// PartialSuccess answers with status 294 instead of 200 where some fields failed,
	// the answer is application/graphql-response+json, and it was not streaming by
	// then (GraphQL over HTTP, September 2026).
	PartialSuccess bool
	// RetryAfter is told with SERVICE_UNAVAILABLE, in whole seconds; 0 is
	// DefaultRetryAfter.
	RetryAfter time.Duration
	// RateLimit bounds the requests of each client: more are answered with 429. One
	// whose credentials are refused counts for its address, each of a list counts.
	// Several handlers may share one. Nil: there is no bound.
	RateLimit *RateLimiter
	// Sessions let a client read what it has written from late copies of the database.
	// Nil: there are none.
	Sessions *Sessions
	// CORS allows pages of other origins. Default: none.
	CORS CORS
	// NoCompression sends every answer as it is.
	NoCompression bool
	// Logger gets one line for each request that failed: at level error where the
	// server is to blame, info where the client is. Nil is slog.Default().
	Logger *slog.Logger
	// LogRequests adds a line at level info for each request that went well.
	LogRequests bool
	// Metrics count the requests. Nil: nothing is counted.
	Metrics *Metrics
	// Observe is told of every request, of each one of a list, after its answer is
	// written, with the context of its HTTP request. Nil: nobody is. It must be safe
	// for concurrent use.
	Observe func(context.Context, Outcome)
}

// Introspection says who may ask for __schema and __type.
type Introspection uint8

// The policies. The schema holds what the role of the database may use, so that
// public introspection shows no more than asking would.
const (
	IntrospectionPublic        Introspection = iota // everybody
	IntrospectionAuthenticated                      // where Identity.Authenticated
	IntrospectionOff                                // nobody
)

// Outcome is what became of one GraphQL request. It holds no text of the request
// but the name of the operation.
type Outcome struct {
	Name     string        // of the operation; "" where it has none, or was not known yet
	Method   string        // GET, POST
	Kind     string        // query or mutation; "" where it was not known yet
	Code     string        // GraphQL extensions.code of what failed; "" if nothing did
	Status   int           // HTTP status that it has alone, or would have outside of a list
	Duration time.Duration // until the answer was handed to the connection
	Bytes    int64         // of the answer, before compression
}

// fill puts defaults for zero members.
func (o *Options) fill() {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	switch {
	case !o.Batching:
		o.MaxBatch = 0
	case o.MaxBatch <= 0:
		o.MaxBatch = DefaultMaxBatch
	}
	if o.PersistBytes == 0 {
		o.PersistBytes = DefaultPersistBytes
	}
	if o.RetryAfter <= 0 {
		o.RetryAfter = DefaultRetryAfter
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
}

// clientFault reports whether a status or the code of err tells that the server
// did as it should.
func clientFault(status int, code backend.Code) bool {
	return status < 500 && (code == backend.CodeOK || code.HTTPStatus() < 500)
}
