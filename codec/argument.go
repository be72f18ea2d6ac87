package codec

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// argument checks one JSON value, trimmed and not null, and appends its
// canonical text for the server.
type argument func(t *Type, dst, raw []byte, depth int) ([]byte, error)

// ArgumentError says why a JSON value is no argument of a type. It is safe to
// show to the caller who gave the value: of a large value it quotes the
// beginning only.
type ArgumentError struct {
	Type    string // the type's SQL name
	Reason  string // what was given, where in it, and what is wrong with it
	Allowed string // what the type takes
}

// Error is the reason, then what is allowed.
func (e *ArgumentError) Error() string {
	return "argument for " + e.Type + ": " + e.Reason + "; allowed: " + e.Allowed
}

// Argument turns one JSON value into what a driver is given: nil for null,
// []byte for bytea, else a string in the server's own syntax, checked and
// canonical, to be bound as $n::type with SQLName. So both drivers and every
// mode store the same value, and what the server would change without a word
// (a fraction cut, a name shortened, microseconds rounded) is refused instead.
//
// What the types take: numbers as JSON numbers (int8, numeric and the unsigned
// types also as strings of digits; float and numeric also "NaN", "Infinity",
// "-Infinity"); true and false; dates and times in ISO 8601, also with a space
// for the T, with " BC" behind, or "infinity" (a timestamptz or timetz without
// an offset is UTC, a timestamp with one is refused); bytea as "\x…" hex; json
// and jsonb any value, as written; arrays as lists (of lists, for more
// dimensions); composites as objects, where a missing member is NULL; hstore
// as an object; ranges as {"lower":1,"upper":5,"bounds":"[)"} or the server's
// text; multiranges as a list of ranges or the server's text; all others as
// strings. A NUL, invalid UTF-8 and half a surrogate pair are refused
// everywhere (NUL but in json, which may hold \u0000).
//
// The cost is linear in the size of raw. Every error is an *ArgumentError.
func (t *Type) Argument(raw []byte) (any, error) {
	raw = bytes.Trim(raw, " \t\r\n") // the spaces of JSON, not those of Unicode
	if err := checkJSON(raw); err != nil {
		return nil, t.argumentError(err)
	}
	if string(raw) == "null" {
		return nil, nil
	}
	text, err := t.arg(t, nil, raw, 0)
	if err != nil {
		return nil, t.argumentError(err)
	}
	if t.kind == KindBytes {
		return decodeHex(text), nil
	}
	return string(text), nil
}

// argumentError gives an error of an argument function the outermost type.
func (t *Type) argumentError(err error) error {
	if e, ok := errors.AsType[*ArgumentError](err); ok {
		e.Type = t.String()
		return e
	}
	return &ArgumentError{Type: t.String(), Reason: err.Error(), Allowed: t.want}
}

// refuse is the error for raw, never nil. why may be "": then raw is of the
// wrong kind.
func (t *Type) refuse(raw []byte, why string) *ArgumentError {
	reason := describe(raw)
	if why != "" {
		reason += " " + why
	} else {
		reason += " is not of this type"
	}
	return &ArgumentError{Type: t.String(), Reason: reason, Allowed: t.want}
}

// inside puts the place of a nested value before the reason of its error.
func inside(place string, err error) error {
	if e, ok := errors.AsType[*ArgumentError](err); ok {
		e.Reason = place + ": " + e.Reason
	}
	return err
}

// maxEcho is how many bytes of a refused value an error repeats.
const maxEcho = 60

// describe names the kind of a JSON value and its beginning.
func describe(raw []byte) string {
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "the string " + echo(raw)
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f', 'n':
		return echo(raw)
	}
	return "the number " + echo(raw)
}

// echo is the beginning of raw, cut between characters; a string has its quotes.
func echo(raw []byte) string {
	if len(raw) <= maxEcho {
		return string(raw)
	}
	rest := "…"
	if raw[0] == '"' {
		rest = `…"`
	}
	end := maxEcho - len(rest)
	for end > 0 && !utf8.RuneStart(raw[end]) {
		end--
	}
	return string(raw[:end]) + rest
}

// text is the content of a JSON string; another value, or a string with a NUL,
// is refused.
func (t *Type) text(raw []byte) ([]byte, error) {
	if raw[0] != '"' {
		return nil, t.refuse(raw, "")
	}
	s, err := unquote(raw)
	if err != nil {
		return nil, t.refuse(raw, err.Error())
	}
	return s, nil
}
