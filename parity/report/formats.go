package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// JSON writes d as docs/reference/parity-report.schema.json describes it.
func (d *Document) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// Read reads what JSON has written, strictly: a report that was cut, or changed by hand,
// must not pass.
func Read(r io.Reader) (*Document, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, fmt.Errorf("this is not the JSON of a report: %w", jsonProblem(err))
	}
	if kind.Format != Format {
		return nil, fmt.Errorf("this is not the JSON of a report: its format is %q, and this version reads %q", kind.Format, Format)
	}
	var d Document
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("this is not the JSON of a report: %w", jsonProblem(err))
	}
	switch compared := d.Verdicts.Compared(); {
	case d.ExitCode < 0 || d.ExitCode > 31:
		return nil, fmt.Errorf("the report contradicts itself: %d is no exit code", d.ExitCode)
	case d.Passed && (d.ExitCode != 0 || d.Verdicts.Mismatch > 0 || compared == 0):
		return nil, fmt.Errorf("the report contradicts itself: it has passed, with exit code %d, %d operations compared and %d mismatches", d.ExitCode, compared, d.Verdicts.Mismatch)
	case d.ExitCode == 0 && d.Verdicts.Mismatch > 0:
		return nil, fmt.Errorf("the report contradicts itself: exit code 0, and %d mismatches", d.Verdicts.Mismatch)
	}
	return &d, nil
}

// jsonProblem says the place, and nothing of Go.
func jsonProblem(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("at byte %d: %w", syntax.Offset, syntax)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("at byte %d: %s can't be there", kind.Offset, kind.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitProblem `xml:"skipped"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

// JUnit writes d as JUnit XML: a test case for each class, and one for the gates. A
// mismatch is a failure; noise and what is inconclusive is an error; what was not
// compared is skipped.
func (d *Document) JUnit(w io.Writer) error {
	h := &d.Head
	s := junitSuite{
		Name: h.Control.Mode + " against " + h.Candidate.Mode, Time: seconds(h.Ended.Sub(h.Started)),
		Properties: []junitProperty{
			{"control", h.Control.Mode},
			{"candidate", h.Candidate.Mode},
			{"server", h.Server},
			{"source", h.Source},
			{"operations", strconv.FormatInt(d.Verdicts.Total(), 10)},
			{"bound", d.Bound.Text},
		},
	}
	for _, c := range d.Failed {
		s.Properties = append(s.Properties, junitProperty{"the same error on both sides: " + c.Name, strconv.FormatInt(c.Count, 10)})
	}
	if o := d.Oracles; o != nil {
		s.Properties = append(s.Properties, junitProperty{"checks by oracles", strconv.FormatInt(o.Checks, 10)}, junitProperty{"oracles had nothing to say", strconv.FormatInt(o.NotAsked, 10)})
	}
	if d.SameSides() {
		s.Properties = append(s.Properties, junitProperty{"note", sameSides})
	}
	if !h.Started.IsZero() {
		s.Timestamp = h.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for i := range d.Classes {
		c := &d.Classes[i]
		k := junitCase{Name: c.Name, Class: "parity." + c.Fingerprint, Time: seconds(time.Duration(c.Latency.ControlNS + c.Latency.CandidateNS))}
		var b strings.Builder
		t := &text{w: &b, whole: true}
		t.examples(c, 0)
		p := &junitProblem{Message: sentence(c.Verdicts), Type: c.Verdicts.Worst().String(), Text: printable(b.String())}
		switch c.Verdicts.Worst() {
		case parity.Mismatch:
			k.Failure = p
			s.Failures++
		case parity.Noise, parity.Inconclusive:
			k.Error = p
			s.Errors++
		case parity.NotCompared:
			k.Skipped = p
			s.Skipped++
		case parity.Equal, parity.EqualByRule:
		}
		s.Cases = append(s.Cases, k)
	}
	gates := junitCase{Name: "gates of the run", Class: "parity", Time: "0.000"}
	if len(d.Failures) > 0 {
		gates.Failure = &junitProblem{Message: d.Failures[0], Type: "gate", Text: printable(strings.Join(d.Failures, "\n"))}
		s.Failures++
	}
	s.Cases = append(s.Cases, gates)
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	err := enc.Encode(junitSuites{Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Skipped: s.Skipped, Suites: []junitSuite{s}})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return strconv.FormatFloat(max(d, 0).Seconds(), 'f', 3, 64) }

// sentence lists the counts that are not 0: "1 mismatch, 3 equal".
func sentence(v Verdicts) string {
	var parts []string
	for _, k := range parity.Verdicts() {
		if n := v.Of(k); n > 0 {
			parts = append(parts, thousands(n)+" "+k.String())
		}
	}
	return strings.Join(parts, ", ")
}

// printable is s without what XML cannot hold, not even escaped.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return '\uFFFD'
		}
		return r
	}, s)
}
