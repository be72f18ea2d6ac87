package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"
)

// CORS says which pages of other origins may use an endpoint from a browser. The
// zero value allows none.
type CORS struct {
	// Origins such as "https://app.example.com"; one * in each may stand for
	// anything, "*" alone for every origin.
	Origins []string
	// Headers that a page may send besides Accept, Content-Type, Authorization and
	// X-Request-Id.
	Headers []string
	// Expose are the headers of answers that a page may read besides X-Request-Id and
	// Retry-After.
	Expose []string
	// Credentials lets pages send cookies and client certificates. It can't go with
	// the origin "*".
	Credentials bool
	// MaxAge is how long a browser may remember what is allowed, in whole seconds;
	// 0 leaves it to the browser (5 s).
	MaxAge time.Duration
}

// Validate says what is wrong with c. A configuration that is wrong allows less
// than it seems to, never more.
func (c CORS) Validate() error {
	if c.Credentials && slices.Contains(c.Origins, "*") {
		return errors.New("cors: credentials need origins by name, not *")
	}
	for _, origin := range c.Origins {
		if origin == "*" {
			continue
		}
		u, err := url.Parse(strings.ReplaceAll(origin, "*", "x"))
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || strings.Count(origin, "*") > 1 {
			return fmt.Errorf("cors: %q is not an origin such as https://app.example.com", origin)
		}
	}
	return nil
}

// handler is nil if no origin is allowed.
func (c CORS) handler() *cors.Cors {
	if len(c.Origins) == 0 {
		return nil
	}
	return cors.New(cors.Options{
		AllowedOrigins:   c.Origins,
		AllowedMethods:   []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:   slices.Concat([]string{"Accept", "Content-Type", "Authorization", "X-Request-Id", "X-Requested-With", "GraphQL-Require-Preflight", "Apollo-Require-Preflight"}, c.Headers),
		ExposedHeaders:   slices.Concat([]string{"X-Request-Id", "Retry-After"}, c.Expose),
		AllowCredentials: c.Credentials && !slices.Contains(c.Origins, "*"),
		MaxAge:           int(c.MaxAge.Seconds()),
	})
}

// MiddlewareCORS answers preflight requests and lets browsers hand answers to
// pages of the origins of c.
func MiddlewareCORS(h http.Handler, c CORS) http.Handler {
	if handler := c.handler(); handler != nil {
		return handler.Handler(h)
	}
	return h
}
