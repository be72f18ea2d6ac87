// Package sqltext tells from a statement's words what it is: whether it reads, what
// it does to the transaction, whether it fixes the order of its rows. It knows
// PostgreSQL's lexical rules and the first words of statements, and no grammar: what
// it does not know is a write.
package sqltext

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Kind is what a statement is. The zero Kind is Write.
type Kind uint8

// The kinds.
const (
	Write       Kind = iota // what is not known to be anything else
	Read                    // changes nothing, as far as its text says
	Transaction             // begins, ends or divides a transaction
	Session                 // settings and prepared statements of the session
	Cursor                  // DECLARE, FETCH, MOVE, CLOSE
	Copy
	Listen
	Empty
)

// Effect is what a statement's text does to the transaction.
type Effect uint8

// The effects.
const (
	None Effect = iota
	Begin
	End
	Savepoint // SAVEPOINT, RELEASE, ROLLBACK TO
)

// Text is a statement as far as its words tell.
type Text struct {
	SQL       string
	Class     string // 16 hexadecimal digits of a hash of SQL with its white space normalised
	Name      string // for people: "insert into users"
	Kind      Kind
	Tx        Effect
	Strict    bool     // asks for REPEATABLE READ or above
	Ordered   bool     // has an ORDER BY of its own
	Multi     bool     // more than one statement
	Local     bool     // SET LOCAL: gone with the transaction
	OnlyReads bool     // BEGIN … READ ONLY
	Chain     bool     // COMMIT AND CHAIN: another one begins
	ReadOnly  bool     // would change whether the session may write
	Returning bool     // a write with RETURNING
	Params    int      // the highest $n
	Functions []string // names before a parenthesis
}

// token is a word in lower case, or one character; text in quotes is a token of
// its own kind, so no word in a literal is taken for a keyword.
type token struct {
	word   string
	quoted bool // "identifier"
	depth  int  // of parentheses
	param  int  // n of $n
}

// Parse reads sql (PostgreSQL documentation, "Lexical Structure").
func Parse(sql string) *Text {
	t := &Text{SQL: sql}
	tokens, normal := tokenize(sql)
	sum := sha256.Sum256([]byte(normal))
	t.Class = hex.EncodeToString(sum[:8])
	for _, k := range tokens {
		t.Params = max(t.Params, k.param)
	}
	statements := split(tokens)
	if len(statements) == 0 {
		t.Kind, t.Name = Empty, "empty statement"
		return t
	}
	t.Multi = len(statements) > 1
	for i, s := range statements {
		one := &Text{}
		one.classify(s)
		if i == 0 {
			one.SQL, one.Class, one.Multi, one.Params = t.SQL, t.Class, t.Multi, t.Params
			*t = *one
			continue
		}
		t.Functions = append(t.Functions, one.Functions...)
		if one.Kind != t.Kind {
			t.Kind = Write
		}
		if one.Tx != None {
			t.Tx = one.Tx
		}
		t.ReadOnly = t.ReadOnly || one.ReadOnly
		t.Ordered = t.Ordered && one.Ordered
	}
	if t.Multi {
		t.Name += " and more"
	}
	return t
}

// split cuts tokens at semicolons.
func split(tokens []token) [][]token {
	var list [][]token
	start := 0
	for i := 0; i <= len(tokens); i++ {
		if i < len(tokens) && (tokens[i].word != ";" || tokens[i].quoted) {
			continue
		}
		if i > start {
			list = append(list, tokens[start:i])
		}
		start = i + 1
	}
	return list
}

// first words of statements and their kinds. What is missing is a write.
var kinds = map[string]Kind{
	"select": Read, "values": Read, "table": Read, "with": Read, "show": Read, "explain": Read, "(": Read,
	"begin": Transaction, "start": Transaction, "commit": Transaction, "end": Transaction, "rollback": Transaction, "abort": Transaction, "savepoint": Transaction, "release": Transaction,
	"set": Session, "reset": Session, "discard": Session, "prepare": Session, "deallocate": Session,
	"declare": Cursor, "fetch": Cursor, "move": Cursor, "close": Cursor,
	"copy": Copy, "listen": Listen, "unlisten": Listen,
}

func (t *Text) classify(s []token) {
	has := func(words ...string) bool {
		return slices.ContainsFunc(s, func(k token) bool { return !k.quoted && slices.Contains(words, k.word) })
	}
	t.Kind = Write
	if !s[0].quoted {
		t.Kind = kinds[s[0].word]
	}
	t.Name = label(s)
	t.Functions = calls(s)
	t.Returning = has("returning")
	second := ""
	if len(s) > 1 {
		second = s[1].word
	}
	switch t.Kind { //nolint:exhaustive // the words of the others say nothing more
	case Read:
		// A data-modifying WITH, a row lock, SELECT INTO: also where such a word names
		// a column, which costs a comparison and no more.
		if has("insert", "update", "delete", "merge", "share", "into") {
			t.Kind = Write
		}
		t.Ordered = ordered(s)
	case Transaction:
		t.transaction(s[0].word, second, has)
	case Session:
		switch {
		case second == "transaction" && s[0].word == "set":
			t.Kind, t.Strict = Transaction, has("repeatable", "serializable")
			t.ReadOnly = has("write")
		case second == "transaction": // PREPARE TRANSACTION
			t.Kind, t.Tx = Transaction, End
		case second == "constraints":
			t.Kind = Transaction
		}
		t.Local = second == "local"
		t.ReadOnly = t.ReadOnly || has("characteristics", "transaction_read_only", "default_transaction_read_only")
	}
}

func (t *Text) transaction(first, second string, has func(...string) bool) {
	switch first {
	case "begin", "start":
		t.Tx, t.Strict, t.OnlyReads = Begin, has("repeatable", "serializable"), has("only")
	case "commit", "end", "abort":
		t.Tx, t.Chain = End, has("chain") && !has("no")
		if second == "prepared" {
			t.Tx, t.Kind = None, Write
		}
	case "rollback":
		t.Tx, t.Chain = End, has("chain") && !has("no")
		if has("to") {
			t.Tx = Savepoint
		} else if second == "prepared" {
			t.Tx, t.Kind = None, Write
		}
	default:
		t.Tx = Savepoint
	}
}

// ordered says that an ORDER BY stands outside all parentheses.
func ordered(s []token) bool {
	for i := range len(s) - 1 {
		if s[i].depth == 0 && s[i].word == "order" && s[i+1].word == "by" && !s[i].quoted {
			return true
		}
	}
	return s[0].word == "show"
}

// calls are the names that stand before a parenthesis.
func calls(s []token) []string {
	var list []string
	for i := range len(s) - 1 {
		if s[i+1].word == "(" && !s[i+1].quoted && isWord(s[i]) && !slices.Contains(list, s[i].word) {
			list = append(list, s[i].word)
		}
	}
	return list
}

func isWord(k token) bool {
	return k.quoted || k.word != "" && (k.word[0] == '_' || k.word[0] >= 'a' && k.word[0] <= 'z' || k.word[0] >= 0x80)
}

// label is the first word and the first relation that is named.
func label(s []token) string {
	name := s[0].word
	for i := range len(s) - 1 {
		if s[i].quoted || !isWord(s[i+1]) {
			continue
		}
		switch s[i].word {
		case "from", "into", "update", "table", "join":
			words := []string{name, s[i].word, s[i+1].word}
			if i == 0 {
				words = words[1:]
			}
			name = strings.Join(words, " ")
			if i+3 < len(s) && s[i+2].word == "." && isWord(s[i+3]) {
				name += "." + s[i+3].word
			}
			return name
		}
	}
	return name
}

// tokenize also returns sql with its white space and comments normalised.
func tokenize(sql string) ([]token, string) {
	var tokens []token
	var normal strings.Builder
	depth := 0
	for i := 0; i < len(sql); {
		n := space(sql[i:])
		if n > 0 {
			if normal.Len() > 0 && i+n < len(sql) {
				normal.WriteByte(' ')
			}
			i += n
			continue
		}
		n = lexeme(sql[i:])
		raw := sql[i : i+n]
		normal.WriteString(raw)
		i += n
		switch raw[0] {
		case '\'', '$':
			n, _ := strconv.Atoi(raw[1:]) // 0 for $tag$…$tag$
			tokens = append(tokens, token{word: "'", depth: depth, param: n})
			continue
		case '"':
			tokens = append(tokens, token{word: strings.ReplaceAll(raw[1:max(len(raw)-1, 1)], `""`, `"`), quoted: true, depth: depth})
			continue
		case ')':
			depth--
		}
		if n > 1 && (raw[1] == '\'' || raw[1] == '&') { // E'…', B'…', U&"…"
			tokens = append(tokens, token{word: "'", depth: depth})
			continue
		}
		tokens = append(tokens, token{word: strings.ToLower(raw), depth: depth})
		if raw[0] == '(' {
			depth++
		}
	}
	return tokens, strings.TrimRight(normal.String(), " ;")
}

// space is the length of white space and comments at the beginning of s.
func space(s string) int {
	i := 0
	for i < len(s) {
		switch {
		case strings.IndexByte(" \t\r\n\f\v", s[i]) >= 0:
			i++
		case strings.HasPrefix(s[i:], "--"):
			end := strings.IndexByte(s[i:], '\n')
			if end < 0 {
				return len(s)
			}
			i += end + 1
		case strings.HasPrefix(s[i:], "/*"):
			i += comment(s[i:])
		default:
			return i
		}
	}
	return i
}

// comment is the length of a block comment; they nest.
func comment(s string) int {
	depth := 0
	for i := 0; i < len(s)-1; {
		switch s[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(s)
}

// lexeme is the length of the token at the beginning of s.
func lexeme(s string) int {
	switch c := s[0]; {
	case c == '\'':
		return quoted(s, '\'', false)
	case c == '"':
		return quoted(s, '"', false)
	case c == '$':
		return dollar(s)
	case (c == 'e' || c == 'E') && len(s) > 1 && s[1] == '\'':
		return 1 + quoted(s[1:], '\'', true)
	case strings.IndexByte("bBxXnN", c) >= 0 && len(s) > 1 && s[1] == '\'':
		return 1 + quoted(s[1:], '\'', false)
	case (c == 'u' || c == 'U') && len(s) > 2 && s[1] == '&' && (s[2] == '\'' || s[2] == '"'):
		return 2 + quoted(s[2:], s[2], false)
	case letter(c) || c >= '0' && c <= '9':
		i := 1
		for i < len(s) && (letter(s[i]) || s[i] >= '0' && s[i] <= '9' || s[i] == '$') {
			i++
		}
		return i
	}
	return 1
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

// quoted is the length of text in quotes, which doubled quotes continue.
func quoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// dollar is the length of $tag$…$tag$, or of a parameter.
func dollar(s string) int {
	i := 1
	for i < len(s) && (letter(s[i]) || s[i] >= '0' && s[i] <= '9') {
		i++
	}
	if i >= len(s) || s[i] != '$' || i > 1 && s[1] >= '0' && s[1] <= '9' {
		return i
	}
	tag := s[:i+1]
	end := strings.Index(s[i+1:], tag)
	if end < 0 {
		return len(s)
	}
	return i + 1 + end + len(tag)
}
