package builder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits bounds what a request may ask the parser to hold. A zero member
// stands for its default.
type Limits struct {
	MaxBytes int // length of the JSON in bytes; default 16 MiB
	MaxDepth int // nesting of objects and lists; default 64
	MaxNodes int // values of any kind, nested ones included; default 2,000,000
}

// The defaults of Limits. A node costs 16 bytes while a request is parsed.
const (
	defaultMaxBytes = 16 << 20
	defaultMaxDepth = 64
	defaultMaxNodes = 2_000_000
)

func (l Limits) withDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = defaultMaxBytes
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = defaultMaxDepth
	}
	if l.MaxNodes <= 0 {
		l.MaxNodes = defaultMaxNodes
	}
	return l
}

// kinds of a jsonNode.
const (
	jsonNull byte = iota
	jsonBool
	jsonNumber
	jsonString
	jsonObject
	jsonList
)

// jsonNode is one value (or object key) of a document. Nodes lie in the order
// of the text: the first child of node i, if it has one, is node i+1, and what
// follows its last child is node after. An object's children are key, value,
// key, value.
type jsonNode struct {
	start, end int32 // in the text
	after      int32
	kind       byte
	escaped    bool // a string with a backslash
}

// document is well-formed JSON as a flat tree over its text.
type document struct {
	text  []byte
	nodes []jsonNode
}

// raw is the text of node n.
func (d *document) raw(n int32) json.RawMessage {
	return json.RawMessage(d.text[d.nodes[n].start:d.nodes[n].end:d.nodes[n].end])
}

// str is the string at node n, which is a jsonString.
func (d *document) str(n int32) string {
	node := d.nodes[n]
	if !node.escaped {
		return string(d.text[node.start+1 : node.end-1])
	}
	var s string
	if err := json.Unmarshal(d.text[node.start:node.end], &s); err != nil {
		return "" // scanned already: can't happen
	}
	return s
}

// scanner turns text into a document in one pass and without recursion, so
// that no nesting can exhaust the stack. It is stricter than encoding/json:
// duplicate keys, invalid UTF-8, lone surrogates and NUL characters are
// problems, where encoding/json keeps the last key, or writes U+FFFD.
type scanner struct {
	text  []byte
	pos   int
	lim   Limits
	nodes []jsonNode
	stack []frame
	probs *problems
}

// frame is one open object or list.
type frame struct {
	node  int32
	count int    // elements begun so far
	key   string // of the current member
	keys  keySet
}

// keySet finds duplicates: by looking through few keys, by a map among many.
type keySet struct {
	few  []string
	many map[string]struct{}
}

// add says whether key is new.
func (k *keySet) add(key string) bool {
	if k.many != nil {
		_, dup := k.many[key]
		k.many[key] = struct{}{}
		return !dup
	}
	if slices.Contains(k.few, key) {
		return false
	}
	k.few = append(k.few, key)
	if len(k.few) > 16 {
		k.many = make(map[string]struct{}, 64)
		for _, have := range k.few {
			k.many[have] = struct{}{}
		}
	}
	return true
}

// scan reads the whole text. It returns nil where the text is not JSON or
// passes a limit; the reason is in probs then. Problems that leave the shape
// readable (a duplicate key, bad text in a string) are recorded as well, and
// the document returned, so that the caller can list the others too.
func scan(text []byte, lim Limits, probs *problems) *document {
	lim = lim.withDefaults()
	if len(text) > lim.MaxBytes {
		probs.addf(nil, nil, "the request has %d bytes; at most %d are taken", len(text), lim.MaxBytes)
		return nil
	}
	s := &scanner{text: text, lim: lim, probs: probs}
	s.nodes = make([]jsonNode, 0, min(len(text)/4+1, 1024))
	if !s.run() {
		return nil
	}
	return &document{text: text, nodes: s.nodes}
}

// run is the machine: value, then whatever may follow it, until the end.
func (s *scanner) run() bool {
	for {
		s.space()
		opened, ok := s.value()
		if !ok {
			return false
		}
		if opened {
			continue // the first element or member comes next
		}
		done, ok := s.follow()
		if !ok {
			return false
		}
		if done {
			return true
		}
	}
}

// value reads one value, or the opening of a list or an object up to its
// first element; opened says that an element is to be read next.
func (s *scanner) value() (opened, ok bool) {
	if len(s.nodes) >= s.lim.MaxNodes {
		return false, s.fatal("the request has more than %d values", s.lim.MaxNodes)
	}
	if s.pos >= len(s.text) {
		return false, s.fatal("unexpected end of the JSON: a value is missing")
	}
	start := s.pos
	switch c := s.text[s.pos]; {
	case c == '{' || c == '[':
		return s.open(c)
	case c == '"':
		return false, s.readString()
	case c == '-' || c >= '0' && c <= '9':
		s.pos = numberEnd(s.text, s.pos)
		if s.pos < 0 {
			s.pos = start
			return false, s.fatal("malformed number")
		}
		s.leaf(start, jsonNumber)
		return false, true
	case s.word("null"):
		s.leaf(start, jsonNull)
		return false, true
	case s.word("true"), s.word("false"):
		s.leaf(start, jsonBool)
		return false, true
	default:
		return false, s.fatal("unexpected %s where a value belongs", s.char())
	}
}

// open begins a list or an object.
func (s *scanner) open(c byte) (opened, ok bool) {
	if len(s.stack) >= s.lim.MaxDepth {
		return false, s.fatal("nested deeper than %d levels", s.lim.MaxDepth)
	}
	kind, closing := jsonList, byte(']')
	if c == '{' {
		kind, closing = jsonObject, '}'
	}
	n := int32(len(s.nodes)) // bounded by MaxBytes
	s.nodes = append(s.nodes, jsonNode{start: int32(s.pos), kind: kind})
	s.pos++
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == closing {
		s.pos++
		s.close(n)
		return false, true
	}
	s.stack = append(s.stack, frame{node: n, count: 1})
	if kind == jsonObject {
		return true, s.member()
	}
	return true, true
}

// close ends the list or object at node n.
func (s *scanner) close(n int32) {
	s.nodes[n].end = int32(s.pos)
	s.nodes[n].after = int32(len(s.nodes))
}

// member reads `"key" :`.
func (s *scanner) member() bool {
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != '"' {
		return s.fatal("unexpected %s where a key in double quotes belongs", s.char())
	}
	n := int32(len(s.nodes))
	f := &s.stack[len(s.stack)-1]
	f.key = ""
	if !s.readString() {
		return false
	}
	d := document{text: s.text, nodes: s.nodes}
	f.key = d.str(n)
	if !f.keys.add(f.key) {
		s.probs.addf(s.path(), nil, "duplicate key %s", quoted(f.key))
	}
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != ':' {
		return s.fatal("unexpected %s where a colon belongs", s.char())
	}
	s.pos++
	return true
}

// follow reads what stands after a complete value: commas and closing
// brackets, or the end of the text.
func (s *scanner) follow() (done, ok bool) {
	for {
		s.space()
		if len(s.stack) == 0 {
			if s.pos < len(s.text) {
				return false, s.fatal("unexpected %s after the end of the JSON", s.char())
			}
			return true, true
		}
		f := &s.stack[len(s.stack)-1]
		object := s.nodes[f.node].kind == jsonObject
		if s.pos >= len(s.text) {
			return false, s.fatal("unexpected end of the JSON: a bracket is left open")
		}
		switch c := s.text[s.pos]; {
		case c == ',':
			s.pos++
			f.count++
			return false, !object || s.member()
		case c == '}' && object, c == ']' && !object:
			s.pos++
			s.close(f.node)
			s.stack = s.stack[:len(s.stack)-1]
		default:
			return false, s.fatal("unexpected %s where a comma or a closing bracket belongs", s.char())
		}
	}
}

// leaf adds a node without children.
func (s *scanner) leaf(start int, kind byte) {
	n := int32(len(s.nodes))
	s.nodes = append(s.nodes, jsonNode{start: int32(start), end: int32(s.pos), after: n + 1, kind: kind})
}

// readString reads a string from its opening quote and checks its content.
func (s *scanner) readString() bool {
	start := s.pos
	s.pos++
	escaped, bad := false, ""
	for {
		if s.pos >= len(s.text) {
			return s.fatal("unexpected end of the JSON within a string")
		}
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			s.leaf(start, jsonString)
			s.nodes[len(s.nodes)-1].escaped = escaped
			if bad != "" {
				s.probs.addf(s.path(), nil, "%s", bad)
			}
			return true
		case c < 0x20:
			return s.fatal("control character within a string: write it as \\u%04x", c)
		case c == '\\':
			escaped = true
			n, why := escape(s.text[s.pos:])
			if n == 0 {
				return s.fatal("malformed escape within a string")
			}
			if why != "" {
				bad = why
			}
			s.pos += n
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, n := utf8.DecodeRune(s.text[s.pos:])
			if r == utf8.RuneError && n == 1 {
				bad = "text that is not valid UTF-8"
				// The string can't be used, but the rest can still be checked.
			}
			s.pos += n
		}
	}
}

// escape is the length of the escape that b begins with, 0 where it is not
// one, and what is wrong with the character it stands for.
func escape(b []byte) (n int, why string) {
	if len(b) < 2 {
		return 0, ""
	}
	if b[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, b[1]) < 0 {
			return 0, ""
		}
		return 2, ""
	}
	r, ok := hex4(b)
	switch {
	case !ok:
		return 0, ""
	case r == 0:
		return 6, "the character U+0000, which PostgreSQL can't store"
	case r >= 0xd800 && r < 0xdc00:
		if low, ok := hex4(b[6:]); ok && low >= 0xdc00 && low < 0xe000 {
			return 12, ""
		}
		return 6, "half of a surrogate pair, which is no character"
	case r >= 0xdc00 && r < 0xe000:
		return 6, "half of a surrogate pair, which is no character"
	}
	return 6, ""
}

// hex4 is the code unit of `\uXXXX` at the start of b.
func hex4(b []byte) (uint16, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	u, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return uint16(u), err == nil
}

// numberEnd is where the JSON number at b[i] ends, or -1 (RFC 8259, section 6).
func numberEnd(b []byte, i int) int {
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if b[i] == '-' {
		i++
	}
	zero := i < len(b) && b[i] == '0'
	from := i
	if !digits() || zero && i-from > 1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}

// space skips insignificant white space.
func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// word consumes w if the text goes on with it.
func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.text[s.pos:], []byte(w)) {
		return false
	}
	s.pos += len(w)
	return true
}

// char names what stands at the current place.
func (s *scanner) char() string {
	if s.pos >= len(s.text) {
		return "end of the JSON"
	}
	r, n := utf8.DecodeRune(s.text[s.pos:])
	if r == utf8.RuneError && n == 1 {
		return fmt.Sprintf("byte 0x%02x", s.text[s.pos])
	}
	return strconv.QuoteRune(r)
}

// path is the place of the value that is being read.
func (s *scanner) path() Path {
	p := make(Path, 0, len(s.stack))
	for i := range s.stack {
		f := &s.stack[i]
		if s.nodes[f.node].kind == jsonObject {
			p = append(p, f.key)
		} else {
			p = append(p, f.count-1)
		}
	}
	return p
}

// fatal records a problem after which nothing more can be read. It returns false.
func (s *scanner) fatal(format string, args ...any) bool {
	before := s.text[:min(s.pos, len(s.text))]
	line := bytes.Count(before, []byte("\n")) + 1
	col := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	s.probs.addf(s.path(), nil, "line %d, column %d: %s", line, col, fmt.Sprintf(format, args...))
	return false
}
