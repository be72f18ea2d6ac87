package reproduce

import (
	"strings"

	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// Column is a column of a table things, and its values.
type Column struct {
	Name, Type, Base string
	Values           []string
}

// Text is what the faker reads beside rows: what makes objects, and an operation.
type Text struct {
	Objects    []string
	Definition any
	Lines      []corpus.Line
	Parameters []string // types of the arguments of every line
	Enums      map[string][]string
}

// Offers are all the forms in which a world may be written: for every reading, and every
// maker of values.
func Offers(columns []Column, text Text) ([]string, error) {
	before := &world{operation: operation{definition: text.Definition, lines: bareLines(text.Lines)}}
	t := table{schema: "public", name: "things"}
	for _, c := range columns {
		t.columns = append(t.columns, column{name: c.Name, typ: c.Type, base: c.Base})
		for i, v := range c.Values {
			if i == len(t.rows) {
				t.rows = append(t.rows, make([]*string, len(columns)))
			}
			t.rows[i][len(t.columns)-1] = &v
		}
	}
	before.tables = []table{t}
	for name, labels := range text.Enums {
		before.types = append(before.types, typ{schema: "public", name: name, labels: labels})
	}
	for _, o := range text.Objects {
		before.objects = append(before.objects, object{do: o})
	}
	if text.Lines == nil {
		before.lines = nil
	}
	parameters := map[string][]string{}
	for _, l := range text.Lines {
		parameters[l.SQL] = text.Parameters
	}
	var offers []string
	for _, r := range readings {
		for _, how := range makers {
			f := &faker{before: before, how: map[string]maker{}, reading: r, parameters: parameters, spoken: wordSet("select from where update set with and in like")}
			f.labels()
			for _, base := range f.bases() {
				f.how[base] = how
			}
			w, err := f.offer()
			if err != nil {
				return nil, err
			}
			if w == nil {
				continue
			}
			said, err := w.said()
			if err != nil {
				return nil, err
			}
			if w.lines != nil {
				list, err := Operation{Lines: w.lines}.Corpus()
				if err != nil {
					return nil, err
				}
				said += list
			}
			offers = append(offers, strings.Join(w.sql(), ";\n")+"\n"+said)
		}
	}
	return offers, nil
}
