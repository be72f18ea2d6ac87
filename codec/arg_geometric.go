package codec

import "strconv"

// The server reads several spellings of each shape; one is enough here, the one
// that it writes.

// argGeometric checks the shape of a geometric value, as the server prints it,
// and writes each number in its shortest form. Spaces may stand between parts.
func argGeometric(t *Type, dst, raw []byte, _ int) ([]byte, error) {
	s, err := t.text(raw)
	if err != nil {
		return dst, err
	}
	p := shapeParser{dst: dst, s: s, ok: true}
	switch t.Base().name {
	case "point":
		p.point()
	case "lseg":
		p.byte('[')
		p.pair()
		p.byte(']')
	case "box":
		p.pair()
	case "path":
		if p.peek() == '[' {
			p.points('[', ']')
		} else {
			p.points('(', ')')
		}
	case "polygon":
		p.points('(', ')')
	case "line":
		p.byte('{')
		p.number()
		p.byte(',')
		p.number()
		p.byte(',')
		p.number()
		p.byte('}')
	case "circle":
		p.byte('<')
		p.point()
		p.byte(',')
		p.number()
		p.byte('>')
	}
	if p.peek() != 0 || !p.ok {
		return dst, t.refuse(raw, "has another shape")
	}
	return p.dst, nil
}

// shapeParser reads s and writes it to dst again; ok turns false for good at
// the first thing out of place.
type shapeParser struct {
	dst, s []byte
	ok     bool
}

// peek skips spaces and shows the next byte, 0 at the end.
func (p *shapeParser) peek() byte {
	for len(p.s) > 0 && p.s[0] == ' ' {
		p.s = p.s[1:]
	}
	if len(p.s) == 0 {
		return 0
	}
	return p.s[0]
}

// byte expects c.
func (p *shapeParser) byte(c byte) {
	if p.peek() != c {
		p.ok = false
		return
	}
	p.s = p.s[1:]
	p.dst = append(p.dst, c)
}

func (p *shapeParser) number() {
	p.peek()
	end := 0
	for end < len(p.s) && p.s[end] != ',' && p.s[end] != ' ' && p.s[end] != ')' && p.s[end] != '}' && p.s[end] != '>' {
		end++
	}
	word := p.s[:end]
	p.s = p.s[end:]
	switch string(word) {
	case "NaN", "Infinity", "-Infinity":
		p.dst = append(p.dst, word...)
		return
	}
	v, err := strconv.ParseFloat(string(word), 64)
	if err != nil || !isJSONNumber(word) || v == 0 && !isZero(word) {
		p.ok = false
		return
	}
	p.dst = appendFloat8(p.dst, v)
}

// point expects (x,y).
func (p *shapeParser) point() {
	p.byte('(')
	p.number()
	p.byte(',')
	p.number()
	p.byte(')')
}

// pair expects two points.
func (p *shapeParser) pair() {
	p.point()
	p.byte(',')
	p.point()
}

// points expects a list of points between brackets.
func (p *shapeParser) points(open, shut byte) {
	p.byte(open)
	p.point()
	for p.ok && p.peek() == ',' {
		p.byte(',')
		p.point()
	}
	p.byte(shut)
}
