package builder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/backend"
)

// maxProblems bounds the list that one request can cause; what is beyond it is
// counted only.
const maxProblems = 100

// Problem is one thing that is wrong with a request: where, what, and what
// would have been allowed.
type Problem struct {
	// Path is where in the request the problem stands.
	Path Path `json:"path"`
	// Message says what is wrong, without the place: `unknown operator "foo"`.
	// It may repeat up to 64 bytes of the request, never text of the database.
	Message string `json:"message"`
	// Allowed lists what may stand there, where that is a short, closed list.
	// Names of the database are listed only as far as the role may read them.
	Allowed []string `json:"allowed,omitempty"`
	// Limit says that the request would be right if it were smaller.
	Limit bool `json:"-"`
}

// String prints the problem in one line:
//
//	at $.filters.and[1].operator: unknown operator "foo"; allowed: eq, neq
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString("at ")
	b.WriteString(p.Path.String())
	b.WriteString(": ")
	b.WriteString(p.Message)
	if len(p.Allowed) > 0 {
		b.WriteString("; allowed: ")
		b.WriteString(strings.Join(p.Allowed, ", "))
	}
	return b.String()
}

// Problems is every problem of a request, in the order of the request. It is
// the error of ParseDefinition, Parse and Build. At most 100 are listed; a last
// one counts the rest.
type Problems []Problem //nolint:errname // it is a list first: callers range over it

// Error lists all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Code says that the request can never work: BAD_USER_INPUT, or LIMIT_EXCEEDED
// where nothing is wrong but its size.
func (p Problems) Code() backend.Code {
	for i := range p {
		if !p[i].Limit {
			return backend.CodeBadUserInput
		}
	}
	return backend.CodeLimit
}

// As lets backend.CodeOf, and whoever else looks for a *backend.Error, find one
// with Code. The text for a client is in the Problems themselves: each of them
// may be shown.
func (p Problems) As(target any) bool {
	e, ok := target.(**backend.Error)
	if ok {
		*e = &backend.Error{Op: "check request", Code: p.Code(), Err: p}
	}
	return ok
}

// problems collects what is wrong while a request is read. The zero value is
// ready. It is not safe for concurrent use.
type problems struct {
	list []Problem
	more int // beyond maxProblems
}

// addf records one problem. allowed is kept, not copied.
func (p *problems) addf(at Path, allowed []string, format string, args ...any) {
	if p.full() {
		p.more++
		return
	}
	p.list = append(p.list, Problem{Path: at, Message: fmt.Sprintf(format, args...), Allowed: allowed})
}

// limitf records that a bound of the builder was passed.
func (p *problems) limitf(at Path, format string, args ...any) {
	p.addf(at, nil, format, args...)
	if p.more == 0 {
		p.list[len(p.list)-1].Limit = true
	}
}

// full says that a further problem is counted only.
func (p *problems) full() bool { return len(p.list) >= maxProblems }

// count is how many problems there are, listed or not.
func (p *problems) count() int { return len(p.list) + p.more }

// err is the problems as an error, or nil where there are none.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	list := p.list
	if p.more > 0 {
		rest := Problem{Message: fmt.Sprintf("and %d more problems", p.more), Limit: Problems(list).Code() == backend.CodeLimit}
		list = append(slices.Clip(list), rest)
	}
	return Problems(list)
}

// near is the one of names that was most likely meant by got: equal but for
// letter case and separators, or one or two edits away. "" where none is. The
// work is bounded: names are fixed, short lists, and a long got is not compared.
func near(got string, names []string) string {
	if len(got) > 40 {
		return ""
	}
	best, bestDist := "", 3
	if len(got) < 4 {
		bestDist = 2
	}
	for _, name := range names {
		if fold(name) == fold(got) {
			return name
		}
		if d := edits(got, name, bestDist); d < bestDist {
			best, bestDist = name, d
		}
	}
	return best
}

// fold removes what two spellings of one name differ in: letter case, "_", "-".
func fold(s string) string { return separators.Replace(strings.ToLower(s)) }

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// edits is the Levenshtein distance of a and b, or at least limit.
func edits(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	var rows [2][64]int
	if len(b) >= 63 {
		return limit
	}
	prev, cur := &rows[0], &rows[1]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
		}
		prev, cur = cur, prev
	}
	return prev[len(b)]
}

// unknown records that got is not one of names, with the likely one as a hint.
func (p *problems) unknown(at Path, what, got string, names []string) {
	if p.full() { // no hint for what is only counted
		p.more++
		return
	}
	if n := near(got, names); n != "" {
		p.addf(at, names, "unknown %s %s; did you mean %s?", what, quoted(got), quoted(n))
		return
	}
	p.addf(at, names, "unknown %s %s", what, quoted(got))
}
