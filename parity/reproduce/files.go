package reproduce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/corpus"
)

// The lines of comment in an SQL file that say what to run.
const (
	headLine       = "-- fraiseql reproducer: "
	controlLine    = "-- control: "
	candidateLine  = "-- candidate: "
	definitionLine = "-- definition: "
	corpusLine     = "-- line: " // of a program, as a corpus has it
)

// SQL is the file that makes the database; its comments say what to run in it. path is
// that of the file, which stands in the command that runs it again.
func (r *Reproducer) SQL(path string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n%s%s\n%s%s\n", headLine, oneLine(r.Signature.String()), controlLine, r.Control, candidateLine, r.Candidate)
	if r.Lines == nil {
		fmt.Fprintf(&b, "%s%s\n", definitionLine, r.Definition)
	}
	lines, err := r.Corpus()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(lines) {
		b.WriteString(corpusLine + line)
	}
	fmt.Fprintf(&b, "-- All values are made up. Again, in a database of its own: fraiseql parity replay %s\n\n", oneLine(shellWord(path)))
	for _, s := range r.Statements {
		b.WriteString(s + ";\n")
	}
	return b.String(), nil
}

// File is what an SQL file says.
type File struct {
	Signature, Control, Candidate string
	Operation
	Script string
}

// ThirdVoice says whether it takes the server to tell: both sides give the same wrong answer.
func (f *File) ThirdVoice() bool { return strings.HasPrefix(f.Signature, string(parity.DiffServer)) }

// ParseFile reads what SQL has written.
func ParseFile(text string) (*File, error) {
	f := &File{Script: text}
	var lines strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		for _, p := range []struct {
			prefix string
			to     *string
		}{{headLine, &f.Signature}, {controlLine, &f.Control}, {candidateLine, &f.Candidate}} {
			if v, ok := strings.CutPrefix(line, p.prefix); ok {
				*p.to = v
			}
		}
		if v, ok := strings.CutPrefix(line, definitionLine); ok {
			f.Definition = json.RawMessage(v)
		}
		if v, ok := strings.CutPrefix(line, corpusLine); ok {
			lines.WriteString(v + "\n")
		}
	}
	if lines.Len() > 0 {
		var err error
		if f.Lines, err = corpus.ReadAll(strings.NewReader(lines.String())); err != nil {
			return nil, fmt.Errorf("its program: %w", err)
		}
	}
	if f.Signature == "" || f.Control == "" || f.Candidate == "" || f.Lines == nil && !json.Valid(f.Definition) {
		return nil, errors.New("the file has no lines of comment that say what to run: it is no reproducer")
	}
	return f, nil
}

// Go is a test that runs the operation in the empty database of DATABASE_URL, and
// fails while the backends differ.
func (r *Reproducer) Go(name string) (string, error) {
	var b bytes.Buffer
	lines, err := r.Corpus()
	if err != nil {
		return "", err
	}
	err = goTemplate.Execute(&b, map[string]any{"R": r, "Lines": lines, "Name": "TestParity_" + identifier(name), "Backends": "backendsOf_" + identifier(name), "Steps": r.steps()})
	if err != nil {
		return "", err
	}
	out, err := format.Source(b.Bytes())
	return string(out), err
}

// steps are the statements with what undoes them.
func (r *Reproducer) steps() [][2]string {
	list := make([][2]string, len(r.Statements))
	for i, s := range r.Statements {
		list[i][0] = s
		if i < len(r.Undo) {
			list[i][1] = r.Undo[i]
		}
	}
	return list
}

// oneLine is s in a comment, which the end of a line would end.
func oneLine(s string) string { return strings.NewReplacer("\n", "?", "\r", "?").Replace(s) }

// shellWord is s as one word of a shell.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func identifier(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, s)
}

var goTemplate = template.Must(template.New("test").Funcs(template.FuncMap{"quote": quote, "oneline": oneLine}).Parse(`// {{oneline .R.Signature.String}}: {{.R.Control}} (control) and {{.R.Candidate}} (candidate) differ.
// All values are made up. It needs a database without such tables, and drops at the end
// what it has made:
//
//	createdb reproduce
//	DATABASE_URL=postgres://localhost/reproduce go test -run '^{{.Name}}$' .
package parity_test

import (
	"context"
{{- if .Lines}}
	"os"
	"strings"
	"testing"
{{- else}}
	"io"
	"os"
	"testing"
{{- end}}

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
{{- if not .Lines}}
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/catalog"
{{- end}}
	"github.com/fraiseql/fraiseql-go/codec"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
{{- if .Lines}}
	"github.com/fraiseql/fraiseql-go/parity/corpus"
{{- end}}
)

// {{.Backends}} are those that the test chooses from.
var {{.Backends}} = all.Modes(codec.HasBinary)

func {{.Name}}(t *testing.T) {
	if os.Getenv("DATABASE_URL") == "" {
		t.Skip("set DATABASE_URL to an empty database")
	}
	ctx := t.Context()
	cfg, err := backend.ParseDSN(os.Getenv("DATABASE_URL"), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	open := func(mode string, o ...executor.Option) *executor.DB {
		for _, b := range {{.Backends}} {
			if backend.ModeOf(b) != mode {
				continue
			}
			db, err := executor.Open(ctx, b, cfg, o...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
		t.Fatalf("there is no backend %s", mode)
		return nil
	}
	setup := open({{quote .R.Control}}, executor.WithMaxConns(1))
	for _, s := range []struct{ do, undo string }{
{{- range .Steps}}
		{ {{- quote (index . 0)}}, {{quote (index . 1)}}},
{{- end}}
	} {
		if _, err := setup.Pool().ExecContext(ctx, s.do); err != nil {
			t.Fatalf("%v in %s", err, s.do)
		}
		if s.undo != "" {
			t.Cleanup(func() {
				if _, err := setup.Pool().ExecContext(context.WithoutCancel(ctx), s.undo); err != nil {
					t.Errorf("%v in %s", err, s.undo)
				}
			})
		}
	}
	control, candidate := open({{quote .R.Control}}), open({{quote .R.Candidate}})
{{- if not .Lines}}
	cat, err := catalog.Load(ctx, control.Pool())
	if err != nil {
		t.Fatal(err)
	}
	schema, err := builder.NewSchema(cat, builder.SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	definition, err := builder.ParseDefinition([]byte({{printf "%s" .R.Definition | quote}}))
	if err != nil {
		t.Fatal(err)
	}
{{- end}}
	compared := 0
	harness := parity.NewHarness(parity.WithRollback(),{{if eq .R.Signature.Kind "server"}} parity.WithThirdVoice(1),{{end}} parity.WithPublisher(parity.PublisherFunc(func(_ context.Context, r parity.Report) {
		compared++
		if !r.Verdict.Pass() {
			t.Errorf("%s: %s %s", r.Operation, r.Verdict, r.Reason)
		}
		for _, d := range r.Diffs {
			t.Error(d)
		}
	})))
{{- if .Lines}}
	program := corpus.NewReader(strings.NewReader({{quote .Lines}}))
	describe := corpus.WithDescribe(func(ctx context.Context, l corpus.Line) error {
		return corpus.Describe(ctx, harness, control.Pool(), candidate.Pool(), l)
	})
	replayed, err := corpus.NewReplayer(parity.NewRunner(harness, control, candidate), describe).Replay(ctx, program)
	if compared == 0 {
		t.Errorf("nothing was compared: %v %v", err, replayed.Unusable)
	}
{{- else}}
	err = executor.Execute(ctx, parity.NewRunner(harness, control, candidate), schema, definition, io.Discard)
	if compared == 0 {
		t.Errorf("nothing was compared: %v", err)
	}
{{- end}}
}
`))

// quote is s as a Go string, in back quotes where that is possible.
func quote(s string) string {
	if s != "" && strconv.CanBackquote(strings.NewReplacer("\n", "", "\t", "").Replace(s)) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

// Write writes NAME.sql and NAME_test.go into a folder, and gives the path of the
// first.
func (r *Reproducer) Write(dir, name string) (string, error) {
	test, err := r.Go(name)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is written is for others to read
		return "", err
	}
	path := filepath.Join(dir, name+".sql")
	text, err := r.SQL(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(
		os.WriteFile(path, []byte(text), 0o644),                                //nolint:gosec // the same
		os.WriteFile(filepath.Join(dir, name+"_test.go"), []byte(test), 0o644)) //nolint:gosec // the same
}
