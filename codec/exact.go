package codec

// oidRecord is the type of an anonymous row; the wire does not tell its fields' names.
const oidRecord = 2249

// Exact says whether AppendJSON promises the bytes of the server's to_json for
// values of the type: not where Options change them, not for a type that is not
// known, and not for an anonymous record. A cast to json that a database adds to a
// type of its own is not seen.
func (t *Type) Exact() bool { return t.exact(make(map[*Type]bool)) }

func (t *Type) exact(seen map[*Type]bool) bool {
	if seen[t] {
		return true // a composite that holds an array of itself: judged above
	}
	seen[t] = true
	switch {
	case t.name == "", t.oid == oidRecord, t.form == formNumberString, t.form == formJSONCamel:
		return false
	case t.form == formArray && t.elem != nil && !t.elem.exact(seen):
		return false
	}
	for _, f := range t.fields {
		if !f.typ.exact(seen) {
			return false
		}
	}
	return true
}
