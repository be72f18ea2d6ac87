// Package httpaudit judges a server by the 61 audits of npm graphql-http 1.23.1
// (auditServer), under their ids. Each is written anew from what it demands, so
// that it runs where there is no Node.js and stays as strict when the package
// changes. tests/clients/audit runs the originals.
package httpaudit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Audit is one demand.
type Audit struct {
	ID    string
	Level string // MUST, SHOULD, MAY
	Name  string // what it demands

	request requester
	checks  []check
}

// Run says how the server at the URL base does not do as a demands; nil: it does.
func (a *Audit) Run(ctx context.Context, c *http.Client, base string) error {
	r, err := a.request(ctx, base)
	if err != nil {
		return err
	}
	res, err := c.Do(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	for _, check := range a.checks {
		if err := check(res, body); err != nil {
			return fmt.Errorf("%w\n%s %s\n%.500s", err, res.Status, res.Header.Get("Content-Type"), body)
		}
	}
	return nil
}

type requester func(ctx context.Context, base string) (*http.Request, error)

type check func(res *http.Response, body []byte) error

func status(low, high int) check {
	return func(res *http.Response, _ []byte) error {
		if res.StatusCode < low || res.StatusCode > high {
			return fmt.Errorf("the status is not between %d and %d", low, high)
		}
		return nil
	}
}

func not3xx(res *http.Response, _ []byte) error {
	if res.StatusCode >= 300 && res.StatusCode <= 399 {
		return errors.New("the status is 3xx")
	}
	return nil
}

func is(code int) check { return status(code, code) }

func contentType(part string) check {
	return func(res *http.Response, _ []byte) error {
		if !strings.Contains(res.Header.Get("Content-Type"), part) {
			return fmt.Errorf("the Content-Type does not contain %s", part)
		}
		return nil
	}
}

// without demands a JSON object in UTF-8 that lacks key.
func without(key string) check {
	return func(_ *http.Response, body []byte) error {
		var object map[string]json.RawMessage
		if !utf8.Valid(body) {
			return errors.New("the body is not UTF-8")
		}
		if err := json.Unmarshal(body, &object); err != nil {
			return fmt.Errorf("the body is not a JSON object: %w", err)
		}
		if _, ok := object[key]; ok {
			return fmt.Errorf("the body has %q", key)
		}
		return nil
	}
}

func inUTF8(_ *http.Response, body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	return nil
}

const (
	jsonType     = "application/json"
	responseType = "application/graphql-response+json"
	typename     = "{ __typename }"
)

// post sends body, with accept and contentType unless they are "".
func post(contentType, accept, body string) requester {
	return func(ctx context.Context, base string) (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		return r, nil
	}
}

func get(accept string, parameters ...string) requester {
	return func(ctx context.Context, base string) (*http.Request, error) {
		u, err := url.Parse(base)
		if err != nil {
			return nil, err
		}
		q := u.Query()
		for pair := range slices.Chunk(parameters, 2) {
			q.Set(pair[0], pair[1])
		}
		u.RawQuery = q.Encode()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Accept", accept)
		return r, nil
	}
}

// object is a JSON object of keys and values in turn.
func object(pairs ...any) string {
	var b bytes.Buffer
	for pair := range slices.Chunk(pairs, 2) {
		value, err := json.Marshal(pair[1])
		if err != nil {
			panic(err) // a table below is wrong
		}
		fmt.Fprintf(&b, "%c%q:%s", "{,"[min(b.Len(), 1)], pair[0], value)
	}
	return b.String() + "}"
}
