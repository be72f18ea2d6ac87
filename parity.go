package fraiseql

import (
	"context"
	"log/slog"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/parity"
)

// This file is the one place where the facade and parity meet.

type (
	// Harness counts comparisons; see parity.Harness.
	Harness = parity.Harness
	// ParityOption changes how the comparison works; see parity.Option.
	ParityOption = parity.Option
)

// WithParity adds options for the comparison, such as parity.WithPublisher.
// Default: a mismatch is logged through slog.Default.
func WithParity(o ...ParityOption) Option {
	return optionFunc(func(c *config) { c.parity = append(c.parity, o...) })
}

// Harness counts what was compared; nil while parity testing is off.
func (db *DB) Harness() *Harness { return db.harness }

// compare opens the second backend and puts the comparing Runner in front, for
// the mode strict.
func (db *DB) compare(ctx context.Context, backends backend.Set, cfg backend.Config, o []executor.Option, p []ParityOption) error {
	s := db.settings
	other, err := executor.Open(ctx, otherThan(backends, db.main.Backend()), cfg, o...)
	if err != nil {
		return err
	}
	db.other = other
	options := append([]ParityOption{parity.WithSample(s.ParitySample), parity.WithPublisher(parity.PublisherFunc(logMismatch))}, p...)
	db.harness = parity.NewHarness(options...)
	db.runner = parity.NewRunner(db.harness, db.main, db.other)
	return nil
}

// otherThan is the first backend that is not b.
func otherThan(backends backend.Set, b backend.Backend) backend.Backend {
	for _, other := range backends.All() {
		if other.Name() != b.Name() {
			return other
		}
	}
	return b
}

// logMismatch keeps a mismatch from passing unseen where nobody reads reports.
func logMismatch(ctx context.Context, r parity.Report) {
	if r.Verdict == parity.Mismatch {
		slog.WarnContext(ctx, "backends answered differently", "operation", r.Operation, "seq", r.Seq, "diffs", len(r.Diffs))
	}
}
