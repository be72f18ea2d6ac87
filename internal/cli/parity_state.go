package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// progress is how far a run is: what --resume keeps in its file, beside the reports
// so far.
type progress struct {
	Source    string    `json:"source_sha256"`
	Line      int       `json:"line,omitempty"`
	Control   string    `json:"control"`
	Candidate string    `json:"candidate"`
	Writes    string    `json:"writes"`
	Reveal    []string  `json:"reveal,omitempty"`
	Database  string    `json:"database"` // where it is, and as whom
	Ignores   []string  `json:"ignores,omitempty"`
	Started   time.Time `json:"started"`
	Next      int       `json:"next"` // operation, from 0
	Resumed   int       `json:"resumed"`
}

// stateFile is the file of --resume. It holds the key of the hashes in the report, so
// it is for its owner's eyes.
type stateFile struct {
	Progress  progress        `json:"progress"`
	Collector json.RawMessage `json:"collector"`
	Coverage  json.RawMessage `json:"coverage"`
}

// load goes on from the file of --resume, where there is one.
func (r *parityRun) load() error {
	r.progress.Reveal = r.o.reveal
	cfg := &r.pair.config
	r.progress.Database = fmt.Sprintf("%v/%s as %s", cfg.Hosts, cfg.Database, cfg.User) // a Secret prints as one
	for _, i := range r.pair.ignores {
		r.progress.Ignores = append(r.progress.Ignores, i.String())
	}
	if r.o.resume == "" {
		return nil
	}
	if r.o.writes == "clones" {
		return usage("--resume and --writes clones can't be used together: the clones are dropped with the run")
	}
	data, err := os.ReadFile(r.o.resume)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s stateFile
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err == nil {
		err = json.Unmarshal(s.Collector, r.collector)
	}
	if err == nil {
		err = json.Unmarshal(s.Coverage, r.coverage)
	}
	if err != nil {
		return usage("read the state of the run: %w", err)
	}
	was, is := s.Progress, r.progress
	for _, c := range []struct {
		what string
		same bool
	}{
		{"another corpus", was.Source == is.Source && was.Line == is.Line},
		{"another control (" + was.Control + ")", was.Control == is.Control},
		{"another candidate (" + was.Candidate + ")", was.Candidate == is.Candidate},
		{"--writes " + was.Writes, was.Writes == is.Writes},
		{fmt.Sprintf("--reveal %q", was.Reveal), slices.Equal(was.Reveal, is.Reveal)},
		{"another database (" + was.Database + ")", was.Database == is.Database},
		{fmt.Sprintf("--ignores of %q", was.Ignores), slices.Equal(was.Ignores, is.Ignores)},
	} {
		if !c.same {
			return &exit{code: ExitUsage, err: fmt.Errorf("%s is of a run with %s", r.o.resume, c.what), hint: "remove the file to begin anew"}
		}
	}
	if was.Next < 0 || was.Next > r.total {
		return usage("%s is of operation %d of %d", r.o.resume, was.Next, r.total)
	}
	was.Resumed++
	r.progress = was
	if was.Next == r.total {
		fmt.Fprintf(r.Err, "all %d operations ran before; the report follows\n", r.total)
		return nil
	}
	fmt.Fprintf(r.Err, "going on at operation %d of %d\n", was.Next+1, r.total)
	return nil
}

// save writes the file of --resume: whole, or not at all.
func (r *parityRun) save() error {
	if r.o.resume == "" {
		return nil
	}
	collector, err := json.Marshal(r.collector)
	if err != nil {
		return err
	}
	covered, err := json.Marshal(r.coverage)
	if err != nil {
		return err
	}
	data, err := json.Marshal(stateFile{Progress: r.progress, Collector: collector, Coverage: covered})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(r.o.resume), ".fraiseql-*") // for its owner alone
	if err != nil {
		return usage("keep the state of the run: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), r.o.resume)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the state of the run: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// done removes the file of --resume: the run is complete.
func (r *parityRun) done() error {
	if r.o.resume == "" {
		return nil
	}
	if err := os.Remove(r.o.resume); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
