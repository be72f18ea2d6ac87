package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// media is the type of an answer. The zero media is application/json.
type media uint8

const (
	mediaJSON     media = iota // application/json: for clients from before GraphQL over HTTP
	mediaResponse              // application/graphql-response+json
)

// contentTypes are ready to be put into a header; nobody changes them in place.
var contentTypes = [...][]string{
	mediaJSON:     {"application/json; charset=utf-8"},
	mediaResponse: {"application/graphql-response+json; charset=utf-8"},
}

// negotiate chooses the type of an answer by the lines of Accept (RFC 9110,
// 12.5.1): the higher q wins; between equals a type that is named wins over one
// that a wildcard stands for, then application/graphql-response+json. Without a
// preference it is application/json: whoever does not ask for the new type may be
// a client that knows nothing but 200. Not ok means that neither is acceptable.
func negotiate(accept []string) (media, bool) {
	switch len(accept) {
	case 0:
		return mediaJSON, true
	case 1:
		switch accept[0] {
		case "*/*", "application/json", "":
			return mediaJSON, true
		case "application/graphql-response+json":
			return mediaResponse, true
		}
	}
	json, response := best{name: "json"}, best{name: "graphql-response+json"}
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			json.consider(item)
			response.consider(item)
		}
	}
	switch {
	case json.q <= 0 && response.q <= 0:
		return mediaJSON, false
	case response.q > json.q:
		return mediaResponse, true
	case response.q == json.q && response.exactness == exact:
		return mediaResponse, true
	}
	return mediaJSON, true
}

// best is the range of Accept that fits a subtype of application most exactly.
type best struct {
	name      string
	exactness int
	q         float64
}

const (
	anyType    = 1 // */*
	anySubtype = 2 // application/*
	exact      = 3
)

func (b *best) consider(item string) {
	name, parameters, _ := strings.Cut(item, ";")
	kind, subtype, _ := strings.Cut(strings.TrimSpace(name), "/")
	exactness := 0
	switch {
	case kind == "*" && subtype == "*":
		exactness = anyType
	case !strings.EqualFold(kind, "application"):
		return
	case subtype == "*":
		exactness = anySubtype
	case strings.EqualFold(subtype, b.name):
		exactness = exact
	}
	if exactness == 0 || exactness < b.exactness {
		return
	}
	q := 1.0
	for parameter := range strings.SplitSeq(parameters, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		switch {
		case strings.EqualFold(key, "q"):
			var err error
			if q, err = strconv.ParseFloat(value, 64); err != nil || !(q >= 0 && q <= 1) {
				q = 0 // nonsense asks for nothing
			}
		case strings.EqualFold(key, "charset") && !isUTF8(value):
			return // another encoding is another type
		}
	}
	if exactness > b.exactness || q > b.q {
		b.exactness, b.q = exactness, q
	}
}

func isUTF8(charset string) bool {
	charset = strings.Trim(charset, `"`)
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// checkContentType refuses what is not application/json in UTF-8. It is also the
// guard against forged requests of browsers (csrf.go): a page of another site can
// send forms, multipart and plain text unasked, but this type only after CORS
// allowed it.
func checkContentType(h http.Header) *refusal {
	if len(h["Content-Encoding"]) > 0 {
		return errEncoded
	}
	list := h["Content-Type"]
	if len(list) != 1 {
		return errMediaType
	}
	if list[0] == "application/json" {
		return nil
	}
	kind, parameters, err := mime.ParseMediaType(list[0])
	if err != nil || kind != "application/json" {
		return errMediaType
	}
	if charset, ok := parameters["charset"]; ok && !isUTF8(charset) {
		return errMediaType
	}
	return nil
}
