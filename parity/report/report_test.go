package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/report"
)

// made publishes n reports of one verdict.
func made(c *report.Collector, n int, v parity.Verdict, change func(*parity.Report)) {
	for i := range n {
		r := parity.Report{
			Seq: uint64(i + 1), Operation: "query users", Class: "00000000000000aa", Verdict: v,
			Control:   parity.Side{Backend: "pq/default", Rows: 2, Duration: time.Duration(1000+i) * time.Microsecond},
			Candidate: parity.Side{Backend: "pgx/exec", Rows: 2, Duration: time.Duration(1100+i) * time.Microsecond},
		}
		if change != nil {
			change(&r)
		}
		c.Publish(context.Background(), r)
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		k, n      int
		low, high float64
		method    string
	}{
		{0, 0, 0, 1, "none"},
		{0, 12345, 0, 3.0 / 12345, "rule of three"},
		{0, 2, 0, 1, "rule of three"},
		// What binom.test of R and scipy's binomtest(…).proportion_ci() say.
		{1, 100, 0.0002531, 0.0544594, "Clopper-Pearson"},
		{5, 100, 0.0164318, 0.1128349, "Clopper-Pearson"},
		{10, 10, 0.6915029, 1, "Clopper-Pearson"},
		{50, 100, 0.3983211, 0.6016789, "Clopper-Pearson"},
	} {
		c := report.NewCollector()
		made(c, tc.k, parity.Mismatch, nil)
		made(c, tc.n-tc.k, parity.Equal, nil)
		made(c, 7, parity.Inconclusive, nil) // says nothing about the share
		b := c.Document().Bound
		if math.Abs(b.Lower-tc.low) > 1e-6 || math.Abs(b.Upper-tc.high) > 1e-6 || b.Method != tc.method {
			t.Errorf("%d of %d: %g to %g by %s, want %g to %g by %s", tc.k, tc.n, b.Lower, b.Upper, b.Method, tc.low, tc.high, tc.method)
		}
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		n       int
		faster  int // pairs in which the candidate is faster
		verdict string
		ranks   [2]float64 // of the interval, in µs: candidate minus control
	}{
		{"too few", 5, 0, "too few", [2]float64{}},
		{"six agree", 6, 0, "slower", [2]float64{1, 6}},
		{"table of the sign test, n=20", 20, 0, "slower", [2]float64{6, 15}},
		{"half and half", 40, 20, "no difference seen", [2]float64{}},
		{"mostly faster", 40, 36, "faster", [2]float64{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := report.NewCollector()
			for i := range tc.n {
				d := time.Duration(i+1) * time.Microsecond
				if i < tc.faster {
					d = -d
				}
				made(c, 1, parity.Equal, func(r *parity.Report) {
					r.Control.Duration, r.Candidate.Duration = time.Millisecond, time.Millisecond+d
				})
			}
			l := c.Document().Classes[0].Latency
			if l.Judgement != tc.verdict || l.N != int64(tc.n) || l.Sampled != tc.n {
				t.Errorf("%+v, want %s of %d", l, tc.verdict, tc.n)
			}
			if tc.ranks[0] != 0 && (*l.Difference.Low != tc.ranks[0]*1000 || *l.Difference.High != tc.ranks[1]*1000) {
				t.Errorf("interval %g to %g ns, want the values of rank %g and %g", *l.Difference.Low, *l.Difference.High, tc.ranks[0], tc.ranks[1])
			}
		})
	}
}

// TestSample: the sample is of bounded size, and of all of the run.
func TestSample(t *testing.T) {
	t.Parallel()
	c := report.NewCollector(report.WithSamples(100))
	made(c, 5000, parity.Equal, func(r *parity.Report) {
		r.Control.Duration, r.Candidate.Duration = time.Millisecond, time.Millisecond+time.Duration(r.Seq)*time.Microsecond
	})
	l := c.Document().Classes[0].Latency
	if l.N != 5000 || l.Sampled != 100 {
		t.Errorf("%d of %d sampled, want 100 of 5000", l.Sampled, l.N)
	}
	if m := l.Difference.Median / 1000; m < 1500 || m > 3500 {
		t.Errorf("the median of a sample of 1 to 5000 is %g", m)
	}
}

func TestClassesAreBounded(t *testing.T) {
	t.Parallel()
	c := report.NewCollector(report.WithMaxClasses(10), report.WithExamples(2))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				made(c, 2, parity.Equal, func(r *parity.Report) { r.Class = fmt.Sprintf("%016x", i); r.Seq = uint64(g) })
			}
		})
	}
	wg.Wait()
	made(c, 5, parity.Mismatch, func(r *parity.Report) { r.Class = "ffffffffffffffff" })
	d := c.Document()
	if len(d.Classes) != 10 || d.Verdicts.Total() != 405 || d.Verdicts.Mismatch != 5 {
		t.Errorf("%d classes, %+v, want 10 of 405 operations", len(d.Classes), d.Verdicts)
	}
	kept := int64(0)
	for _, k := range d.Classes {
		kept += k.Operations
		if k.Fingerprint == "ffffffffffffffff" && len(k.Examples) != 2 {
			t.Errorf("%d examples of the mismatch, want 2", len(k.Examples))
		}
	}
	if kept+d.OtherClasses != 405 {
		t.Errorf("%d operations in classes and %d in others, want 405", kept, d.OtherClasses)
	}
	if !strings.Contains(text(t, d), "mismatch") {
		t.Error("the mismatch lost its class to those that passed")
	}
}

func text(t *testing.T, d *report.Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Text(&b, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// secret is a value of a row.
const secret = "Zanzibar-4711@secret.example"

// leaky is a report that holds the secret wherever a report can hold a value.
func leaky() parity.Report {
	other := strings.ToUpper(secret)
	return parity.Report{
		Seq: 1, Operation: "select * from users where email = '" + secret + "' and n = 4711", Class: "00000000000000aa", Verdict: parity.Mismatch,
		Reason:  "the control's row 1 could not be read: invalid value " + secret,
		Control: parity.Side{Backend: "pq/default", Rows: 1}, Candidate: parity.Side{Backend: "pgx/exec", Code: backend.CodeConstraintViolation, SQLState: "23505"},
		Diffs: []parity.Diff{
			{Kind: parity.DiffValue, Statement: "query users", Row: 1, Detail: "- " + secret, Cells: []parity.Cell{
				{Column: "email", Type: "text", Control: parity.Value{Text: secret}, Candidate: parity.Value{Text: other}, Server: &parity.Value{Text: secret}},
				{Column: "name", Type: "text", Control: parity.Value{Text: secret}, Candidate: parity.Value{Null: true}},
			}},
			{Kind: parity.DiffMissing, Statement: "query users", Row: 2, Detail: "- email=" + secret},
			{Kind: parity.DiffError, Statement: "insert users", Detail: "duplicate key (email)=(" + secret + ") exists"},
			{Kind: parity.DiffStatement, Statement: "select '" + secret + "'", Detail: secret},
		},
	}
}

// everything is d in all forms.
func everything(t *testing.T, c *report.Collector) map[string]string {
	t.Helper()
	d := c.Document()
	d.Head = report.Head{Control: report.Side{Mode: "pq/default"}, Candidate: report.Side{Mode: "pgx/exec"}}
	out := map[string]string{"text": text(t, d)}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"color": func(b *bytes.Buffer) error { return d.Text(b, report.TextOptions{Color: true}) },
		"json":  func(b *bytes.Buffer) error { return d.JSON(b) },
		"junit": func(b *bytes.Buffer) error { return d.JUnit(b) },
		"html":  func(b *bytes.Buffer) error { return d.HTML(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b.String()
	}
	state, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out["state"] = string(state)
	return out
}

// TestNoValues: what stood in a row stands in no output.
func TestNoValues(t *testing.T) {
	t.Parallel()
	c := report.NewCollector()
	c.Publish(context.Background(), leaky())
	for form, out := range everything(t, c) {
		for _, word := range []string{"Zanzibar", "ZANZIBAR", "secret.example", "4711"} {
			if strings.Contains(out, word) {
				t.Errorf("%s has %q of a value:\n%s", form, word, out)
			}
		}
		if form != "state" && !strings.Contains(out, "23505") {
			t.Errorf("%s does not say the SQLSTATE:\n%s", form, out)
		}
	}
}

// TestReveal: the columns that are named are shown, and no other.
func TestReveal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern     string
		email, name bool
		all         bool
	}{
		{"email", true, false, false},
		{"users.email", true, false, false},
		{"posts.email", false, false, false},
		{"users.*", true, true, false},
		{"*.na?e", false, true, false},
		{"*", true, true, true},
		{"[", false, false, false},
	} {
		c := report.NewCollector(report.WithReveal(tc.pattern))
		c.Publish(context.Background(), leaky())
		e := c.Document().Classes[0].Examples[0]
		if got := e.Diffs[0].Cells[0].Control.Text != nil; got != tc.email {
			t.Errorf("%q reveals email: %v, want %v", tc.pattern, got, tc.email)
		}
		if got := e.Diffs[0].Cells[1].Control.Text != nil; got != tc.name {
			t.Errorf("%q reveals name: %v, want %v", tc.pattern, got, tc.name)
		}
		if got := e.Diffs[1].Detail != ""; got != tc.all {
			t.Errorf("%q reveals the words of a difference: %v, want %v", tc.pattern, got, tc.all)
		}
	}
}

// TestHashes: equal values are seen to be equal in one report, and not across two.
func TestHashes(t *testing.T) {
	t.Parallel()
	hashes := func() (a, b, c string) {
		k := report.NewCollector()
		k.Publish(context.Background(), leaky())
		cells := k.Document().Classes[0].Examples[0].Diffs[0].Cells
		return cells[0].Control.Hash, cells[1].Control.Hash, cells[0].Candidate.Hash
	}
	a, b, c := hashes()
	if a != b || a == c || a == "" {
		t.Errorf("hashes %q, %q of one value and %q of another", a, b, c)
	}
	if again, _, _ := hashes(); again == a {
		t.Error("two reports hash a value alike")
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ a, b, wantA, wantB string }{
		{"2024-01-01 00:00:00.123457", "2024-01-01 00:00:00.123456", "2024-01-01 00:00:00.12345[7]", "2024-01-01 00:00:00.12345[6]"},
		{"abc", "abc ", "abc", "abc[ ]"},
		{"", "x", "", "[x]"},
		{"1.10", "1.1", "1.1[0]", "1.1"},
		{"übel", "ubel", "[ü]bel", "[u]bel"},
		{"a-b-c", "aXbYc", "a[-]b[-]c", "a[X]b[Y]c"},
	} {
		c := report.NewCollector(report.WithReveal("*"))
		made(c, 1, parity.Mismatch, func(r *parity.Report) {
			r.Diffs = []parity.Diff{{Kind: parity.DiffValue, Cells: []parity.Cell{{Column: "c", Control: parity.Value{Text: tc.a}, Candidate: parity.Value{Text: tc.b}}}}}
		})
		cell := c.Document().Classes[0].Examples[0].Diffs[0].Cells[0]
		show := func(v report.Value) string {
			var b strings.Builder
			for _, p := range v.Parts() {
				if p.Differs {
					b.WriteString("[" + p.Text + "]")
				} else {
					b.WriteString(p.Text)
				}
			}
			return b.String()
		}
		if d := cmp.Diff([]string{tc.wantA, tc.wantB}, []string{show(cell.Control), show(cell.Candidate)}); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

// TestState: a run that goes on adds to what was there, and hashes alike.
func TestState(t *testing.T) {
	t.Parallel()
	whole, first := report.NewCollector(), report.NewCollector()
	for _, c := range []*report.Collector{whole, first} {
		made(c, 10, parity.Equal, nil)
		c.Publish(context.Background(), leaky())
	}
	data, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	second := report.NewCollector()
	if err := json.Unmarshal(data, second); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*report.Collector{whole, second} {
		made(c, 5, parity.EqualByRule, func(r *parity.Report) { r.Rules = map[string]int{parity.RuleBag: 2} })
	}
	if d := cmp.Diff(whole.Document(), second.Document(), cmpopts.IgnoreFields(report.Value{}, "Hash")); d != "" {
		t.Errorf("-at once +resumed:\n%s", d)
	}
	a, b := first.Document().Classes[0].Examples[0], second.Document().Classes[0].Examples[0]
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("an example changed:\n%s", d)
	}
	if err := json.Unmarshal([]byte(`{}`), second); err == nil {
		t.Error("an empty state is taken")
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	shape := func(definition string) string {
		d, err := builder.ParseDefinition([]byte(definition))
		if err != nil {
			t.Fatal(err)
		}
		return report.Shape(d)
	}
	for _, tc := range []struct {
		name, a, b string
		same       bool
	}{
		{"values", `{"operation":"query","table":"users","filters":{"id":{"eq":1}}}`, `{"operation":"query","table":"users","filters":{"id":{"eq":2}}}`, true},
		{"the length of a list", `{"operation":"query","table":"users","filters":{"id":{"in":[1]}}}`, `{"operation":"query","table":"users","filters":{"id":{"in":[1,2,3]}}}`, true},
		{"the order of conditions", `{"operation":"query","table":"users","filters":{"and":[{"id":{"eq":1}},{"name":{"eq":"a"}}]}}`, `{"operation":"query","table":"users","filters":{"and":[{"name":{"eq":"b"}},{"id":{"eq":1}}]}}`, true},
		{"null is no value", `{"operation":"query","table":"users","filters":{"id":{"eq":1}}}`, `{"operation":"query","table":"users","filters":{"id":{"eq":null}}}`, false},
		{"an operator", `{"operation":"query","table":"users","filters":{"id":{"eq":1}}}`, `{"operation":"query","table":"users","filters":{"id":{"gt":1}}}`, false},
		{"a field", `{"operation":"query","table":"users","fields":["id"]}`, `{"operation":"query","table":"users","fields":["id","name"]}`, false},
		{"rows of an insert", `{"operation":"mutation","type":"insert","table":"users","input":[{"name":"A","email":"a"},{"email":"b","name":"B"}]}`, `{"operation":"mutation","type":"insert","table":"users","input":[{"name":"C","email":"c"}]}`, true},
		{"a relation", `{"operation":"query","table":"users","fields":["id"],"relations":{"posts":{"fields":["id"]}}}`, `{"operation":"query","table":"users","fields":["id"]}`, false},
	} {
		if got := shape(tc.a) == shape(tc.b); got != tc.same {
			t.Errorf("%s: %q and %q, want the same: %v", tc.name, shape(tc.a), shape(tc.b), tc.same)
		}
	}
	if s := shape(`{"operation":"query","table":"users","filters":{"email":{"eq":"` + secret + `"}},"pagination":{"limit":4711}}`); strings.Contains(s, "secret") || strings.Contains(s, "4711") {
		t.Errorf("the shape has values: %s", s)
	}
}

func TestShapeOfSQL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ sql, want string }{
		{"select  a\n from t where id = $1 and n > 10.5", "select a from t where id = $1 and n > ?"},
		{"select 'it''s' || E'a\\'b' || x'1F', t2.c from t2", "select ? || ? || ?, t2.c from t2"},
		{"select 'open", "select ?"},
		{"select $$a secret$$, $q$another$q$", "select ?"},
		{"the control's row 7", "the control's row ?"},
		{`select "Column 1's" from t where a = 0x1F`, `select "Column ?'s" from t where a = ?`},
	} {
		if got := report.ShapeOfSQL(tc.sql); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.sql, got, tc.want)
		}
	}
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	c := report.NewCollector()
	made(c, 3, parity.Equal, func(r *parity.Report) { r.Class = "1" })
	made(c, 1, parity.Inconclusive, func(r *parity.Report) { r.Class = "2"; r.Reason = "a connection failed" })
	made(c, 1, parity.NotCompared, func(r *parity.Report) { r.Class = "3" })
	c.Publish(context.Background(), leaky())
	d := c.Document()
	d.Failures = []string{"gate ]]> \x01"}
	var b bytes.Buffer
	if err := d.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Failure *string `xml:"failure"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, &b)
	}
	if got.Tests != 5 || got.Failures != 2 || got.Errors != 1 || got.Skipped != 1 || len(got.Cases) != 5 {
		t.Errorf("%+v", got)
	}
}

// TestWhatWasNotCompared: the same error on both sides passes, and every form says so; so
// it does of a backend that was compared with itself.
func TestWhatWasNotCompared(t *testing.T) {
	t.Parallel()
	c := report.NewCollector()
	made(c, 2, parity.Equal, func(r *parity.Report) {
		r.Control.Code, r.Control.SQLState = backend.CodeConstraintViolation, "23505"
		r.Candidate.Code, r.Candidate.SQLState = backend.CodeConstraintViolation, "23505"
	})
	made(c, 3, parity.Equal, nil)
	d := c.Document()
	d.Head.Control.Mode, d.Head.Candidate.Mode = "pq/default", "pq/default"
	d.Oracles = &report.Oracles{Checks: 0, NotAsked: 7}
	if want := []report.Count{{Name: "CONSTRAINT_VIOLATION 23505", Count: 2}}; cmp.Diff(want, d.Failed) != "" {
		t.Errorf("failed %v", d.Failed)
	}
	for form, write := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return d.Text(w, report.TextOptions{}) }, "html": d.HTML, "junit": d.JUnit,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"he same error on both sides", "CONSTRAINT_VIOLATION 23505", "control and candidate are one backend in one mode", "racles", "7"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not say %q", form, want)
			}
		}
	}
}
