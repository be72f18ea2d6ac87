package builder

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// TestPlanGolden builds every definition of testdata/plan, compares the plan,
// runs it on both backends and compares the answer. The definitions are run on
// the sample database, and on the tables of planTables.
func TestPlanGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	l := openLive(t, planDB(t))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			goldenPlan(t, l, file)
		})
	}
}

// planTables has what the sample lacks: composite keys, a self reference by
// one, partial and NULLS NOT DISTINCT keys, a table without any key.
const planTables = `
CREATE TABLE regions (country char(2), code text, name text, parent_country char(2), parent_code text,
  PRIMARY KEY (country, code), FOREIGN KEY (parent_country, parent_code) REFERENCES regions);
CREATE TABLE shops (id int PRIMARY KEY, country char(2), region text, name text NOT NULL,
  FOREIGN KEY (country, region) REFERENCES regions (country, code));
CREATE TABLE loose (a int, b text, j json);
CREATE TABLE slots (id int GENERATED ALWAYS AS IDENTITY, name text, room text, gone timestamptz, hits bigint DEFAULT 0,
  notes jsonb, codes int[], price numeric(10,2), n int GENERATED ALWAYS AS (coalesce(length(name), 0)) STORED);
CREATE UNIQUE INDEX slots_open ON slots (name, room) WHERE gone IS NULL;
ALTER TABLE slots ADD CONSTRAINT slots_room UNIQUE NULLS NOT DISTINCT (room, gone, name);
CREATE TABLE "odd ""?"" name" ("from" int PRIMARY KEY, "a?b" text, "Ünï cödé" text);
INSERT INTO regions VALUES ('FR','N','North',NULL,NULL), ('FR','N1','Lille','FR','N'), ('FR','N2','Calais','FR','N'), ('DE','N','Nord',NULL,NULL);
INSERT INTO shops VALUES (1,'FR','N1','a'), (2,'FR','N1','b'), (3,'DE','N','c'), (4,NULL,'N','d');
INSERT INTO loose VALUES (1,'x','{}'), (1,'x','{}'), (2,NULL,NULL);
INSERT INTO slots (name, room, notes, codes, price) VALUES ('s1','r1','{"a":{"b":1},"l":[1,2]}','{1,2}',9.99), ('s2','r1',NULL,NULL,NULL);
INSERT INTO "odd ""?"" name" VALUES (1,'why?','ü'), (2,NULL,NULL);
`

func planDB(t testing.TB) string {
	t.Helper()
	dsn := pgtest.Sample(t)
	pgtest.Exec(t, dsn, planTables)
	return dsn
}

func goldenPlan(t *testing.T, l *live, file string) {
	t.Helper()
	want, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := &txtar.Archive{Comment: want.Comment}
	add := func(name, data string) {
		got.Files = append(got.Files, txtar.File{Name: name, Data: append(bytes.TrimSpace([]byte(data)), '\n')})
	}
	for _, f := range want.Files {
		name, ok := strings.CutSuffix(f.Name, ".json")
		if !ok {
			continue
		}
		add(f.Name, string(f.Data))
		def, err := ParseDefinition(f.Data)
		if err != nil {
			add(name+".refused", err.Error())
			continue
		}
		p, err := Build(l.schema, def)
		if err != nil {
			add(name+".refused", err.Error())
			continue
		}
		again, err := Build(l.schema, def)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(showPlan(p), showPlan(again)); diff != "" {
			t.Errorf("%s: the same definition gave another plan:\n%s", name, diff)
		}
		checkPlaceholders(t, &p.Root)
		add(name+".plan", showPlan(p))
		answers := map[string]string{}
		for backend := range l.pools {
			l.onBackend(t, backend, func(x *planRun) {
				a, err := x.answer(p)
				if err != nil {
					a = "error: " + err.Error()
					t.Errorf("%s on %s: %v", name, backend, err)
				}
				answers[backend] = a
			})
		}
		if diff := cmp.Diff(answers["pq"], answers["pgx"]); diff != "" {
			t.Errorf("%s: the backends disagree (-pq +pgx):\n%s", name, diff)
		}
		add(name+".answer", answers["pgx"])
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(txtar.Format(want)), string(txtar.Format(got))); diff != "" {
		t.Errorf("%s (-want +got; go test ./builder -update rewrites it):\n%s", file, diff)
	}
}

// showPlan is a plan as text.
func showPlan(p *Plan) string {
	var b strings.Builder
	flag := func(on bool, name string) {
		if on {
			b.WriteString(" " + name)
		}
	}
	b.WriteString([]string{"", "query", "insert", "update", "delete", "invoke"}[p.Kind])
	flag(p.Single, "single")
	flag(p.Result, "result")
	flag(p.UniqueKey, "unique-key")
	flag(p.Reverse, "reverse")
	flag(p.Unbounded, "unbounded")
	flag(p.MaxAffected >= 0, "max-affected="+strconv.FormatInt(p.MaxAffected, 10))
	flag(p.MaxRows > 0, "max-rows="+strconv.FormatInt(p.MaxRows, 10))
	b.WriteString("\n")
	showNode(&b, &p.Root, "")
	return b.String()
}

func showNode(b *strings.Builder, n *Node, indent string) {
	st := &n.Statement
	order := "unordered"
	if st.Ordered {
		order = "ordered"
	}
	fmt.Fprintf(b, "%s[%s, %s, %s]\n%s%s\n", indent, st.Name, []string{"write", "read"}[st.Effect], order, indent, st.SQL)
	for i, a := range st.Args {
		switch v := a.(type) {
		case nil:
			fmt.Fprintf(b, "%s$%d = NULL\n", indent, i+1)
		default:
			fmt.Fprintf(b, "%s$%d = %q\n", indent, i+1, v)
		}
	}
	showMembers(b, n, n.Members, indent)
}

func showMembers(b *strings.Builder, n *Node, members []Member, indent string) {
	st := &n.Statement
	for _, m := range members {
		switch {
		case m.Object != nil:
			fmt.Fprintf(b, "%s%s: object\n", indent, m.Key)
			showMembers(b, n, m.Object, indent+"  ")
			continue
		case m.Cursor != nil:
			fmt.Fprintf(b, "%s%s: cursor of columns %v\n", indent, m.Key, m.Cursor)
			continue
		case m.Literal != nil:
			fmt.Fprintf(b, "%s%s: literal %s\n", indent, m.Key, m.Literal)
			continue
		}
		if m.Child >= 0 {
			c := n.Children[m.Child]
			many := "one"
			if c.Many {
				many = "many"
			}
			fmt.Fprintf(b, "%s%s: %s by columns %v\n", indent, m.Key, many, c.Keys)
			showNode(b, &c.Node, indent+"  ")
			continue
		}
		c := st.Columns[m.Column]
		volatile := ""
		if c.Volatile {
			volatile = " volatile"
		}
		fmt.Fprintf(b, "%s%s: column %d %s%s\n", indent, m.Key, m.Column, c.Type, volatile)
	}
}

var placeholder = regexp.MustCompile(`\$([0-9]+)`)

// checkPlaceholders wants $1..$n, each once and in order.
func checkPlaceholders(t *testing.T, n *Node) {
	t.Helper()
	found := placeholder.FindAllStringSubmatch(n.Statement.SQL, -1)
	if len(found) != len(n.Statement.Args) {
		t.Errorf("%d placeholders for %d arguments: %s", len(found), len(n.Statement.Args), n.Statement.SQL)
	}
	for i, f := range found {
		if f[1] != strconv.Itoa(i+1) {
			t.Errorf("placeholder %s at position %d: %s", f[0], i+1, n.Statement.SQL)
		}
	}
	for i := range n.Children {
		checkPlaceholders(t, &n.Children[i].Node)
	}
}
