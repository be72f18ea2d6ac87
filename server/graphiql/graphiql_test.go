package graphiql_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server/graphiql"
)

// ask sends one request to a handler made of o.
func ask(o graphiql.Options, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	graphiql.Handler(o).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var links = regexp.MustCompile(`graphiql/[^"&]+`)

// linked are the assets that the page names.
func linked(t *testing.T) []string {
	t.Helper()
	found := links.FindAllString(body(t, ask(graphiql.Options{}, "GET", "/")), -1)
	if len(found) < 6 {
		t.Fatalf("the page names %q, and not a script, a style, an icon, the licences and three workers", found)
	}
	return found
}

func TestPaths(t *testing.T) {
	t.Parallel()
	asset := "/" + linked(t)[0]
	for _, c := range []struct {
		name, method, path string
		want               int
		why                string
	}{
		{"page", "GET", "/", 200, "it is what is asked for"},
		{"head", "HEAD", "/", 200, "HEAD is GET without the body"},
		{"asset", "GET", asset, 200, "the page names it"},
		{"post", "POST", "/", 405, "there is nothing to change"},
		{"post to asset", "POST", asset, 405, "there is nothing to change"},
		{"another path", "GET", "/index.html", 404, "the page has one address"},
		{"post to another path", "POST", "/graphql", 404, "the endpoint is not here"},
		{"folder", "GET", "/graphiql/", 404, "there are no listings"},
		{"no such asset", "GET", "/graphiql/main-00000000.js", 404, "an old version is gone"},
		{"asset at the root", "GET", strings.TrimPrefix(asset, "/graphiql"), 404, "an asset has one address"},
		{"packed name", "GET", asset + ".gz", 404, "the encoding is in a header"},
		{"template", "GET", "/graphiql/page.html", 404, "it is not an asset"},
		{"up", "GET", "/graphiql/../graphiql.go", 404, "no path leads out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := ask(graphiql.Options{}, c.method, c.path)
			if r.StatusCode != c.want {
				t.Errorf("%s %s is %d, not %d: %s", c.method, c.path, r.StatusCode, c.want, c.why)
			}
			if allow := r.Header.Get("Allow"); (allow == "GET, HEAD") != (c.want == 405) {
				t.Errorf("Allow is %q", allow)
			}
			if c.method == "HEAD" && body(t, r) != "" {
				t.Error("HEAD has a body")
			}
		})
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	r := ask(graphiql.Options{
		Endpoint: "/api/graphql",
		Title:    `Shop </title><script>"`,
		Query:    "{ a }",
		Headers:  map[string]string{"Authorization": "Bearer "},
	}, "GET", "/")
	page := body(t, r)
	for _, want := range []string{
		`<title>Shop &lt;/title&gt;&lt;script&gt;`,
		`data-endpoint="/api/graphql"`,
		`data-query="{ a }"`,
		`Authorization`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
	}
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("the page has %d scripts, and its policy allows one with an address", n)
	}
	plain := html.UnescapeString(body(t, ask(graphiql.Options{}, "GET", "/")))
	for _, want := range []string{`data-endpoint="/graphql"`, `<title>fraiseql</title>`, "__typename", `data-headers=""`} {
		if !strings.Contains(plain, want) {
			t.Errorf("the page of no options has no %s:\n%s", want, plain)
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/" + linked(t)[0]} {
		r := ask(graphiql.Options{}, "GET", path)
		policy := r.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !slices.Contains(strings.Split(policy, "; "), want) {
				t.Errorf("the policy of %s has no %s: %s", path, want, policy)
			}
		}
		if got := r.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("X-Content-Type-Options of %s is %q", path, got)
		}
	}
}

func TestEncoding(t *testing.T) {
	t.Parallel()
	path := "/" + linked(t)[1]
	plain := body(t, ask(graphiql.Options{}, "GET", path))
	if !strings.Contains(plain, "graphiql") {
		t.Fatalf("%s has nothing of GraphiQL's style", path)
	}
	for _, c := range []struct {
		accept string
		packed bool
	}{
		{"", false},
		{"gzip", true},
		{"GZIP", true},
		{"br, zstd, gzip;q=0.5", true},
		{"gzip ; q=0.001", true},
		{"x-gzip", true},
		{"*", true},
		{"br;q=1, *;q=0.1", true},
		{"gzip;q=0", false},
		{"gzip;q=0, *", false},
		{"*, gzip;q=0.0", false},
		{"*;q=0", false},
		{"gzip;q=much", false},
		{"identity", false},
		{"br, zstd", false},
	} {
		t.Run(c.accept, func(t *testing.T) {
			t.Parallel()
			r := ask(graphiql.Options{}, "GET", path, "Accept-Encoding", c.accept)
			if got := r.Header.Get("Content-Encoding"); (got == "gzip") != c.packed {
				t.Fatalf("Content-Encoding is %q", got)
			}
			content := body(t, r)
			if got, want := r.ContentLength, int64(len(content)); got != want {
				t.Errorf("Content-Length is %d, and %d bytes came", got, want)
			}
			if c.packed {
				z, err := gzip.NewReader(strings.NewReader(content))
				if err != nil {
					t.Fatal(err)
				}
				unpacked, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				content = string(unpacked)
			}
			if content != plain {
				t.Error("the content differs")
			}
			if got := r.Header.Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("Vary is %q", got)
			}
		})
	}
}

func TestCaching(t *testing.T) {
	t.Parallel()
	asset := "/" + linked(t)[0]
	tags := map[string]bool{}
	for _, c := range []struct{ path, encoding, control string }{
		{"/", "identity", "no-cache"},
		{asset, "identity", "public, max-age=31536000, immutable"},
		{asset, "gzip", "public, max-age=31536000, immutable"},
	} {
		first := ask(graphiql.Options{}, "GET", c.path, "Accept-Encoding", c.encoding)
		if got := first.Header.Get("Cache-Control"); got != c.control {
			t.Errorf("Cache-Control of %s is %q, not %q", c.path, got, c.control)
		}
		tag := first.Header.Get("ETag")
		if tag == "" || tags[tag] {
			t.Errorf("the ETag of %s in %s is %q, which is none or that of something else", c.path, c.encoding, tag)
		}
		tags[tag] = true
		again := ask(graphiql.Options{}, "GET", c.path, "Accept-Encoding", c.encoding, "If-None-Match", tag)
		if again.StatusCode != http.StatusNotModified || body(t, again) != "" {
			t.Errorf("%s, asked for again, is %d", c.path, again.StatusCode)
		}
	}
	if tag := ask(graphiql.Options{Title: "another"}, "GET", "/").Header.Get("ETag"); tags[tag] {
		t.Error("two pages have one ETag")
	}
}

func TestBelowPrefix(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.StripPrefix("/tools", graphiql.Handler(graphiql.Options{})))
	t.Cleanup(srv.Close)
	for _, path := range append(linked(t), "") {
		r, err := srv.Client().Get(srv.URL + "/tools/" + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s is %d below a prefix", path, r.StatusCode)
		}
	}
}

// TestAssets holds the committed assets to their size, to types that browsers
// take, and to the licences that go with them.
func TestAssets(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("assets/*.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assets: %v", err)
	}
	total := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		total += len(content)
		path := "/graphiql/" + strings.TrimSuffix(filepath.Base(file), ".gz")
		r := ask(graphiql.Options{}, "GET", path, "Accept-Encoding", "gzip")
		if got := body(t, r); got != string(content) {
			t.Errorf("%s is not what is in the folder", path)
		}
		if r.Header.Get("Content-Type") == "" {
			t.Errorf("%s has no media type: add its extension to the table", path)
		}
	}
	const budget = 1_500_000
	if total > budget {
		t.Errorf("the assets are %d bytes, over the budget of %d: see docs/adr/0016-graphiql-assets.md", total, budget)
	}
	licences, err := os.ReadFile("THIRD_PARTY_LICENSES.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"graphiql 5.", "monaco-editor 0.", "react 19.", "prettier 3."} {
		if !bytes.Contains(licences, []byte("\n"+name)) {
			t.Errorf("the licences have no %s", name)
		}
	}
}

// TestBuilt fails where the source has changed and the assets have not.
func TestBuilt(t *testing.T) {
	t.Parallel()
	source, err := filepath.Glob("ui/src/*")
	if err != nil || len(source) == 0 {
		t.Fatalf("no source: %v", err)
	}
	source = append(source, "ui/build.mjs", "ui/package.json", "ui/package-lock.json")
	slices.Sort(source)
	sum := sha256.New()
	for _, file := range source {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write([]byte(filepath.ToSlash(strings.TrimPrefix(file, "ui/")) + "\n"))
		sum.Write(content)
	}
	built, err := os.ReadFile("assets/source.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(built)), hex.EncodeToString(sum.Sum(nil))); diff != "" {
		t.Errorf("the assets are of another source (-built +source): run make graphiql\n%s", diff)
	}
}
