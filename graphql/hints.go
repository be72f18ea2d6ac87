package graphql

import (
	"slices"
	"strconv"
	"strings"
)

// Bounds of the search for a hint: it is made for every unknown name, and the
// name and the number of candidates are whatever a client chose to send and the
// database has. Beyond them there is no hint.
const (
	hintName       = 40  // bytes of the unknown name
	hintCandidates = 500 // names looked at
)

// hint is ` Did you mean "name"?` for the candidate nearest to name, or "".
// It is given only candidates that the caller may see.
func hint(name string, candidates []string) string {
	if name == "" || len(name) > hintName {
		return ""
	}
	best, bestDistance := "", 1+max(1, min(3, len(name)/3))
	for _, c := range candidates[:min(len(candidates), hintCandidates)] {
		if d := len(c) - len(name); d >= bestDistance || -d >= bestDistance {
			continue
		}
		if d := distance(name, c, bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return " Did you mean " + strconv.Quote(best) + "?"
}

// distance is how many letters have to be put in, taken out, changed or swapped
// with the next to make b of a, in any letter case, or limit where it is at
// least that. Both are short: see hintName.
func distance(a, b string, limit int) int {
	var rows [3][hintName + 8]int
	if len(b) >= len(rows[0]) {
		return limit
	}
	before, last, row := rows[0][:], rows[1][:], rows[2][:]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && lower(a[i-1]) == lower(b[j-2]) && lower(a[i-2]) == lower(b[j-1]) {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= limit {
			return limit
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}

func lower(c byte) byte {
	if isUpper(c) {
		return c + ('a' - 'A')
	}
	return c
}

// quoteShort is a name of the request in quotes, cut where it is longer than a
// name has a reason to be.
func quoteShort(name string) string {
	const longest = 64
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return strconv.Quote(name)
}

// hideNames takes out of errors what tells names of the schema to who has not said
// them: hints, and lists of what is allowed. Whoever may not look at the schema must
// not find it out by mistakes.
func hideNames(errs Errors) {
	for _, e := range errs {
		for _, hint := range []string{" Did you mean ", "; did you mean "} {
			e.Message, _, _ = strings.Cut(e.Message, hint)
		}
		e.Extensions = slices.DeleteFunc(e.Extensions, func(x Extension) bool { return x.Key == "allowed" })
	}
}
