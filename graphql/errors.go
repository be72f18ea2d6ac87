package graphql

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Values of extensions.code that a request gets before anything is sent to the
// database. What the database says has the codes of backend.Code.
const (
	codeParse      = "PARSE_ERROR"             // not a document
	codeValidation = "VALIDATION_ERROR"        // not a document of this schema
	codeCost       = "OPERATION_COST_EXCEEDED" // Limits.Cost
)

// The same codes as everywhere in the product.
var (
	codeBadInput = backend.CodeBadUserInput.String() // variables
	codeLimit    = backend.CodeLimit.String()        // any other member of Limits
	codeInternal = backend.CodeInternal.String()
)

// Location is a place in a document. Line and Column count from 1, Column in
// characters.
type Location struct{ Line, Column int }

// Error is one element of "errors" in an answer (spec, 7.1.2). Its text is for
// the client: it holds names of the schema and of the document, no value of a
// request and nothing of the database.
type Error struct {
	Message   string
	Locations []Location
	// Path is where in the answer the error happened: string for a key, int for
	// an index. It is empty for an error of the whole request.
	Path []any
	// Code is extensions.code, such as "BAD_USER_INPUT".
	Code string
	// Extensions are the other members of extensions, in this order.
	Extensions []Extension
}

// Extension is a member of extensions. Value is a string, int, int64, bool or
// []string; anything else is written as null.
type Extension struct {
	Key   string
	Value any
}

// Error is the message and the first location.
func (e *Error) Error() string {
	if len(e.Locations) == 0 {
		return e.Message
	}
	return strconv.Itoa(e.Locations[0].Line) + ":" + strconv.Itoa(e.Locations[0].Column) + ": " + e.Message
}

// AppendJSON appends e as an element of "errors".
func (e *Error) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"message":`...)
	dst = appendQuoted(dst, e.Message)
	if len(e.Locations) > 0 {
		dst = append(dst, `,"locations":[`...)
		for i, l := range e.Locations {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"line":`...)
			dst = strconv.AppendInt(dst, int64(l.Line), 10)
			dst = append(dst, `,"column":`...)
			dst = strconv.AppendInt(dst, int64(l.Column), 10)
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	if len(e.Path) > 0 {
		dst = append(dst, `,"path":[`...)
		for i, step := range e.Path {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendAny(dst, step)
		}
		dst = append(dst, ']')
	}
	if e.Code == "" && len(e.Extensions) == 0 {
		return append(dst, '}')
	}
	dst = append(dst, `,"extensions":{`...)
	if e.Code != "" {
		dst = append(dst, `"code":`...)
		dst = appendQuoted(dst, e.Code)
	}
	for i, x := range e.Extensions {
		if i > 0 || e.Code != "" {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, x.Key)
		dst = append(dst, ':')
		dst = appendAny(dst, x.Value)
	}
	return append(dst, "}}"...)
}

// Errors are the errors of one request. An empty list is no error: functions
// that return it return nil then.
type Errors []*Error

// Error is the text of the first and the number of the others.
func (e Errors) Error() string {
	switch len(e) {
	case 0:
		return "no error"
	case 1:
		return e[0].Error()
	}
	return e[0].Error() + " (and " + strconv.Itoa(len(e)-1) + " more)"
}

// Unwrap are the elements, for errors.As.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, one := range e {
		list[i] = one
	}
	return list
}

// AppendErrors appends the elements of the list "errors" with commas between
// them.
func (e Errors) AppendErrors(dst []byte) []byte {
	for i, one := range e {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one.AppendJSON(dst)
	}
	return dst
}

// collector gathers errors up to a number and counts the rest: a document that
// is wrong a thousand times over is answered in a few lines (CVE-2023-49559).
type collector struct {
	list Errors
	max  int // 0 and below: no bound
	more int
}

func (c *collector) add(e *Error) {
	if c.max > 0 && len(c.list) >= c.max {
		c.more++
		return
	}
	c.list = append(c.list, e)
}

// errors are what was gathered: the last place tells how many had none.
func (c *collector) errors() Errors {
	if c.more > 0 && c.max > 1 {
		last := c.list[len(c.list)-1]
		c.list[len(c.list)-1] = &Error{Message: "and " + strconv.Itoa(c.more+1) + " more errors", Code: last.Code}
		c.more = 0
	}
	return c.list
}

// fromParser is an error of the parser, or of another kind, as one of ours.
func fromParser(err error) *Error {
	if known, ok := errors.AsType[*gqlerror.Error](err); ok {
		return &Error{Message: shorten(known.Message), Locations: locations(known.Locations), Code: codeParse}
	}
	return &Error{Message: "the document cannot be parsed", Code: codeParse}
}

func locations(list []gqlerror.Location) []Location {
	if len(list) == 0 {
		return nil
	}
	out := make([]Location, len(list))
	for i, l := range list {
		out[i] = Location(l)
	}
	return out
}

// at is the place of a node of the document.
func at(p *ast.Position) []Location {
	if p == nil {
		return nil
	}
	return []Location{{Line: p.Line, Column: p.Column}}
}

// longest is how much of a message is told, in bytes. Names of a document may be
// as long as the document.
const longest = 400

// shorten cuts a message at longest, between two characters.
func shorten(message string) string {
	if len(message) <= longest {
		return message
	}
	end := longest
	for end > 0 && !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + "…"
}

func appendAny(dst []byte, value any) []byte {
	switch value := value.(type) {
	case string:
		return appendQuoted(dst, value)
	case int:
		return strconv.AppendInt(dst, int64(value), 10)
	case int64:
		return strconv.AppendInt(dst, value, 10)
	case bool:
		return strconv.AppendBool(dst, value)
	case []string:
		dst = append(dst, '[')
		for i, s := range value {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, s)
		}
		return append(dst, ']')
	default:
		return append(dst, "null"...)
	}
}

// appendQuoted appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	return codec.AppendString(dst, s)
}
