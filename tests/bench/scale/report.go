package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/tests/bench/page"
	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

// report is scale.json.
type report struct {
	Date       string    `json:"date"`
	Go         string    `json:"go"`
	CPUs       int       `json:"cpus"`
	CPU        string    `json:"cpu"`
	PostgreSQL string    `json:"postgresql"`
	Each       float64   `json:"each_s"`
	Rounds     int       `json:"rounds"`
	Figures    []*figure `json:"figures"`
}

// write keeps the figures: in scale.json, where those of parts that were not measured
// stay, as plots, and as tables in scale.md where that is there.
func (b *bench) write() error {
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	r, path := report{}, filepath.Join(b.out, "scale.json")
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, err)
	}
	kept := slices.DeleteFunc(r.Figures, func(old *figure) bool {
		return slices.ContainsFunc(b.figures, func(f *figure) bool { return f.part() == old.part() })
	})
	r = report{
		Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(), CPUs: runtime.NumCPU(), CPU: proc.Model(),
		PostgreSQL: b.server.Binaries().Version, Each: b.each.Seconds(), Rounds: b.times, Figures: append(kept, b.figures...),
	}
	text, err = json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	errs := []error{os.WriteFile(path, append(text, '\n'), 0o644)}
	for _, f := range b.figures {
		errs = append(errs, os.WriteFile(filepath.Join(b.out, "scale-"+f.Name+".svg"), f.svg(), 0o644))
	}
	return errors.Join(append(errs, b.page(&r))...)
}

// page puts the tables of each part, and the machine, into scale.md.
func (b *bench) page(r *report) error {
	parts := map[string]string{"machine": fmt.Sprintf("%s. %d processors (%s), %s/%s, Go %s, PostgreSQL %s on the same machine; %d rounds.\n",
		r.Date, r.CPUs, r.CPU, runtime.GOOS, runtime.GOARCH, strings.TrimPrefix(r.Go, "go"), r.PostgreSQL, r.Rounds)}
	for _, f := range b.figures {
		parts[f.part()] += f.markdown() + "\n"
	}
	return page.Fill(filepath.Join(b.out, "scale.md"), parts)
}
