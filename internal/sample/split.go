package sample

import "strings"

// split divides a script into its statements, since a backend takes one
// statement a call. It knows what the scripts of this package use: comments,
// quotes, E-strings, dollar quotes, and no bodies of SQL functions between BEGIN ATOMIC and
// END.
func split(script string) []string {
	var list []string
	start := 0
	for i := 0; i < len(script); {
		rest := script[i:]
		switch {
		case strings.HasPrefix(rest, "--"):
			i += skip(rest, "\n", 2)
		case strings.HasPrefix(rest, "/*"):
			i += skip(rest, "*/", 2)
		case strings.HasPrefix(rest, "E'"):
			i += escaped(rest)
		case rest[0] == '\'', rest[0] == '"':
			i += skip(rest, rest[:1], 1)
		case rest[0] == '$' && dollarTag(rest) != "":
			tag := dollarTag(rest)
			i += skip(rest, tag, len(tag))
		case rest[0] == ';':
			list = append(list, strings.TrimSpace(script[start:i]))
			i++
			start = i
		default:
			i++
		}
	}
	if tail := withoutComments(script[start:]); tail != "" {
		list = append(list, tail)
	}
	return list
}

// skip is the length of text up to and with the first end after from.
func skip(text, end string, from int) int {
	if at := strings.Index(text[from:], end); at >= 0 {
		return from + at + len(end)
	}
	return len(text)
}

// escaped is the length of the E'…' string that text starts with.
func escaped(text string) int {
	for i := 2; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(text)
}

// dollarTag is the opening $tag$ of a dollar-quoted string, or "".
func dollarTag(text string) string {
	end := strings.IndexByte(text[1:], '$')
	if end < 0 || strings.Trim(text[1:1+end], "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return text[:end+2]
}

// withoutComments is what is left of the end of a script.
func withoutComments(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if code, _, _ := strings.Cut(line, "--"); strings.TrimSpace(code) != "" {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, ""))
}
