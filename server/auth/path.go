package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// maxPath bounds how deep a path leads.
const maxPath = 8

// ParsePath takes the path of a claim apart. Names are joined by dots; a name in
// double quotes may have dots in it, and in it \" and \\ stand for " and \. A name
// that is a URL, as claims of one's own often are, goes to the first dot after its
// last slash: https://example.com/claims.tenant is the member tenant of the claim
// https://example.com/claims.
func ParsePath(text string) ([]string, error) {
	var path []string
	for rest := text; ; {
		var name string
		var err error
		if strings.HasPrefix(rest, `"`) {
			name, rest, err = quotedName(rest)
		} else {
			name, rest = plainSegment(rest)
		}
		switch {
		case err != nil:
			return nil, err
		case name == "":
			return nil, errors.New("path of a claim: a name is empty")
		case len(path) == maxPath:
			return nil, errors.New("path of a claim: too many names")
		}
		path = append(path, name)
		if rest == "" {
			return path, nil
		}
		if rest[0] != '.' {
			return nil, errors.New("path of a claim: want a dot after a name in quotes")
		}
		rest = rest[1:]
	}
}

// plainSegment is the name up to the next dot.
func plainSegment(s string) (name, rest string) {
	from := 0
	if scheme := strings.Index(s, "://"); scheme > 0 && !strings.ContainsAny(s[:scheme], `."`) {
		slash := strings.LastIndexByte(s, '/')
		if slash <= scheme+2 { // a host alone
			return s, ""
		}
		from = slash
	}
	if dot := strings.IndexByte(s[from:], '.'); dot >= 0 {
		return s[:from+dot], s[from+dot:]
	}
	return s, ""
}

func quotedName(s string) (name, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", "", errors.New(`path of a claim: want \" or \\ in quotes`)
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", errors.New("path of a claim: a quote is not closed")
}

// object is a JSON object whose members are as they were written.
type object map[string]json.RawMessage

// find is the claim at path; nil where there is none, or null.
func (o object) find(path []string) json.RawMessage {
	value := o[path[0]]
	for _, name := range path[1:] {
		var inner object
		if len(value) == 0 || value[0] != '{' || json.Unmarshal(value, &inner) != nil {
			return nil
		}
		value = inner[name]
	}
	if string(value) == "null" {
		return nil
	}
	return value
}

// claimText is a claim as the text of a setting: a string as it is, a number with
// the digits that it was written with, true and false, and a list or an object as
// JSON without white space. false: a setting can't have it.
func claimText(raw json.RawMessage) (string, bool) {
	switch {
	case len(raw) == 0:
		return "", true
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", false
		}
		return s, settable(s)
	case raw[0] == '{' || raw[0] == '[':
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return "", false
		}
		return b.String(), settable(b.String())
	}
	return string(raw), true
}

// settable: PostgreSQL has no text with a NUL, and of invalid UTF-8 json makes
// U+FFFD, so that two claims could meet in one text.
func settable(s string) bool { return utf8.ValidString(s) && !strings.ContainsAny(s, "\x00\uFFFD") }
