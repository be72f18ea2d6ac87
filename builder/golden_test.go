package builder

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// update rewrites golden files: go test ./builder -update (make golden).
var update = flag.Bool("update", false, "rewrite golden files")

// golden compares got with the file, or writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is stale: go test ./builder -update\n%s", file, d)
	}
}

// argLines prints arguments one a line: $1 = "text" or NULL.
func argLines(args []any) string {
	var b strings.Builder
	for i, a := range args {
		switch v := a.(type) {
		case nil:
			fmt.Fprintf(&b, "$%d = NULL\n", i+1)
		case []byte:
			fmt.Fprintf(&b, "$%d = \\x%x\n", i+1, v)
		default:
			fmt.Fprintf(&b, "$%d = %q\n", i+1, v)
		}
	}
	return b.String()
}

// TestGoldenFilters renders each filter of testdata/filters, prepares and runs
// the statement on both backends, and compares SQL, arguments and the rows that
// are found in the sample database. A file's comment names the table and the
// column that stands for a row.
func TestGoldenFilters(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/filters/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	l := openLive(t, pgtest.Sample(t))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var table, column string
			if _, err := fmt.Sscanf(string(a.Comment), "%s %s", &table, &column); err != nil {
				t.Fatalf("comment %q: %v", a.Comment, err)
			}
			out := &txtar.Archive{Comment: a.Comment}
			for _, f := range a.Files {
				name, ok := strings.CutSuffix(f.Name, ".json")
				if !ok {
					continue
				}
				out.Files = append(out.Files, f)
				add := func(ext, text string) {
					out.Files = append(out.Files, txtar.File{Name: name + ext, Data: []byte(text)})
				}
				filter, err := parseFilter(string(f.Data))
				if err != nil {
					t.Errorf("%s: %v", f.Name, err)
					continue
				}
				s, err := filterSQL(l.schema, l.table(t, table), column, filter)
				if err != nil {
					t.Errorf("%s: %v", f.Name, err)
					continue
				}
				again, _ := filterSQL(l.schema, l.table(t, table), column, filter)
				if again.SQL != s.SQL {
					t.Errorf("%s: two renderings differ", f.Name)
				}
				for _, pool := range l.pools {
					if stmt, err := pool.PrepareContext(t.Context(), s.SQL); err != nil {
						t.Errorf("%s: prepare: %v\n%s", f.Name, err, s.SQL)
					} else {
						_ = stmt.Close()
					}
				}
				add(".sql", s.SQL+"\n")
				if len(s.Args) > 0 {
					add(".args", argLines(s.Args))
				}
				rows := l.find(t, table, column, string(f.Data))
				line := fmt.Sprintf("%d rows", len(rows))
				if len(rows) > 0 && len(rows) <= 10 {
					line += ": " + strings.Join(rows, " ")
				}
				add(".rows", line+"\n")
			}
			golden(t, file, txtar.Format(out))
		})
	}
}
