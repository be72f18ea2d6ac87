package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fraiseql/fraiseql-go/builder"
)

// NewOpenAPI answers GET with the document of OpenAPI, as YAML where the path ends
// in .yaml. It is made once for each schema; schema gives the current one. An ETag
// lets clients ask whether theirs is still true. With an Authenticator only
// callers who prove who they are may see it; nil: everybody.
func NewOpenAPI(schema func() *builder.Schema, o OpenAPIOptions, who Authenticator) http.Handler {
	return &openAPI{schema: schema, o: o, who: who}
}

type openAPI struct {
	schema func() *builder.Schema
	o      OpenAPIOptions
	who    Authenticator

	mu   sync.Mutex
	made *builder.Schema // what the documents describe
	json served
	yaml served
}

// served is a document with its entity tag.
type served struct {
	text []byte
	tag  string
}

func newServed(text []byte) served {
	sum := sha256.Sum256(text)
	return served{text, `"` + hex.EncodeToString(sum[:16]) + `"`}
}

func (h *openAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		failRead.write(w)
		return
	}
	cache := "no-cache" // kept, and asked for again each time
	if h.who != nil {
		cache = "private, no-cache"
		if identity, err := h.who.Authenticate(r); err != nil || !identity.Authenticated {
			unauthenticated(r, err).write(w)
			return
		}
	}
	doc, asYAML, err := h.documents()
	if err != nil {
		failInternal.write(w)
		return
	}
	kind := "application/json"
	if strings.HasSuffix(r.URL.Path, ".yaml") {
		doc, kind = asYAML, "application/yaml"
	}
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("Cache-Control", cache)
	header.Set("ETag", doc.tag)
	header.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(doc.text))
}

// documents are those of the current schema.
func (h *openAPI) documents() (asJSON, asYAML served, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sch := h.schema()
	if sch == h.made {
		return h.json, h.yaml, nil
	}
	text, err := OpenAPI(sch, h.o)
	if err != nil {
		return served{}, served{}, err
	}
	block, err := toYAML(text)
	if err != nil {
		return served{}, served{}, err
	}
	h.made, h.json, h.yaml = sch, newServed(text), newServed(block)
	return h.json, h.yaml, nil
}

// toYAML rewrites JSON, which is YAML already, in the form that people read.
func toYAML(text []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("rewrite as YAML: %w", err)
	}
	block(&root)
	out, err := yaml.Marshal(&root)
	if err != nil {
		return nil, fmt.Errorf("rewrite as YAML: %w", err)
	}
	return out, nil
}

// block takes the styles of JSON away.
func block(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		n.Style = 0
	}
	for _, c := range n.Content {
		block(c)
	}
}
