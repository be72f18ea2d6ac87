package server

import (
	"net/http"
	"strings"

	"github.com/rs/cors"
)

// crossSite reports whether a GET looks like one that a browser sent because a
// page of another site told it to: by a link, a form, an image, a script or
// fetch. Such a request carries the visitor's cookies and client certificate.
// It changes nothing, since GET runs queries only, and the page can't read the
// answer; but it could measure it, or have it shown or cached as something else.
//
// A client that is no browser sends neither Sec-Fetch-Site nor Origin and often
// Accept: */* (curl, fetch of Node.js, the audits of graphql-http), so these
// can't be demanded. What can be told apart is:
//
//   - a header that a page can't set without asking first (CORS preflight), which
//     proves that CORS allows it: X-Requested-With, GraphQL-Require-Preflight,
//     Apollo-Require-Preflight, a bearer token, or a Content-Type of application/json;
//   - an Origin, which every cross-site fetch has: CORS has to allow it;
//   - Sec-Fetch-Site, which every browser of today sends (W3C Fetch Metadata):
//     same-origin and none (typed into the address bar) pass, others don't;
//   - without it (browsers before 2020, or no TLS), an Accept that asks for a page, an
//     image or a style sheet, as navigation and elements do and GraphQL never.
func crossSite(r *http.Request, allowed *cors.Cors) bool {
	h := r.Header
	for _, name := range [...]string{"X-Requested-With", "Graphql-Require-Preflight", "Apollo-Require-Preflight"} {
		if len(h[name]) > 0 {
			return false
		}
	}
	if list := h["Authorization"]; len(list) == 1 && len(list[0]) > 7 && strings.EqualFold(list[0][:7], "Bearer ") {
		return false // a browser adds Basic and Negotiate by itself, but no token
	}
	if list := h["Content-Type"]; len(list) == 1 && strings.HasPrefix(list[0], "application/json") {
		return false
	}
	site := ""
	if list := h["Sec-Fetch-Site"]; len(list) > 0 {
		site = list[0]
	}
	if site == "same-origin" || site == "none" {
		return false
	}
	if list := h["Origin"]; len(list) > 0 {
		if _, host, ok := strings.Cut(list[0], "://"); ok && host == r.Host {
			return false
		}
		return allowed == nil || !allowed.OriginAllowed(r)
	}
	if site != "" {
		return true
	}
	for _, line := range h["Accept"] {
		for _, kind := range [...]string{"text/html", "image/", "text/css"} {
			if strings.Contains(line, kind) {
				return true
			}
		}
	}
	return false
}
