package codec

// What the document types allow, for their errors.
const (
	wantJSON  = "any JSON value, nested at most 1000 deep"
	wantJSONB = `any JSON value, nested at most 1000 deep, without \u0000, its numbers within the limits of numeric`
)

// maxDocumentDepth keeps a document within the server's stack (max_stack_depth,
// 2 MB by default, is enough for several thousand levels).
const maxDocumentDepth = 1000

// argJSON hands a document over as it was written.
func argJSON(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	if err := t.checkDocument(raw, false); err != nil {
		return dst, err
	}
	return append(dst, raw...), nil
}

// argJSONB does too; the server brings it into its own form.
func argJSONB(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	if err := t.checkDocument(raw, true); err != nil {
		return dst, err
	}
	return append(dst, raw...), nil
}

// checkDocument checks what the server's json input does not take though it is
// JSON. strict adds what jsonb cannot hold: NUL, and numbers beyond numeric.
func (t *Type) checkDocument(raw []byte, strict bool) error {
	depth := 0
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end := stringEnd(raw, i)
			if strict && hasNUL(raw[i:end]) {
				return t.refuse(raw, errNUL.Error())
			}
			i = end
			continue
		case c == '{' || c == '[':
			if depth++; depth > maxDocumentDepth {
				return t.refuse(raw, "is nested too deeply")
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			end := valueEnd(raw, i)
			if strict {
				if _, ok := readDecimal(raw[i:end]); !ok {
					return t.refuse(raw[i:end], "has too many digits")
				}
			}
			i = end
			continue
		}
		i++
	}
	return nil
}

// hasNUL looks for \u0000 in a quoted string; behind an escaped backslash it is
// five plain characters.
func hasNUL(quoted []byte) bool {
	for i := 1; i < len(quoted)-1; i++ {
		if quoted[i] != '\\' {
			continue
		}
		if i++; quoted[i] == 'u' && string(quoted[i+1:i+5]) == "0000" {
			return true
		}
	}
	return false
}
