package tests

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

// A file of testdata/graphql is a txtar of requests that run in order on a database
// of its own, and of their answers, byte for byte:
//
//	-- setup.sql --          what is in an empty database; left out: the sample data
//	-- config.json --        a graphql.Config
//	-- env --                settings, NAME=value
//	-- NAME.graphql --       a document
//	-- NAME.variables --     its variables
//	-- NAME.operation --     its operationName
//	-- NAME.answer --        what comes back; -update writes it
//
// NAME says what a request is about; a comment in the document says why.
type graphqlFile struct {
	path  string
	setup string
	conf  graphql.Config
	env   map[string]string
	cases []*graphqlCase
	text  *txtar.Archive
}

type graphqlCase struct {
	name    string
	request graphql.Request
	answer  string
}

func readGraphQL(t *testing.T, path string) *graphqlFile {
	t.Helper()
	text, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &graphqlFile{path: path, text: text, env: map[string]string{}}
	for _, section := range text.Files {
		data := strings.TrimSpace(string(section.Data))
		name, kind, _ := cutLast(section.Name)
		switch section.Name {
		case "setup.sql":
			f.setup = data
			continue
		case "config.json":
			if err := json.Unmarshal(section.Data, &f.conf); err != nil {
				t.Fatalf("%s: %s: %v", path, section.Name, err)
			}
			continue
		case "env":
			for line := range strings.Lines(data) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				f.env[key] = value
			}
			continue
		}
		if kind == "graphql" {
			f.cases = append(f.cases, &graphqlCase{name: name, request: graphql.Request{Query: data}})
			continue
		}
		if len(f.cases) == 0 || f.cases[len(f.cases)-1].name != name {
			t.Fatalf("%s: %s does not stand behind %s.graphql", path, section.Name, name)
		}
		c := f.cases[len(f.cases)-1]
		switch kind {
		case "variables":
			c.request.Variables = json.RawMessage(data)
		case "operation":
			c.request.OperationName = data
		case "answer":
			c.answer = data
		default:
			t.Fatalf("%s: there is no section %q", path, kind)
		}
	}
	return f
}

func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// write puts the answers into the file.
func (f *graphqlFile) write(t *testing.T) {
	t.Helper()
	out := &txtar.Archive{Comment: f.text.Comment}
	answers := map[string]string{}
	for _, c := range f.cases {
		answers[c.name] = c.answer
	}
	for i, section := range f.text.Files {
		name, kind, _ := cutLast(section.Name)
		if kind == "answer" {
			continue
		}
		out.Files = append(out.Files, section)
		answer, is := answers[name]
		last := i+1 == len(f.text.Files)
		if !last {
			next, kind, _ := cutLast(f.text.Files[i+1].Name)
			last = next != name || kind == "answer"
		}
		if is && last {
			out.Files = append(out.Files, txtar.File{Name: name + ".answer", Data: []byte(answer + "\n\n")})
		}
	}
	if err := os.WriteFile(f.path, txtar.Format(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

// graphqlBackends are each backend in its default mode; FRAISEQL_DB_BACKEND leaves
// one.
func graphqlBackends() []backend.Backend {
	var list []backend.Backend
	for _, b := range all.Modes(nil) {
		if only := os.Getenv("FRAISEQL_DB_BACKEND"); only != "" && only != b.Name() {
			continue
		}
		if len(list) == 0 || list[len(list)-1].Name() != b.Name() {
			list = append(list, b)
		}
	}
	return list
}

// open is the facade on a new database as f wants it.
func (f *graphqlFile) open(t *testing.T, b backend.Backend) *fraiseql.DB {
	t.Helper()
	var dsn string
	if f.setup == "" {
		dsn = pgtest.Sample(t)
	} else {
		dsn = pgtest.DB(t)
		pgtest.Exec(t, dsn, f.setup)
	}
	s := settingsOf(t, b, func(name string) string {
		if v, said := f.env[name]; said {
			return v
		}
		return os.Getenv(name)
	})
	db, err := fraiseql.Open(t.Context(), dsn, s, fraiseql.WithGraphQL(f.conf),
		fraiseql.WithParity(parity.WithPublisher(parity.PublisherFunc(publish(t)))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// answer is what db says to a request.
func (c *graphqlCase) ask(t *testing.T, db *fraiseql.DB) string {
	t.Helper()
	engine, err := db.GraphQL()
	if err != nil {
		t.Fatal(err)
	}
	op, err := engine.Prepare(t.Context(), &c.request)
	if err != nil {
		errs, ok := err.(graphql.Errors)
		if !ok {
			t.Fatalf("Prepare answered %T: %v", err, err)
		}
		return `{"errors":[` + string(errs.AppendErrors(nil)) + `]}`
	}
	var w bytes.Buffer
	if err := op.Execute(t.Context(), &w); err != nil && executor.Partial(err) {
		t.Errorf("%v after %d bytes", err, w.Len())
	}
	if !json.Valid(w.Bytes()) {
		t.Errorf("the answer is not JSON: %s", w.String())
	}
	return w.String()
}

// run answers every request of f on each of list and compares with the file.
func (f *graphqlFile) run(t *testing.T, list []backend.Backend) {
	t.Helper()
	dbs := make([]*fraiseql.DB, len(list))
	for i, b := range list {
		dbs[i] = f.open(t, b)
	}
	for _, c := range f.cases {
		t.Run(c.name, func(t *testing.T) {
			for i, db := range dbs {
				got := c.ask(t, db)
				if *update && i == 0 {
					c.answer = got
				}
				if d := cmp.Diff(c.answer, got); d != "" {
					t.Errorf("%s (-%s +got):\n%s", backend.ModeOf(list[i]), filepath.Base(f.path), d)
				}
			}
		})
	}
	for _, db := range dbs {
		if h := db.Harness(); h != nil {
			if s := h.Summary(); !s.Passed() {
				t.Errorf("parity: %+v", s)
			}
		}
	}
	if *update {
		f.write(t)
	}
}

// TestGraphQL answers the requests of testdata/graphql on both backends, as the
// environment says (FRAISEQL_DB_BACKEND, FRAISEQL_PARITY_TESTING).
func TestGraphQL(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/graphql/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := graphqlBackends()
			if slices.Contains([]string{"modes", "arrays", "composites", "upserts"}, name) { // what drivers send in ways of their own
				list = all.Modes(nil)
			}
			readGraphQL(t, path).run(t, list)
		})
	}
}
