package graphql

import (
	"strconv"
	"strings"
)

// tags are what a comment in the database says to this package: lines that begin
// with a word behind an at sign. The other lines are the description.
//
//	COMMENT ON COLUMN users.nick IS 'What friends say.
//	@name handle
//	@deprecated use name';
type tags struct {
	description string
	name        string
	omit        []string // nil: nothing; "all": everything
	deprecated  *string
	gone        []string // all that @deprecated says: of an enum, label and reason
	keys        [][]string
	as          string // of a function: asQuery, asMutation
	dims        int    // of a column: -1 where what is said is no number
}

// parseTags reads a comment. A tag that is not known stays in the description: an
// at sign at the start of a line may be meant for people.
func parseTags(comment string) tags {
	var t tags
	var lines []string
	for line := range strings.Lines(comment) {
		line = strings.TrimRight(line, "\r\n")
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		switch word {
		case "@name":
			t.name = rest
		case "@omit":
			t.omit = []string{"all"}
			if rest != "" {
				t.omit = tagWords(rest)
			}
		case "@deprecated":
			t.deprecated = &rest
			t.gone = append(t.gone, rest)
		case "@query", "@mutation":
			t.as = word[1:]
		case "@dimensions":
			var err error
			if t.dims, err = strconv.Atoi(rest); err != nil || t.dims < 1 {
				t.dims = -1
			}
		case "@key":
			t.keys = append(t.keys, tagWords(rest))
		default:
			lines = append(lines, line)
		}
	}
	t.description = strings.TrimSpace(strings.Join(lines, "\n"))
	return t
}

// tagWords are divided by spaces and commas.
func tagWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// omits says whether a list leaves what out.
func omits(list []string, what string) bool {
	for _, o := range list {
		if o == "all" || o == what {
			return true
		}
	}
	return false
}
