package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"unicode/utf8"
)

// params are the parameters of one request, as GraphQL over HTTP names them.
// Other keys are ignored, as it demands.
type params struct {
	query         string
	hasQuery      bool
	operationName string
	variables     json.RawMessage // an object, or nil; a copy
	documentID    string
	persisted     bool // extensions.persistedQuery is there
	hash          [sha256.Size]byte
	invalid       *refusal // of an element of a list: it is answered in its place
}

// parseBody reads the JSON of a POST: one request, or a list of at most maxBatch
// if that is not 0. The result does not refer to body.
func parseBody(body []byte, into []params, maxBatch int) (list []params, batch bool, err *refusal) {
	if !utf8.Valid(body) {
		return nil, false, errUTF8
	}
	s := &scanner{b: withoutMark(body)}
	switch s.next() {
	case 0:
		if len(s.b) == s.i {
			return nil, false, errEmpty
		}
		return nil, false, errJSON
	case '{':
		list = into
		list = append(list, params{})
		if err := list[0].object(s); err != nil {
			return nil, false, err
		}
	case '[':
		batch = true
		if list, err = parseBatch(s, into, maxBatch); err != nil {
			return nil, true, err
		}
	default:
		if !s.skip(maxDepth) {
			return nil, false, errJSON
		}
		err = errNoObject
	}
	if s.space(); s.i != len(s.b) {
		return nil, false, errJSON
	}
	return list, batch, err
}

// withoutMark is a body without the byte order mark that some editors and libraries
// put before UTF-8; RFC 8259 (8.1) lets a reader ignore it.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\ufeff")) }

func parseBatch(s *scanner, into []params, maxBatch int) (list []params, err *refusal) {
	if maxBatch <= 0 {
		return nil, errBatchOff
	}
	list = into
	ok := s.elements(maxDepth, func() bool {
		if s.next() != '{' { // the whole list is not well-formed then
			if err = errNoObject; !s.skip(maxDepth - 1) {
				err = errJSON
			}
			return false
		}
		if len(list) == maxBatch {
			err = errBatchLimit
			return false
		}
		start := s.i
		list = append(list, params{})
		p := &list[len(list)-1]
		p.invalid = p.object(s)
		if p.invalid == nil {
			return true
		}
		s.i = start // what is wrong may be met half-way
		return s.skip(maxDepth - 1)
	})
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errJSON
	case len(list) == 0:
		return nil, errBatchEmpty
	}
	return list, nil
}

// object reads the object at s.
func (p *params) object(s *scanner) *refusal {
	var err *refusal
	var seen [5]bool
	ok := s.members(maxDepth-1, func(key []byte, escaped bool) bool {
		n := paramOf(key, escaped)
		if n < 0 {
			return s.skip(maxDepth - 2)
		}
		if seen[n] {
			err = errTwice
			return false
		}
		seen[n] = true
		if s.next() == 'n' { // null is as good as nothing
			return s.literal("null")
		}
		err = p.set(n, s)
		return err == nil
	})
	switch {
	case err != nil:
		return err
	case !ok:
		return errJSON
	}
	return p.complete()
}

// The parameters. A key is compared after its escapes are undone, so that one
// parameter can't be hidden from whoever looks for its name.
const (
	paramQuery = iota
	paramName
	paramVariables
	paramExtensions
	paramDocument
)

func paramOf(key []byte, escaped bool) int {
	if escaped {
		text, ok := unquote(key, true)
		if !ok {
			return -1
		}
		key = []byte(text)
	}
	switch string(key) {
	case "query":
		return paramQuery
	case "operationName":
		return paramName
	case "variables":
		return paramVariables
	case "extensions":
		return paramExtensions
	case "documentId":
		return paramDocument
	}
	return -1
}

// wrongType is what to say of a parameter that has another type.
var wrongType = [...]*refusal{errQueryText, errName, errVariables, errExtensions, errDocumentID}

func (p *params) set(n int, s *scanner) *refusal {
	want := byte('"')
	if n == paramVariables || n == paramExtensions {
		want = '{'
	}
	if s.next() != want {
		if !s.skip(maxDepth - 2) {
			return errJSON
		}
		return wrongType[n]
	}
	switch n {
	case paramVariables:
		raw, ok := s.value(maxDepth - 2)
		if !ok {
			return errJSON
		}
		p.variables = bytes.Clone(raw)
		return nil
	case paramExtensions:
		return p.extensions(s)
	}
	raw, escaped, ok := s.text()
	if !ok {
		return errJSON
	}
	text, ok := unquote(raw, escaped)
	if !ok {
		return errUTF8
	}
	switch n {
	case paramQuery:
		p.query, p.hasQuery = text, true
	case paramName:
		p.operationName = text
	case paramDocument:
		p.documentID = text
	}
	return nil
}

// extensions looks for persistedQuery; what else is there is for others.
func (p *params) extensions(s *scanner) *refusal {
	var err *refusal
	ok := s.members(maxDepth-2, func(key []byte, _ bool) bool {
		if string(key) != "persistedQuery" {
			return s.skip(maxDepth - 3)
		}
		if p.persisted {
			err = errTwice
			return false
		}
		raw, ok := s.value(maxDepth - 3)
		if !ok {
			return false
		}
		if string(raw) == "null" {
			return true
		}
		p.persisted = true
		err = p.persistedQuery(raw)
		return err == nil
	})
	if err == nil && !ok {
		err = errJSON
	}
	return err
}

// persistedQuery reads {"version":1,"sha256Hash":"…"}, which is valid JSON.
func (p *params) persistedQuery(raw []byte) *refusal {
	s := &scanner{b: raw}
	var version, hash bool
	ok := s.members(maxDepth, func(key []byte, _ bool) bool {
		value, ok := s.value(maxDepth)
		switch {
		case !ok:
			return false
		case string(key) == "version" && !version:
			version = string(value) == "1"
			return version
		case string(key) == "sha256Hash" && !hash:
			hash = len(value) == 2*sha256.Size+2 && value[0] == '"'
			if hash {
				_, err := hex.Decode(p.hash[:], value[1:len(value)-1])
				hash = err == nil
			}
			return hash
		}
		return true
	})
	if !ok || !version || !hash {
		return errPersisted
	}
	return nil
}

// complete says what is missing.
func (p *params) complete() *refusal {
	switch {
	case p.documentID != "" && (p.hasQuery || p.persisted):
		return errBothQuery
	case p.documentID == "" && !p.hasQuery && !p.persisted:
		return errNoQuery
	}
	return nil
}

// parseURL reads the query component of a GET. An empty value is as good as
// none.
func (p *params) parseURL(raw string) *refusal {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return errQueryURL
	}
	for key, list := range values {
		n := paramOf([]byte(key), false)
		switch {
		case n < 0:
			continue
		case len(list) > 1:
			return errTwice
		case !utf8.ValidString(list[0]):
			return errUTF8
		case list[0] == "":
			continue
		}
		if err := p.setURL(n, list[0]); err != nil {
			return err
		}
	}
	return p.complete()
}

func (p *params) setURL(n int, text string) *refusal {
	switch n {
	case paramQuery:
		p.query, p.hasQuery = text, true
	case paramName:
		p.operationName = text
	case paramDocument:
		p.documentID = text
	default: // JSON in a string
		s := &scanner{b: []byte(text)}
		if s.next() == 'n' && s.literal("null") {
			if s.space(); s.i == len(text) {
				return nil
			}
		}
		s.i = 0
		if err := p.set(n, s); err != nil {
			if err == errJSON {
				err = wrongType[n]
			}
			return err
		}
		if s.space(); s.i != len(text) {
			return wrongType[n]
		}
	}
	return nil
}
