package connector

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/fraiseql/fraiseql-go/parity"
)

// WithReports also writes each report to w, as one JSON line without values of rows:
// what differed is named by column and type. Closing the Connector closes w.
func WithReports(w io.WriteCloser) Option {
	return option(func(s *settings) {
		if w == nil {
			s.missing = "the writer of WithReports is nil"
		}
		s.reports = w
	})
}

// reportFile is where WithReports writes.
type reportFile struct {
	mu  sync.Mutex
	w   io.WriteCloser
	err error
}

func (f *reportFile) write(r parity.Report) {
	if f == nil {
		return
	}
	line, err := json.Marshal(withoutValues(r))
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, err = f.w.Write(append(line, '\n'))
	}
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("write a report: %w", err)
	}
}

func (f *reportFile) close() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.w.Close(); err != nil {
		return err
	}
	return f.err
}

func withoutValues(r parity.Report) parity.Report {
	r.Diffs = slices.Clone(r.Diffs)
	for i := range r.Diffs {
		d := &r.Diffs[i]
		d.Detail, d.Cells = "", slices.Clone(d.Cells)
		for j := range d.Cells {
			d.Cells[j] = parity.Cell{Column: d.Cells[j].Column, Type: d.Cells[j].Type}
		}
	}
	return r
}
