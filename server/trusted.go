package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// TrustedDocuments are the documents that an endpoint answers when it answers no
// others (Options.Trusted). They are found by id and by the SHA-256 of their text;
// a text that is sent has to be one of them. They never change.
type TrustedDocuments struct {
	byID   map[string]string
	byHash map[[sha256.Size]byte]string
}

// LoadTrustedDocuments reads a JSON file of documents by id, as graphql-codegen,
// Relay and others write it:
//
//	{"sha256:71f7…": "query($id:ID!){user(id:$id){name}}", "users": "{users{name}}"}
//
// An id may be anything but empty; one that begins with sha256: has to be the
// SHA-256 of its document. A file without documents is an error, as are an id that
// comes twice and a document that is no text.
func LoadTrustedDocuments(path string) (*TrustedDocuments, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read trusted documents: %w", err)
	}
	t, err := ParseTrustedDocuments(text)
	if err != nil {
		return nil, fmt.Errorf("read trusted documents from %s: %w", path, err)
	}
	return t, nil
}

// ParseTrustedDocuments is LoadTrustedDocuments for the text of a file.
func ParseTrustedDocuments(text []byte) (*TrustedDocuments, error) {
	if !utf8.Valid(text) { // the decoder would put another character there
		return nil, errors.New("the text is not UTF-8")
	}
	t := &TrustedDocuments{map[string]string{}, map[[sha256.Size]byte]string{}}
	d := json.NewDecoder(bytes.NewReader(text))
	line := func(err error) error {
		return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:d.InputOffset()], []byte("\n")), err)
	}
	switch token, err := d.Token(); {
	case err != nil:
		return nil, line(fmt.Errorf("not a JSON object of documents by id: %w", err))
	case token != json.Delim('{'):
		return nil, errors.New("not a JSON object of documents by id")
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, line(err)
		}
		id, _ := token.(string) // the decoder lets nothing else be a key
		var document any
		if err := d.Decode(&document); err != nil {
			return nil, line(err)
		}
		text, ok := document.(string)
		if !ok {
			return nil, line(fmt.Errorf("document %q is not a string", id))
		}
		if err := t.add(id, text); err != nil {
			return nil, line(err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, line(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the object of documents")
	}
	if len(t.byID) == 0 {
		return nil, errors.New("there are no documents")
	}
	return t, nil
}

func (t *TrustedDocuments) add(id, document string) error {
	hash := sha256.Sum256([]byte(document))
	switch {
	case id == "":
		return errors.New("a document has an empty id")
	case t.byID[id] != "":
		return fmt.Errorf("document %q comes twice", id)
	case strings.TrimSpace(document) == "":
		return fmt.Errorf("document %q is empty", id)
	}
	if strings.HasPrefix(id, "sha256:") {
		if claimed, ok := hashOf(id); !ok || claimed != hash {
			return fmt.Errorf("document %q has the SHA-256 %x", id, hash)
		}
	}
	t.byID[id] = document
	t.byHash[hash] = document
	return nil
}

// Len is the number of documents.
func (t *TrustedDocuments) Len() int { return len(t.byID) }

// All are the documents by id, in the order of the ids. Of nil there are none.
func (t *TrustedDocuments) All() iter.Seq2[string, string] {
	return func(yield func(id, document string) bool) {
		if t == nil {
			return
		}
		for _, id := range slices.Sorted(maps.Keys(t.byID)) {
			if !yield(id, t.byID[id]) {
				return
			}
		}
	}
}

// document finds what p asks for.
func (t *TrustedDocuments) document(p *params) (string, *refusal) {
	switch {
	case p.documentID != "":
		if document, ok := t.byID[p.documentID]; ok {
			return document, nil
		}
		if hash, ok := hashOf(p.documentID); ok {
			if document, ok := t.byHash[hash]; ok {
				return document, nil
			}
		}
		return "", errNoDocument
	case p.hasQuery:
		hash := sha256.Sum256([]byte(p.query))
		if p.persisted && p.hash != hash {
			return "", errMismatch
		}
		if document, ok := t.byHash[hash]; ok {
			return document, nil
		}
		return "", errUntrusted
	}
	if document, ok := t.byHash[p.hash]; ok {
		return document, nil
	}
	// The key of a file may be a hash that the tool took of another form of the text.
	if document, ok := t.byID[hex.EncodeToString(p.hash[:])]; ok {
		return document, nil
	}
	return "", errNoDocument
}
