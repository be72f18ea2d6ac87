package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

var update = flag.Bool("update", false, "rewrite the schema, and the picture of the page")

const schemaFile = "../../docs/reference/parity-report.schema.json"

// The schema is made from the structs and their comments.
func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	g := generator{docs: comments(t), definitions: map[string]any{}}
	root := g.of(reflect.TypeFor[report.Document]())
	schema := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": report.Format,
		"description": "What fraiseql parity run --json writes. Made from the Go structs by: go test ./parity/report -run Schema -update",
		"$defs":       g.definitions, "$ref": root["$ref"],
	}
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.String(), string(got)); d != "" {
		t.Errorf("%s is not what the structs say; run go test ./parity/report -run Schema -update\n%s", schemaFile, d)
	}
}

// comments are those of the fields of document.go, by "Type.Field".
func comments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "document.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			s := d.Specs[0].(*ast.TypeSpec)
			docs[s.Name.Name] = strings.Join(strings.Fields(d.Doc.Text()), " ")
			for _, f := range s.Type.(*ast.StructType).Fields.List {
				if f.Doc.Text() == "" {
					t.Errorf("%s.%s has no comment", s.Name.Name, f.Names[0].Name)
				}
				docs[s.Name.Name+"."+f.Names[0].Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
			}
		}
		return true
	})
	return docs
}

// generator makes JSON Schema of Go types.
type generator struct {
	docs        map[string]string
	definitions map[string]any
}

func (g *generator) of(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[parity.Verdict]():
		var names []string
		for _, v := range parity.Verdicts() {
			names = append(names, v.String())
		}
		return map[string]any{"type": "string", "enum": names}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": g.of(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": g.of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Struct:
	default:
		panic(t.String())
	}
	ref := map[string]any{"$ref": "#/$defs/" + t.Name()}
	if _, ok := g.definitions[t.Name()]; ok {
		return ref
	}
	g.definitions[t.Name()] = nil
	properties, required := map[string]any{}, []string{}
	for f := range t.Fields() {
		key, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := g.of(f.Type)
		p["description"] = g.docs[t.Name()+"."+f.Name]
		properties[key] = p
		if option != "omitempty" {
			required = append(required, key)
		}
	}
	g.definitions[t.Name()] = map[string]any{
		"type": "object", "description": g.docs[t.Name()], "properties": properties, "required": required, "additionalProperties": false,
	}
	return ref
}

// TestDocumentsAreValid: what is written is what the schema says, and is read back
// as it was.
func TestDocumentsAreValid(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*report.Document{"empty": report.NewCollector().Document(), "full": full()} {
		var b bytes.Buffer
		if err := d.JSON(&b); err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v\n%s", name, err, &b)
		}
		value.(map[string]any)["surprise"] = true
		if schema.Validate(value) == nil {
			t.Errorf("%s: a key that the schema does not know is taken", name)
		}
		again, err := report.Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(d, again); d != "" {
			t.Errorf("%s is read back as another:\n%s", name, d)
		}
	}
	if _, err := report.Read(strings.NewReader(`{"format":"fraiseql-parity-report/9"}`)); err == nil {
		t.Error("a format of the future is read")
	}
}

// full is a document with something in every place.
func full() *report.Document {
	c := report.NewCollector(report.WithReveal("orders.total"))
	ctx := context.Background()
	shapes := []struct {
		shape string
		n     int
	}{
		{"query users fields(id, name, email) where id eq ?", 4210},
		{"query posts fields(id, title, comments {id, body}) where and(author_id eq ?, published_at lt ?) sort(published_at desc) limit", 2904},
		{"insert comments input(body, post_id) fields(id, created_at)", 871},
		{"query orders fields(id, total, placed_at) where customer_id eq ?", 640},
		{"update users input(name) fields(id, updated_at) where id eq ?", 122},
		{"query events fields(id, payload, at) where payload contains ? sort(at) limit", 64},
		{"delete comments where id in ? return_nothing", 9},
	}
	for i, s := range shapes {
		ctx := report.WithOperation(ctx, report.Operation{Title: "line " + string(rune('1'+i)), Line: i + 1, Shape: s.shape, Replay: "fraiseql parity run corpus.jsonl --line " + string(rune('1'+i))})
		for n := range s.n {
			r := parity.Report{Seq: uint64(n), Verdict: parity.Equal, Control: parity.Side{Rows: 3, Duration: time.Duration(900+n%211) * time.Microsecond}, Candidate: parity.Side{Rows: 3}}
			r.Candidate.Duration = r.Control.Duration * time.Duration(88+i*5+n%13) / 100
			if i == 2 {
				r.Verdict, r.Rules = parity.EqualByRule, map[string]int{parity.RuleVolatile: 2}
			}
			c.Publish(ctx, r)
		}
	}
	at := func(i int) context.Context {
		return report.WithOperation(ctx, report.Operation{Title: shapes[i].shape[:12] + "…", Line: 40 + i, Shape: shapes[i].shape})
	}
	c.Publish(at(3), parity.Report{Seq: 8001, Verdict: parity.Mismatch, Wrong: parity.VoiceCandidate, Dropped: 4, Control: parity.Side{Rows: 2}, Candidate: parity.Side{Rows: 2}, Diffs: []parity.Diff{
		{Kind: parity.DiffValue, Statement: "query orders", Row: 2, Cells: []parity.Cell{
			{Column: "total", Type: "numeric(12,2)", Control: parity.Value{Text: "1200.10"}, Candidate: parity.Value{Text: "1200.1"}, Server: &parity.Value{Text: "1200.10"}},
			{Column: "placed_at", Type: "timestamptz", Control: parity.Value{Text: "2024-03-01T09:15:02.123457+00:00"}, Candidate: parity.Value{Text: "2024-03-01T09:15:02.123456+00:00"}},
			{Column: "note", Type: "text", Control: parity.Value{Null: true}, Candidate: parity.Value{Text: ""}},
		}},
		{Kind: parity.DiffMissing, Statement: "query orders", Row: 3, Detail: "- secret"},
	}})
	c.SetReproducer(shapes[3].shape, "reproduce/"+report.Fingerprint(shapes[3].shape)+".sql", "fraiseql parity replay reproduce/"+report.Fingerprint(shapes[3].shape)+".sql")
	c.Publish(at(4), parity.Report{Seq: 8002, Verdict: parity.Mismatch, Control: parity.Side{Rows: 1}, Candidate: parity.Side{Code: 3, SQLState: "23505"}, Diffs: []parity.Diff{{Kind: parity.DiffError, Statement: "update users"}}})
	c.Publish(at(5), parity.Report{Seq: 8003, Verdict: parity.Noise, Reason: "the control differs from itself"})
	c.Publish(at(1), parity.Report{Seq: 8004, Verdict: parity.Inconclusive, Reason: "a connection failed or was canceled in query posts"})
	c.Publish(at(6), parity.Report{Seq: 8005, Verdict: parity.NotCompared, Reason: "writes are skipped"})
	c.SetAllocations(shapes[0].shape, "median of 5 runs of each class of reads, one after another", report.Allocations{N: 5, Control: report.Allocation{Objects: 412, Bytes: 38_112}, Candidate: report.Allocation{Objects: 268, Bytes: 21_904}})
	d := c.Document()
	start := time.Date(2026, 11, 26, 7, 30, 0, 0, time.UTC)
	d.Head = report.Head{
		Tool: "fraiseql dev", Started: start, Ended: start.Add(48 * time.Second), Server: "15.18", Source: "corpus.jsonl", SourceHash: strings.Repeat("5e", 32), Seed: 7,
		Operations: d.Verdicts.Total(), Writes: "rollback", Resumed: 1, Differing: []string{"extra_float_digits"},
		Control:   report.Side{Mode: "pq/default", Settings: []report.Setting{{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}, {"extra_float_digits", "1"}, {"search_path", `"$user", public`}}},
		Candidate: report.Side{Mode: "pgx/cache_statement", Settings: []report.Setting{{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}, {"extra_float_digits", "0"}, {"search_path", `"$user", public`}}},
	}
	d.Ignores = []report.Ignored{{What: "query sessions / last_seen until 2027-01-31", Owner: "accounts", Reason: "the clock of the view", Used: 12}}
	d.ExitCode, d.Failures = 20, []string{"2 operations differ", "coverage is 91.7 %, and --min-coverage asks for 95 %"}
	uses := []string{"read", "null", "write", "eq", "in", "lt", "contains", "array member"}
	m := report.HeatMap{Title: "Types by use, pgx/cache_statement", Columns: uses}
	for i, name := range []string{"bool", "int4", "int8", "numeric", "text", "timestamptz", "uuid", "jsonb", "inet", "tstzrange"} {
		row := report.HeatRow{Name: name}
		for j := range uses {
			n := []int64{4210, 121, 64, 9, 1, 0, 12_345, -1}[(i*3+j*5)%8]
			row.Cells = append(row.Cells, n)
		}
		m.Rows = append(m.Rows, row)
	}
	d.Coverage = &report.Coverage{Percent: 91.7, Compared: 66, Total: 72, Never: []string{"users.avatar", "orders.shipping_address", "events.origin (write)", "inet overlaps", "tstzrange contains", "uuid[] member"}, NeverMore: 2, Differed: []string{"orders.total (read)"}, Undecided: []string{"operation query sessions (class 0123456789abcdef)"}, Maps: []report.HeatMap{m}}
	return d
}
