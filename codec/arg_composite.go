package codec

import "strconv"

// Objects become literals member by member. Keys are compared as they are: the
// names of a composite's fields are not rewritten on the way out either.

// argComposite writes a composite literal from an object. A member that is
// missing is NULL; one that the type does not have is refused.
func argComposite(t *Type, dst, raw []byte, depth int) ([]byte, error) {
	if raw[0] != '{' {
		return dst, t.refuse(raw, "")
	}
	if depth > maxDepth {
		return dst, t.refuse(raw, "is nested too deeply")
	}
	// Members come in any order, fields are written in theirs.
	values := make([][]byte, len(t.fields))
	err := t.eachMember(raw, func(key string, value []byte) error {
		for i := range t.fields {
			if t.fields[i].name == key {
				values[i] = value
				return nil
			}
		}
		err := t.refuse(raw, "has the unknown field "+echo([]byte(strconv.Quote(key))))
		names := make([]string, len(t.fields))
		for i := range t.fields {
			names[i] = t.fields[i].name
		}
		if list := quotedList(names); list != "" {
			err.Allowed = "an object of " + list
		}
		return err
	})
	if err != nil {
		return dst, err
	}
	dst = append(dst, '(')
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if value == nil || isNull(value) {
			continue
		}
		f := &t.fields[i]
		mark := len(dst)
		if dst, err = f.typ.arg(f.typ, dst, value, depth+1); err != nil {
			return dst, inside("field "+strconv.Quote(f.name), err)
		}
		dst = quoteMember(dst, mark, forComposite)
	}
	return append(dst, ')'), nil
}

// argHStore writes "a"=>"1", "b"=>NULL from an object of strings and nulls.
func argHStore(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	if raw[0] != '{' {
		return dst, t.refuse(raw, "")
	}
	mark := len(dst)
	err := t.eachMember(raw, func(key string, value []byte) error {
		if len(dst) > mark {
			dst = append(dst, ", "...)
		}
		at := len(dst)
		dst = append(quoteTail(append(dst, key...), at, '\\'), "=>"...)
		if isNull(value) {
			dst = append(dst, "NULL"...)
			return nil
		}
		s, err := t.text(value)
		if err != nil {
			return inside("member "+strconv.Quote(key), err)
		}
		at = len(dst)
		dst = quoteTail(append(dst, s...), at, '\\')
		return nil
	})
	return dst, err
}
