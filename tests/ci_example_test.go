package tests

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const ciExample = "../examples/ci"

// breaks makes the answers of the two drivers differ: lib/pq names its prepared
// statements by numbers.
const breaks = `create view sessions as select exists (select from pg_prepared_statements where name ~ '^[0-9]*$') as named`

// ciProject is a copy of the example in a folder of its own, with the command on the
// PATH as `fraiseql`; with a difference where broken.
func ciProject(t *testing.T, broken bool) (dir string, env []string) {
	t.Helper()
	p := newPage(t, false)
	for _, name := range []string{"Makefile", "corpus.jsonl", "schema.sql"} {
		text, err := os.ReadFile(filepath.Join(ciExample, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "corpus.jsonl" && broken {
			pgtest.Exec(t, p.dsn, breaks)
			text = append(text, `{"title":"sessions","definition":{"operation":"query","table":"sessions"}}`+"\n"...)
		}
		if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p.dir, append(p.env, "GITHUB_STEP_SUMMARY="+filepath.Join(p.dir, "summary"))
}

// TestCIMakefile runs the Makefile of the example: it passes, and fails on a
// difference with the report written.
func TestCIMakefile(t *testing.T) {
	t.Parallel()
	for _, broken := range []bool{false, true} {
		dir, env := ciProject(t, broken)
		dsn := strings.TrimPrefix(env[len(env)-2], "DATABASE_URL=")
		schema, err := os.ReadFile(filepath.Join(dir, "schema.sql"))
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, dsn, string(schema))
		cmd := exec.CommandContext(t.Context(), "make", "parity", "FRAISEQL=fraiseql")
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if (err != nil) != broken {
			t.Errorf("broken %v: %v\n%s", broken, err, out)
		}
		if broken && !bytes.Contains(out, []byte("Error 4")) {
			t.Errorf("make does not say the exit code 4:\n%s", out)
		}
		for _, name := range []string{"parity.json", "parity.xml", "parity.html"} {
			if _, err := os.Stat(filepath.Join(dir, "reports", name)); err != nil {
				t.Errorf("broken %v: %v", broken, err)
			}
		}
	}
}

// workflow is as much of a workflow as the test needs; what it does not know is an
// error.
type workflow struct {
	Name        string
	On          []string
	Permissions map[string]string
	Jobs        map[string]struct {
		RunsOn   string         `yaml:"runs-on"`
		Services map[string]any `yaml:"services"`
		Env      map[string]string
		Steps    []struct {
			Name, Uses, Run, If string
			With                map[string]string
		}
	}
}

// TestCIWorkflow runs what the workflow runs, step by step as the runner would: a step that
// failed ends the job, but for steps that run always.
func TestCIWorkflow(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("psql"); err != nil {
		t.Skip("there is no psql")
	}
	text, err := os.ReadFile(filepath.Join(ciExample, ".github/workflows/parity.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&w); err != nil {
		t.Fatal(err)
	}
	job := w.Jobs["parity"]
	if job.Services["postgres"] == nil || job.Env["DATABASE_URL"] == "" || w.Permissions["contents"] != "read" {
		t.Errorf("the job has no database, or more rights than it needs: %+v", w)
	}
	for _, broken := range []bool{false, true} {
		dir, env := ciProject(t, broken)
		failed, ran := false, 0
		for _, s := range job.Steps {
			if s.Run == "" || strings.HasPrefix(s.Run, "go install ") || failed && s.If != "always()" {
				continue
			}
			ran++
			cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.Run)
			cmd.Dir, cmd.Env = dir, env
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Logf("%s: %v\n%s", s.Name, err, out)
				failed = true
			}
		}
		if failed != broken || ran != 3 {
			t.Errorf("broken %v: failed %v after %d steps that run", broken, failed, ran)
		}
		summary, err := os.ReadFile(filepath.Join(dir, "summary"))
		if err != nil || bytes.Contains(summary, []byte(" 1 mismatch")) != broken {
			t.Errorf("broken %v: the summary is %q, %v", broken, summary, err)
		}
	}
}
