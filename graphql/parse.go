package graphql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"
)

// parseDocument reads a document (spec, section 2). Bytes are bounded before and
// tokens while it is read, and the parser bounds how deep it recurses, so that
// no text costs more than its length. Whatever the text, it does not panic.
func parseDocument(query string, l *Limits) (doc *ast.QueryDocument, errs Errors) {
	if l.Bytes > 0 && len(query) > l.Bytes {
		return nil, limitError("the document is longer than " + strconv.Itoa(l.Bytes) + " bytes")
	}
	if !utf8.ValidString(query) {
		return nil, Errors{{Message: "the document is not UTF-8", Code: codeParse}}
	}
	defer func() {
		if r := recover(); r != nil {
			// A mistake in the parser must cost one request, not the process.
			doc, errs = nil, Errors{{Message: "the document cannot be parsed", Code: codeParse}}
		}
	}()
	text, bad := tidy(query, l.Tokens)
	if bad != nil {
		return nil, Errors{bad}
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, 0)
	if err != nil {
		return nil, Errors{fromParser(lexical(text, err))}
	}
	if len(doc.Operations) == 0 {
		return nil, Errors{{Message: "the document has no operation", Code: codeParse}}
	}
	for _, f := range doc.Fragments {
		if len(f.VariableDefinition) > 0 {
			return nil, Errors{{Message: "a fragment has no variables of its own", Locations: at(f.VariableDefinition[0].Position), Code: codeParse}}
		}
	}
	return doc, nil
}

// lexical is the error of the lexer in place of err, which is the parser's and
// says no more than "<Invalid>" where there is one.
func lexical(text string, err error) error {
	if !strings.Contains(err.Error(), "<Invalid>") {
		return err
	}
	lex := lexer.New(&ast.Source{Input: text})
	for {
		token, lexErr := lex.ReadToken()
		switch {
		case lexErr != nil:
			return lexErr
		case token.Kind == lexer.EOF:
			return err
		}
	}
}

func limitError(message string) Errors {
	return Errors{{Message: message, Code: codeLimit}}
}

// tidy goes over the tokens of a text once before the parser does. It counts
// them, comments too, and holds them to what the parser lets pass: a number that
// runs into a name (spec, 2.9.1), half of a surrogate pair, which would be
// stored as U+FFFD (2.9.4). And it rewrites block strings whose first line is
// indented less than the others, which the parser strips wrongly, as the
// ordinary strings that they stand for. Places of the tokens behind stay as they
// are.
func tidy(query string, tokens int) (string, *Error) {
	var out strings.Builder // of what stands before from, where something was rewritten
	from, count := 0, 0
	for i := 0; i < len(query); {
		start := i
		switch c := query[i]; {
		case c == ' ' || c == ',' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case strings.HasPrefix(query[i:], "\ufeff"):
			i += len("\ufeff")
			continue
		case c == '#':
			for i < len(query) && (query[i] >= ' ' || query[i] == '\t') {
				i++
			}
		case strings.HasPrefix(query[i:], `"""`):
			end, raw := blockString(query[i:])
			if end == 0 {
				i = len(query) // not closed: the parser says so
				break
			}
			i += end
			if strings.Contains(raw, "\n") && strings.TrimLeft(raw[:strings.IndexByte(raw, '\n')], " \t") != "" {
				out.WriteString(query[from:start])
				writeString(&out, blockValue(raw), query[start:i])
				from = i
			}
		case c == '"':
			end, ok := ordinaryString(query[i:])
			if !ok {
				return "", syntaxError(query, start, "half of a surrogate pair is no character")
			}
			i += end
		case isDigit(c) || c == '-':
			i++
			for i < len(query) && (isDigit(query[i]) || strings.IndexByte(".eE+-", query[i]) >= 0) {
				i++
			}
			if i < len(query) && isNameByte(query[i]) {
				return "", syntaxError(query, i, "a number runs into a name")
			}
		case isNameByte(c):
			for i < len(query) && isNameByte(query[i]) {
				i++
			}
		case c == '.':
			i += min(3, len(query)-i)
		case strings.IndexByte("!$&():=@[]{|}", c) >= 0:
			i++
		default:
			r, _ := utf8.DecodeRuneInString(query[i:])
			return "", syntaxError(query, i, fmt.Sprintf("the character %U is out of place", r))
		}
		count++
		if tokens > 0 && count > tokens {
			return "", &Error{Message: "the document has more than " + strconv.Itoa(tokens) + " tokens", Code: codeLimit}
		}
	}
	if from == 0 {
		return query, nil
	}
	out.WriteString(query[from:])
	return out.String(), nil
}

// syntaxError is an error at the byte i of the document.
func syntaxError(query string, i int, message string) *Error {
	before := strings.ReplaceAll(query[:i], "\r\n", "\n")
	before = strings.ReplaceAll(before, "\r", "\n")
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return &Error{Message: message, Locations: []Location{{line, column}}, Code: codeParse}
}

// ordinaryString is the length of the string at the beginning of s, up to the end
// of the line if it is not closed. It is not ok where half of a surrogate pair is
// written.
func ordinaryString(s string) (length int, ok bool) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1, true
		case '\n', '\r':
			return i, true
		case '\\':
			high := surrogate(s[i:])
			switch {
			case high == 0:
				i++
			case high < 0xDC00 && surrogate(s[i+6:]) >= 0xDC00:
				i += 11
			default:
				return 0, false
			}
		}
	}
	return len(s), true
}

// surrogate is the \uD800 to \uDFFF at the beginning of s, or 0.
func surrogate(s string) uint64 {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(s[2:6], 16, 32)
	if err != nil || n < 0xD800 || n > 0xDFFF {
		return 0
	}
	return n
}

// blockString is the length of the block string at the beginning of s, 0 where it
// is not closed, and what stands in it, with \n at the ends of lines.
func blockString(s string) (length int, raw string) {
	i := 3
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], `\"""`):
			i += 4
		case strings.HasPrefix(s[i:], `"""`):
			for strings.HasPrefix(s[i+1:], `"""`) {
				i++ // the last three of a row of quotes end it
			}
			raw = strings.ReplaceAll(s[3:i], `\"""`, `"""`)
			raw = strings.ReplaceAll(raw, "\r\n", "\n")
			return i + 3, strings.ReplaceAll(raw, "\r", "\n")
		default:
			i++
		}
	}
	return 0, ""
}

// blockValue is BlockStringValue of the spec (2.9.4): the first line has no part
// in the common indentation.
func blockValue(raw string) string {
	lines := strings.Split(raw, "\n")
	common := -1
	for _, line := range lines[1:] {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		if indent < len(line) && (common < 0 || indent < common) {
			common = indent
		}
	}
	for i := 1; i < len(lines) && common > 0; i++ {
		lines[i] = lines[i][min(common, len(lines[i])):]
	}
	blank := func(line string) bool { return strings.TrimLeft(line, " \t") == "" }
	for len(lines) > 0 && blank(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && blank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// writeString writes value as an ordinary string that takes up the lines, and on
// the last of them the columns, of the token in whose place it stands.
func writeString(out *strings.Builder, value, token string) {
	out.Write(appendQuoted(nil, value))
	token = strings.ReplaceAll(token, "\r\n", "\n")
	token = strings.ReplaceAll(token, "\r", "\n")
	for range strings.Count(token, "\n") {
		out.WriteByte('\n')
	}
	for range utf8.RuneCountInString(token[strings.LastIndexByte(token, '\n')+1:]) {
		out.WriteByte(' ')
	}
}

// operationOf is the operation to execute (spec, 6.1).
func operationOf(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, Errors) {
	if name == "" {
		if len(doc.Operations) == 1 {
			return doc.Operations[0], nil
		}
		return nil, Errors{{Message: "the document has several operations: operationName must say which", Code: codeValidation}}
	}
	if op := doc.Operations.ForName(name); op != nil {
		return op, nil
	}
	return nil, Errors{{Message: "the document has no operation named " + quoteShort(name), Code: codeValidation}}
}
