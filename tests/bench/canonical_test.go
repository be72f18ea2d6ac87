package main

import (
	"strings"
	"testing"
)

// TestCanonical: what servers say in their ways is one text, and what differs is not.
func TestCanonical(t *testing.T) {
	const row = `{"createdAt":"2024-01-01T14:43:12Z","email":"a@b.c","id":"5","name":"Ada"}`
	only := []string{"id", "name", "email", "createdAt"}
	for _, c := range []struct {
		name, body, rows, want string
		only                   []string
	}{
		{"ours", `{"data":{"user":{"id":5,"name":"Ada","email":"a@b.c","createdAt":"2024-01-01T14:43:12+00:00"}}}`, "data.user", row, nil},
		{"PostGraphile", `{"data":{"user":{"id":"5","name":"Ada","email":"a@b.c","createdAt":"2024-01-01T14:43:12.000000+00:00"}}}`, "data.user", row, nil},
		{"pREST", `[{"created_at":"2024-01-01T15:43:12+01:00","email":"a@b.c","id":5,"name":"Ada"}]`, "0", row, nil},
		{"pREST, all columns", `{"created_at":"2024-01-01T14:43:12Z","email":"a@b.c","id":5,"name":"Ada","tags":[]}`, "", row, only},
		{"list", `{"data":{"users":[{"id":1,"posts":[{"id":2}]}]}}`, "data.users", `[{"id":"1","posts":[{"id":"2"}]}]`, nil},
		{"connections", `{"data":{"users":{"nodes":[{"id":"1","posts":{"nodes":[{"id":"2"}]}}]}}}`, "data.users.nodes", `[{"id":"1","posts":[{"id":"2"}]}]`, nil},
		{"a text that is no time", `{"data":{"a":{"name":"2024-01-01"}}}`, "data.a", `{"name":"2024-01-01"}`, nil},
		{"null", `{"data":{"a":{"name":null}}}`, "data.a", `{"name":null}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := canonicalOf(&request{rows: c.rows, only: c.only}, []byte(c.body))
			if err != nil || got.text != c.want {
				t.Errorf("got  %s, %v\nwant %s", got.text, err, c.want)
			}
		})
	}
}

func TestCanonicalOfNoAnswer(t *testing.T) {
	for _, c := range []struct{ body, rows, want string }{
		{`<html>`, "", "no JSON"},
		{`{"errors":[{"message":"no such field"}],"data":{"a":{"id":1}}}`, "data.a", "no such field"},
		{`{"data":{"a":null}}`, "data.a", "there is no data.a"},
		{`{"data":{}}`, "data.a", "there is no data.a"},
		{`[]`, "0", "there is no 0"},
		{`[]`, "", "no rows"},
		{`{"error":"x"}`, "0", "there is no 0"},
	} {
		if _, err := canonicalOf(&request{rows: c.rows}, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.body, err, c.want)
		}
	}
}

func TestUnordered(t *testing.T) {
	a, err := canonicalOf(&request{}, []byte(`[{"id":1},{"id":2}]`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := canonicalOf(&request{}, []byte(`[{"id":2},{"id":1}]`))
	if err != nil {
		t.Fatal(err)
	}
	if a.text == b.text || a.unordered() != b.unordered() {
		t.Errorf("%s\n%s", a.unordered(), b.unordered())
	}
}
