package server

import (
	"net/http"
	"testing"
)

func TestNegotiate(t *testing.T) {
	t.Parallel()
	const none = media(255)
	for _, tc := range []struct {
		name   string
		accept []string
		want   media
	}{
		{"nothing said", nil, mediaJSON},
		{"empty", []string{""}, mediaJSON},
		{"anything", []string{"*/*"}, mediaJSON},
		{"any application", []string{"application/*"}, mediaJSON},
		{"the new type", []string{"application/graphql-response+json"}, mediaResponse},
		{"in other letters", []string{"Application/GraphQL-Response+JSON"}, mediaResponse},
		{"the old type", []string{"application/json"}, mediaJSON},
		{"what the draft recommends to clients", []string{"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"}, mediaResponse},
		{"with a preference for the old type", []string{"application/graphql-response+json;q=0.8, application/json"}, mediaJSON},
		{"with a preference for the new type", []string{"application/json;q=0.9,application/graphql-response+json"}, mediaResponse},
		{"on two lines", []string{"application/json;q=0.9", "application/graphql-response+json"}, mediaResponse},
		{"equal, old type first", []string{"application/json, application/graphql-response+json"}, mediaResponse},
		{"new type and the rest", []string{"application/graphql-response+json, */*"}, mediaResponse},
		{"old type and the rest", []string{"application/json, */*"}, mediaJSON},
		{"old type and less of the rest", []string{"application/json, */*;q=0.1"}, mediaJSON},
		{"a browser", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, mediaJSON},
		{"anything but the old type", []string{"*/*, application/json;q=0"}, mediaResponse},
		{"anything but ours", []string{"*/*, application/json;q=0, application/graphql-response+json;q=0"}, none},
		{"another type", []string{"text/html"}, none},
		{"another subtype", []string{"application/xml, image/*"}, none},
		{"another encoding", []string{"application/json; charset=latin1"}, none},
		{"our encoding in quotes", []string{`application/json; charset="UTF-8"`}, mediaJSON},
		{"refused by q", []string{"application/json;q=0"}, none},
		{"refused by q in full", []string{"application/json; q=0.000"}, none},
		{"a q that is no number", []string{"application/json;q=much"}, none},
		{"a q beyond the range", []string{"application/json;q=2"}, none},
		{"a q that is not a number", []string{"application/json;q=NaN"}, none},
		{"noise", []string{",;=,/,application/,"}, none},
	} {
		got, ok := negotiate(tc.accept)
		if !ok {
			got = none
		}
		if got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		header http.Header
		want   *refusal
	}{
		{"as usual", http.Header{"Content-Type": {"application/json"}}, nil},
		{"with its encoding", http.Header{"Content-Type": {"application/json; charset=utf-8"}}, nil},
		{"in other letters", http.Header{"Content-Type": {`Application/JSON; Charset="UTF-8"`}}, nil},
		{"with something else", http.Header{"Content-Type": {"application/json; version=1"}}, nil},
		{"none", http.Header{}, errMediaType},
		{"two: a proxy may read the other", http.Header{"Content-Type": {"application/json", "text/plain"}}, errMediaType},
		{"a form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, errMediaType},
		{"multipart", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, errMediaType},
		{"plain text", http.Header{"Content-Type": {"text/plain"}}, errMediaType},
		{"plain text that names the type", http.Header{"Content-Type": {"text/plain; a=application/json"}}, errMediaType},
		{"a list", http.Header{"Content-Type": {"application/json, text/plain"}}, errMediaType},
		{"the type of answers", http.Header{"Content-Type": {"application/graphql-response+json"}}, errMediaType},
		{"another encoding", http.Header{"Content-Type": {"application/json; charset=utf-16"}}, errMediaType},
		{"compressed", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, errEncoded},
	} {
		if got := checkContentType(tc.header); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}
