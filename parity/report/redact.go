package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
)

const (
	maxMask  = 64   // characters
	maxText  = 1000 // characters of a revealed value
	maxCells = 20   // of one difference
	maxName  = 300  // characters of a name
)

// redactor turns a difference into what may be known of it.
type redactor struct {
	key    []byte
	reveal []string // "column", "table.column", with * and ?
}

// all says that every column is revealed.
func (r *redactor) all() bool {
	for _, p := range r.reveal {
		if p == "*" || p == "*.*" {
			return true
		}
	}
	return false
}

// reveals says whether the values of column may be shown. A pattern without a point
// is for the column of any table. What is no valid pattern matches nothing.
func (r *redactor) reveals(statement, column string) bool {
	words := strings.Fields(statement)
	table := ""
	if len(words) > 0 {
		table = words[len(words)-1]
		table = table[strings.LastIndexByte(table, '.')+1:]
	}
	for _, p := range r.reveal {
		t, c, ok := strings.Cut(p, ".")
		if !ok {
			t, c = "*", p
		}
		inTable, _ := path.Match(t, table)
		if inColumn, _ := path.Match(c, column); inColumn && (inTable || t == "*") {
			return true
		}
	}
	return false
}

// diff is d without what may not leave.
func (r *redactor) diff(d parity.Diff) Diff {
	out := Diff{Kind: d.Kind, Statement: name(d.Statement), Row: d.Row}
	for _, c := range d.Cells {
		if len(out.Cells) == maxCells {
			break
		}
		show := r.reveals(d.Statement, c.Column)
		cell := Cell{Column: c.Column, Type: c.Type, Control: r.value(c.Control, show), Candidate: r.value(c.Candidate, show)}
		mark(&cell.Control, &cell.Candidate, c.Control.Text, c.Candidate.Text, show)
		if c.Server != nil {
			v := r.value(*c.Server, show)
			cell.Server = &v
		}
		out.Cells = append(out.Cells, cell)
	}
	if r.all() {
		out.Detail = d.Detail
	}
	return out
}

func (r *redactor) value(v parity.Value, show bool) Value {
	if v.Null {
		return Value{Null: true}
	}
	m := hmac.New(sha256.New, r.key)
	_, _ = m.Write([]byte(v.Text)) // a hash never fails
	out := Value{Length: utf8.RuneCountInString(v.Text), Hash: hex.EncodeToString(m.Sum(nil)[:8])}
	if show {
		text := cut(v.Text, maxText)
		out.Text = &text
		return out
	}
	out.Mask = maskOf(v.Text)
	return out
}

// maskOf is the class of each of the first characters of s.
func maskOf(s string) string {
	var b strings.Builder
	n := 0
	for _, c := range s {
		if n++; n > maxMask {
			break
		}
		switch {
		case c >= utf8.RuneSelf:
			b.WriteByte('*')
		case c >= '0' && c <= '9':
			b.WriteByte('9')
		case unicode.IsLower(c):
			b.WriteByte('a')
		case unicode.IsUpper(c):
			b.WriteByte('A')
		case c == ' ':
			b.WriteByte('_')
		case unicode.IsControl(c):
			b.WriteByte('?')
		default:
			b.WriteByte('.')
		}
	}
	return b.String()
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// mark notes where the values a and b of two sides differ.
func mark(a, b *Value, textA, textB string, show bool) {
	limit := maxMask
	if show {
		limit = maxText
	}
	if a.Null || b.Null {
		return
	}
	a.Marks, b.Marks = differing([]rune(cut(textA, limit)), []rune(cut(textB, limit)))
}

// differing are the ranges of a and of b that are not in a longest common
// subsequence of both; of long texts, what is between the common start and end.
func differing(a, b []rune) (inA, inB [][2]int) {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	x, y := a[start:len(a)-end], b[start:len(b)-end]
	keepX, keepY := make([]bool, len(x)), make([]bool, len(y))
	if len(x)*len(y) <= 40_000 {
		common(x, y, keepX, keepY)
	}
	return ranges(keepX, start), ranges(keepY, start)
}

// common marks the characters of a longest common subsequence of x and y.
func common(x, y []rune, keepX, keepY []bool) {
	length := make([][]int, len(x)+1)
	for i := range length {
		length[i] = make([]int, len(y)+1)
	}
	for i := range slices.Backward(x) {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] == y[j]:
			keepX[i], keepY[j] = true, true
			i++
			j++
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
}

// ranges are the runs of what is not kept, moved by offset.
func ranges(keep []bool, offset int) [][2]int {
	var list [][2]int
	for i, k := range keep {
		switch n := len(list); {
		case k:
		case n > 0 && list[n-1][1] == i+offset:
			list[n-1][1]++
		default:
			list = append(list, [2]int{i + offset, i + offset + 1})
		}
	}
	return list
}

// literals are values in SQL text: operations that are not ours are named by it.
var literals = regexp.MustCompile(`(?s)\$[0-9]+\b|(?:\B|\b[EeBbXxNn])'(?:[^'\\]|''|\\.)*'?|\$(\w*)\$.*|\b[0-9][0-9a-fA-FxXeE_.]*\b`)

// name is the name of a statement or an operation without values.
func name(s string) string {
	bare := literals.ReplaceAllStringFunc(strings.Join(strings.Fields(s), " "), func(value string) string {
		if len(value) > 1 && value[0] == '$' && value[1] >= '0' && value[1] <= '9' {
			return value // a placeholder
		}
		return "?"
	})
	return cut(bare, maxName)
}

// codeForm is a word of our own at the end of a reason.
var codeForm = regexp.MustCompile(`^[A-Z_0-9]+$`)

// reason is s without what an error may have said: its details hold values. What is
// behind a colon stays where it is a code.
func reason(s string) string {
	head, rest, ok := strings.Cut(s, ": ")
	head = name(head)
	if ok && codeForm.MatchString(rest) {
		return head + ": " + rest
	}
	return head
}

// end says how a side ended.
func end(s parity.Side) string {
	switch {
	case s.SQLState != "":
		return s.Code.String() + " " + s.SQLState
	case s.Code != backend.CodeOK:
		return s.Code.String()
	}
	return rowsText(s.Rows)
}

// rowsText is "1 row", "2 rows".
func rowsText(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return thousands(n) + " rows"
}
