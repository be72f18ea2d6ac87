package builder

import (
	"bytes"
	"errors"
	"slices"
)

// Parse is the function Parse, and where the request is wrong it also checks what
// could be read of it against s: so that unknown fields are told together with
// unknown keys, not one round after them. A request without error still has to
// be built: nothing but its JSON was checked.
func (s *Schema) Parse(data []byte) (Request, error) {
	r := &reader{probs: &problems{}}
	var req Request
	if r.document = scan(bytes.Clone(data), Limits{}, r.probs); r.document != nil {
		req = r.request()
	}
	if r.probs.count() == 0 {
		return req, nil
	}
	if r.document != nil {
		s.checkRest(req, r.probs)
	}
	return Request{}, r.probs.err()
}

// checkRest builds what was read of a faulty request and adds what that finds. A
// place that the parser has complained about, anything inside it, and what holds
// it directly are left out: the gap itself would be reported as a fault.
func (s *Schema) checkRest(req Request, probs *problems) {
	known := slices.Clone(probs.list)
	for i := range req.Definitions {
		def := &req.Definitions[i]
		if def.Kind == 0 || def.Table == "" {
			continue
		}
		_, err := Build(s, def)
		var found Problems
		if !errors.As(err, &found) {
			continue
		}
		for _, p := range found {
			if !slices.ContainsFunc(known, func(k Problem) bool { return overlap(k.Path, p.Path) }) {
				probs.addf(p.Path, p.Allowed, "%s", p.Message)
			}
		}
	}
}

// overlap says that one path leads to the other, or to its direct parent.
func overlap(parsed, built Path) bool {
	n := min(len(parsed), len(built))
	if !slices.Equal(parsed[:n], built[:n]) {
		return false
	}
	return len(built) >= len(parsed)-1
}
