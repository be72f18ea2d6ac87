// Package graphiql serves GraphiQL, the query editor in the browser, as one
// handler. Everything it needs is embedded in the program: the page asks no
// other host for anything, and its Content-Security-Policy forbids it to.
//
// The assets are built from ui by `make graphiql` and committed, so that
// building the program needs no Node.
package graphiql

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options is what the page says and to whom it speaks. The zero value works.
type Options struct {
	// Endpoint is where the page sends its queries: the path of the GraphQL
	// endpoint as the browser sees it, on the origin of the page. The policy
	// of the page lets it speak to no other. "" is /graphql.
	Endpoint string
	// Title names the API, in the title of the window and above the editor.
	// "" is fraiseql.
	Title string
	// Query is what the editor holds for who has never been here. "" is a
	// comment on how to begin and { __typename }.
	Query string
	// Headers are what the editor of request headers holds at first, such as an
	// Authorization to be filled in. They are in the page for everyone: put no
	// secret here. Empty is none.
	Headers map[string]string
}

const (
	folder       = "/graphiql/" // as in ui/build.mjs
	defaultPath  = "/graphql"
	defaultTitle = "fraiseql"
	defaultQuery = `# Ctrl-Space completes, Ctrl-Enter runs; the book on the left is the schema.

{
  __typename
}
`
)

// policy lets the page load scripts, styles, fonts and workers from here alone
// and speak to here alone. Monaco and Radix make style elements at run time and
// know no nonce, hence 'unsafe-inline' for styles, and for styles only.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed assets
var embedded embed.FS

var page = template.Must(template.ParseFS(embedded, "assets/page.html"))

// types are the media types by extension. The table of package mime depends on
// the machine.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".ttf": "font/ttf",
	".txt": "text/plain; charset=utf-8",
}

// assets are the embedded files by name, each compressed by gzip. The name
// holds a hash of the content.
var assets = sync.OnceValue(func() map[string][]byte {
	files := map[string][]byte{}
	entries, err := embedded.ReadDir("assets")
	if err != nil {
		panic("graphiql: the embedded assets cannot be read: " + err.Error())
	}
	for _, e := range entries {
		name, packed := strings.CutSuffix(e.Name(), ".gz")
		if !packed {
			continue
		}
		content, err := embedded.ReadFile("assets/" + e.Name())
		if err != nil {
			panic("graphiql: the embedded assets cannot be read: " + err.Error())
		}
		files[name] = content
	}
	return files
})

// Handler serves GraphiQL at / and its assets below /graphiql/; it answers 404
// to any other path, and 405 to any method but GET and HEAD. Below a prefix it
// works behind http.StripPrefix, if the page has a slash at its end.
//
// Assets may be kept by a browser for ever, as their names change with their
// content; the page is asked for anew each time and costs a 304.
func Handler(o Options) http.Handler {
	rendered := render(o)
	sum := sha256.Sum256(rendered)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, isAsset := strings.CutPrefix(r.URL.Path, folder)
		asset, found := assets()[name]
		if r.URL.Path != "/" && (!isAsset || !found) {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", policy)
		if isAsset {
			serveAsset(w, r, name, asset)
			return
		}
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(rendered))
	})
}

// render is the page for o.
func render(o Options) []byte {
	values := struct{ Endpoint, Title, Query, Headers string }{o.Endpoint, o.Title, o.Query, ""}
	for value, otherwise := range map[*string]string{
		&values.Endpoint: defaultPath,
		&values.Title:    defaultTitle,
		&values.Query:    defaultQuery,
	} {
		if *value == "" {
			*value = otherwise
		}
	}
	if len(o.Headers) > 0 {
		headers, err := json.MarshalIndent(o.Headers, "", "  ")
		if err != nil {
			panic("graphiql: a map of strings is no JSON: " + err.Error())
		}
		values.Headers = string(headers)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, values); err != nil {
		panic("graphiql: the embedded page does not take its values: " + err.Error())
	}
	return b.Bytes()
}

// serveAsset answers with the asset as it is kept, or unpacked for who does not
// take gzip.
func serveAsset(w http.ResponseWriter, r *http.Request, name string, packed []byte) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", types[path.Ext(name)])
	h.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", `"`+name+`.gz"`)
		// ServeContent leaves it out where there is an encoding.
		h.Set("Content-Length", strconv.Itoa(len(packed)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed))
		return
	}
	content, err := unpack(packed)
	if err != nil {
		h.Set("Cache-Control", "no-store")
		http.Error(w, "500 the asset is broken", http.StatusInternalServerError)
		return
	}
	h.Set("ETag", `"`+name+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3): gzip by its
// name, or by * where its name is not there, unless the weight is 0.
func acceptsGzip(values []string) bool {
	byStar := false
	for element := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, parameters, _ := strings.Cut(element, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameters)), "q="); ok {
			// What is no number counts as 0: the answer without gzip is right for anyone.
			weight, _ = strconv.ParseFloat(q, 64)
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight > 0
		case "*":
			byStar = weight > 0
		}
	}
	return byStar
}
