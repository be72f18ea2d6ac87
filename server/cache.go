package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// cache says how long the answer to a GET may be kept, where it is whole, free of
// errors and the same for everybody.
func (x *exchange) cache() {
	control, r := x.g.o.GetCacheControl, x.r
	switch {
	case control == "", x.status != 0,
		x.identity.Authenticated, len(x.identity.Session) > 0,
		len(r.Header["Authorization"]) > 0, len(r.Header["Cookie"]) > 0:
		return
	}
	h := x.w.Header()
	h["Cache-Control"] = []string{control}
	h["Vary"] = append(h["Vary"], "Authorization, Cookie")
	sum := sha256.Sum256(x.held)
	// Weak: the same answer may be compressed or not (RFC 9110, 8.8.1).
	tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	h["Etag"] = []string{tag}
	if matches(r.Header["If-None-Match"], tag) {
		x.status, x.held = http.StatusNotModified, x.held[:0]
	}
}

// matches compares weakly (RFC 9110, 13.1.2). A tag of ours has no comma.
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
	}
	return false
}
