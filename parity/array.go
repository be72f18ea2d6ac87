package parity

// arrayMembers splits a one-dimensional array literal, as nested selections
// pass the keys of their parents, into the texts of its members; nil for
// anything else. NULL members never occur in keys.
//
// Source: PostgreSQL documentation, "Array Input and Output Syntax".
func arrayMembers(literal string) []string {
	if len(literal) < 2 || literal[0] != '{' || literal[len(literal)-1] != '}' {
		return nil
	}
	body := literal[1 : len(literal)-1]
	if body == "" {
		return nil
	}
	var members []string
	var member []byte
	quoted := false
	for i := 0; i < len(body); i++ {
		switch b := body[i]; {
		case b == '\\' && i+1 < len(body):
			i++
			member = append(member, body[i])
		case b == '"':
			quoted = !quoted
		case b == ',' && !quoted:
			members = append(members, string(member))
			member = member[:0]
		case b == '{' && !quoted:
			return nil
		default:
			member = append(member, b)
		}
	}
	if quoted {
		return nil
	}
	return append(members, string(member))
}
