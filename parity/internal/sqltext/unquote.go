package sqltext

import (
	"regexp"
	"strconv"
	"strings"
)

// Unquote is the value of a string constant; of what is none, that may be none.
func Unquote(text string) string {
	if strings.HasPrefix(text, "$") {
		tag := text[:strings.IndexByte(text[1:], '$')+2]
		return strings.TrimSuffix(strings.TrimPrefix(text, tag), tag)
	}
	prefix, value, _ := strings.Cut(text, "'")
	value = strings.ReplaceAll(strings.TrimSuffix(value, "'"), "''", "'")
	switch strings.ToLower(prefix) {
	case "e":
		return escaped.Replace(value)
	case "u&":
		return wide.ReplaceAllStringFunc(value, func(s string) string {
			n, err := strconv.ParseUint(strings.TrimLeft(s, `\+`), 16, 21)
			if err != nil {
				return s
			}
			return string(rune(n))
		})
	}
	return value
}

// wide are the escapes of U&'…', but for those that UESCAPE chooses.
var wide = regexp.MustCompile(`\\(?:[0-9A-Fa-f]{4}|\+[0-9A-Fa-f]{6})`)

// escaped are the escapes of E'…' that are seen in practice.
var escaped = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\n`, "\n", `\t`, "\t", `\r`, "\r")
