package clones

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// names are the values that the databases made by themselves and that stand for
// each other: number k on the one side is number k on the other.
type names struct {
	number [2]map[string]int
	n      int
}

func (n *names) learn(control, candidate string) bool {
	if n.number[0] == nil {
		n.number = [2]map[string]int{{}, {}}
	}
	i, known := n.number[0][control]
	j, other := n.number[1][candidate]
	if known || other {
		return known && other && i == j
	}
	n.n++
	n.number[0][control], n.number[1][candidate] = n.n, n.n
	return true
}

// longName is the length from which a value is so rare that it means the same
// wherever it stands: a uuid has 36.
const longName = 32

// settle matches the rows that are left of all tables and adds those that have no
// counterpart. Rows that have one teach it names, by which others may be matched.
func (d *differ) settle(open []*reading) {
	for progress := true; progress; {
		progress = false
		for _, r := range open {
			progress = d.match(r, false) || progress
		}
		if progress {
			continue
		}
		// Rows that are alike in all but what the databases made: any of them may
		// stand for any other, until something refers to them.
		for _, r := range open {
			if progress = d.match(r, true); progress {
				break
			}
		}
	}
	for _, r := range open {
		d.tell(r)
	}
}

// signature is what two rows that may be counterparts have in common. free says that
// there is a value in it that nothing is known of yet.
func (d *differ) signature(r *reading, side int, e *entry) (text string, free bool) {
	var b strings.Builder
	for i, c := range e.cells {
		if c == nil {
			appendCell(&b, nil)
			continue
		}
		number, named := d.names.number[side][*c]
		switch k := r.kinds[i]; {
		case k == moment && d.during(*c):
			b.WriteString("~")
		case named && (k == made || k == refers || len(*c) >= longName):
			b.WriteString("#" + strconv.Itoa(number))
		case k == made:
			b.WriteString("*")
			free = true
		default:
			appendCell(&b, c)
		}
		b.WriteByte(';')
	}
	return b.String(), free
}

// match takes rows that are counterparts out of r. With anyOf also those that are
// alike in all that is known, in the order of their keys.
func (d *differ) match(r *reading, anyOf bool) (progress bool) {
	theirs := make(map[string][]int)
	for i := range r.open[1] {
		s, _ := d.signature(r, 1, &r.open[1][i])
		theirs[s] = append(theirs[s], i)
	}
	count := make(map[string]int)
	for i := range r.open[0] {
		s, _ := d.signature(r, 0, &r.open[0][i])
		count[s]++
	}
	var gone [2][]int
	for i := range r.open[0] {
		s, free := d.signature(r, 0, &r.open[0][i])
		list := theirs[s]
		if len(list) == 0 || free && !anyOf && (count[s] > 1 || len(list) > 1) {
			continue
		}
		if !d.pair(r, &r.open[0][i], &r.open[1][list[0]]) {
			continue
		}
		theirs[s] = list[1:]
		gone[0], gone[1] = append(gone[0], i), append(gone[1], list[0])
	}
	for side := range r.open {
		slices.Sort(gone[side])
		for _, i := range slices.Backward(gone[side]) {
			r.open[side] = slices.Delete(r.open[side], i, i+1)
		}
	}
	return len(gone[0]) > 0
}

// pair counts by which rules two rows are equal, and learns from them.
func (d *differ) pair(r *reading, a, b *entry) bool {
	for i, k := range r.kinds {
		if k == made && a.cells[i] != nil && !d.names.learn(*a.cells[i], *b.cells[i]) {
			return false
		}
	}
	for i, k := range r.kinds {
		x, y := a.cells[i], b.cells[i]
		switch {
		case x == nil || *x == *y:
		case k == moment:
			d.state.Rules[parity.RuleRunTime]++
		default:
			d.state.Rules[parity.RuleVolatile]++
		}
	}
	return true
}

// clockSkew is how far the server's clock may be from ours.
const clockSkew = 5 * time.Second

// during says that text is a moment of the run.
func (d *differ) during(text string) bool {
	if d.opt.began.IsZero() {
		return false
	}
	from, to := d.opt.began.Add(-clockSkew), time.Now().Add(clockSkew)
	for _, layout := range [...]string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999-07:00", "2006-01-02 15:04:05.999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.After(from) && at.Before(to)
		}
	}
	return text == from.UTC().Format(time.DateOnly) || text == to.UTC().Format(time.DateOnly)
}

// tell adds what is left of a table: rows that have the same key differ in values,
// the others are missing or extra.
func (d *differ) tell(r *reading) {
	key := func(side int, e *entry) string {
		if r.table.PrimaryKey == nil {
			return ""
		}
		var b strings.Builder
		for _, c := range r.table.PrimaryKey.Columns {
			cell := e.cells[slices.Index(r.table.Columns, c)]
			if cell != nil {
				if k, ok := d.names.number[side][*cell]; ok {
					b.WriteString("#" + strconv.Itoa(k))
					continue
				}
			}
			appendCell(&b, cell)
		}
		return b.String()
	}
	byKey := make(map[string]*entry)
	for i := range r.open[1] {
		if k := key(1, &r.open[1][i]); k != "" {
			byKey[k] = &r.open[1][i]
		}
	}
	name := nameOf(r.table)
	for i := range r.open[0] {
		e := &r.open[0][i]
		k := key(0, e)
		other := byKey[k]
		if other == nil {
			d.add(parity.Diff{Kind: parity.DiffMissing, Statement: name, Row: e.n, Detail: "- " + d.text(r, e)})
			continue
		}
		delete(byKey, k)
		d.add(d.values(r, e, other))
	}
	for i := range r.open[1] {
		e := &r.open[1][i]
		if k := key(1, e); k == "" || byKey[k] == e {
			d.add(parity.Diff{Kind: parity.DiffExtra, Statement: name, Detail: "+ " + d.text(r, e)})
		}
	}
}

// values is the difference of two rows with one key.
func (d *differ) values(r *reading, a, b *entry) parity.Diff {
	diff := parity.Diff{Kind: parity.DiffValue, Statement: nameOf(r.table), Row: a.n}
	var details []string
	if r.table.PrimaryKey != nil {
		for _, c := range r.table.PrimaryKey.Columns {
			details = append(details, c.Name+"="+show(a.cells[slices.Index(r.table.Columns, c)]))
		}
	}
	for i, c := range r.table.Columns {
		x, y := a.cells[i], b.cells[i]
		if x == nil && y == nil || x != nil && y != nil && *x == *y {
			continue
		}
		if x != nil && y != nil && r.kinds[i] == moment && d.during(*x) && d.during(*y) {
			continue
		}
		if x != nil && y != nil && r.kinds[i] != exact {
			if k, ok := d.names.number[0][*x]; ok && d.names.number[1][*y] == k {
				continue
			}
		}
		diff.Cells = append(diff.Cells, parity.Cell{Column: c.Name, Type: c.Declared, Control: value(x), Candidate: value(y)})
		details = append(details, "- "+c.Name+"="+show(x), "+ "+c.Name+"="+show(y))
	}
	diff.Detail = strings.Join(details, "\n")
	return diff
}

func (d *differ) text(r *reading, e *entry) string {
	list := make([]string, len(e.cells))
	for i, c := range r.table.Columns {
		list[i] = c.Name + "=" + show(e.cells[i])
	}
	return strings.Join(list, ", ")
}

func value(c cell) parity.Value {
	if c == nil {
		return parity.Value{Null: true}
	}
	return parity.Value{Text: *c}
}

func show(c cell) string {
	if c == nil {
		return "NULL"
	}
	return *c
}

// appendCell appends a cell with its length, so that no two rows share a text.
func appendCell(b *strings.Builder, c cell) {
	if c == nil {
		b.WriteString("n,")
		return
	}
	b.WriteString(strconv.Itoa(len(*c)) + ":" + *c + ",")
}
