package tests

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/all"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/parity"
)

var update = flag.Bool("update", false, "rewrite testdata/operations.golden")

// operation is one line of the corpus.
type operation struct {
	Title      string          `json:"title"`
	Definition json.RawMessage `json:"definition"`
}

// corpus reads testdata/operations.jsonl.
func corpus(t *testing.T) []operation {
	t.Helper()
	f, err := os.Open("testdata/operations.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []operation
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var o operation
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		list = append(list, o)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// settings are those of the environment, so that FRAISEQL_PARITY_TESTING=true
// compares every operation of this suite, on the backend and mode of b.
func settings(t *testing.T, b backend.Backend) *flags.Settings {
	t.Helper()
	return settingsOf(t, b, os.Getenv)
}

// settingsOf are settings where getenv is the environment.
func settingsOf(t *testing.T, b backend.Backend, getenv func(string) string) *flags.Settings {
	t.Helper()
	s, err := flags.Parse(getenv)
	if err != nil {
		t.Fatal(err)
	}
	s.Backend = b.Name()
	_, mode, _ := strings.Cut(backend.ModeOf(b), "/")
	switch {
	case b.Name() == flags.BackendPGX:
		s.PGXExecMode = mode
	case mode == "binary_parameters":
		s.PQBinaryParameters = "true"
	}
	s.MinIdle, s.MaxConnections = 0, 4
	return s
}

// TestOperations runs the corpus on every backend in every mode: the answers are
// the same bytes everywhere, and those of the golden file.
func TestOperations(t *testing.T) {
	t.Parallel()
	const golden = "testdata/operations.golden"
	list := corpus(t)
	if *update {
		text := answers(t, list, all.Modes(nil)[0])
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all.Modes(nil) {
		t.Run(backend.ModeOf(b), func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(answers(t, list, b), "\n")); d != "" {
				t.Errorf("answers (-golden +%s):\n%s", backend.ModeOf(b), d)
			}
		})
	}
}

// answers runs the corpus through the facade on a database of its own.
func answers(t *testing.T, list []operation, b backend.Backend) string {
	t.Helper()
	db, err := fraiseql.Open(t.Context(), pgtest.Sample(t), settings(t, b),
		fraiseql.WithParity(parity.WithPublisher(parity.PublisherFunc(publish(t)))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var text strings.Builder
	for _, o := range list {
		var w bytes.Buffer
		if err := db.ExecuteJSON(t.Context(), o.Definition, &w); err != nil {
			if executor.Partial(err) {
				t.Errorf("%s: %v after %d bytes", o.Title, err, w.Len())
			}
		}
		if !json.Valid(w.Bytes()) {
			t.Errorf("%s: the answer is not JSON: %s", o.Title, w.String())
		}
		fmt.Fprintf(&text, "# %s\n%s\n", o.Title, bytes.TrimSpace(w.Bytes()))
	}
	if h := db.Harness(); h != nil {
		if s := h.Summary(); !s.Passed() {
			t.Errorf("parity: %+v", s)
		}
	}
	return text.String()
}

func publish(t *testing.T) func(context.Context, parity.Report) {
	t.Helper()
	return func(_ context.Context, r parity.Report) {
		if !r.Verdict.Pass() {
			t.Errorf("parity of operation %d, %s: %v %s %v", r.Seq, r.Operation, r.Verdict, r.Reason, r.Diffs)
		}
	}
}
