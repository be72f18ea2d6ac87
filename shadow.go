package fraiseql

import (
	"context"
	"database/sql"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/shadow"
	"github.com/fraiseql/fraiseql-go/parity/shadow/shadowflags"
	"github.com/fraiseql/fraiseql-go/server"
)

// ShadowOption changes how the shadow works; see shadow.Option.
type ShadowOption = shadow.Option

// WithShadow adds options for the mode shadow to those that the settings give, such
// as shadow.WithFlags. Default: a mismatch is logged through slog.Default.
func WithShadow(o ...ShadowOption) Option {
	return optionFunc(func(c *config) { c.shadow = append(c.shadow, o...) })
}

// Shadow is what shadows the operations: its Status says how far the migration has
// come. nil where parity testing is off or strict.
func (db *DB) Shadow() *shadow.Shadow { return db.shadow }

// ShadowOptions are the options of shadow.New. They read the file of flags; an
// error of that, or of a stage, has backend.CodeConfiguration.
func ShadowOptions(s *flags.Settings) ([]ShadowOption, error) {
	stage, err := shadow.ParseStage(s.Shadow.Stage)
	if err != nil {
		return nil, backend.New("open", backend.CodeConfiguration, err)
	}
	o := []ShadowOption{
		shadow.WithStage(stage), shadow.WithShare(s.Shadow.Share), shadow.WithKey(s.Shadow.Key), shadow.WithFloor(s.Shadow.Floor),
		shadow.WithPool(s.Shadow.Pool), shadow.WithDeadline(s.Shadow.Deadline), shadow.WithBudget(s.Shadow.Budget), shadow.WithRole(s.Shadow.Role),
		shadow.WithKillFile(s.Shadow.KillFile), shadow.WithStateFile(s.Shadow.StateFile),
	}
	if s.Shadow.FlagsFile != "" {
		file, err := shadowflags.NewFile(s.Shadow.FlagsFile)
		if err != nil {
			return nil, backend.New("open", backend.CodeConfiguration, err)
		}
		o = append(o, shadow.WithFlags(shadowflags.Provider(file)))
	}
	return o, nil
}

// shadowed puts the shadow in front of the backend that is open already.
func (db *DB) shadowed(ctx context.Context, backends backend.Set, o []executor.Option, p []ParityOption, more []ShadowOption) error {
	options, err := ShadowOptions(db.settings)
	if err != nil {
		return err
	}
	from := shadow.Source{Config: db.cfg, Candidate: otherThan(backends, db.main.Backend()), Executor: o}
	db.harness = parity.NewHarness(append([]ParityOption{parity.WithPublisher(parity.PublisherFunc(logMismatch))}, p...)...)
	if db.shadow, err = shadow.New(ctx, db.main, from, db.harness, append(options, more...)...); err != nil {
		return err
	}
	db.runner = db.shadow
	return nil
}

// shadowSwitch is the shadow for the admin address.
type shadowSwitch struct{ *shadow.Shadow }

// ShadowStatus implements server.Shadow.
func (s shadowSwitch) ShadowStatus() any { return s.Status() }

// SwitchShadow implements server.Shadow.
func (s shadowSwitch) SwitchShadow(on bool) {
	if on {
		s.On()
	} else {
		s.Off()
	}
}

// adminShadow is nil where there is none.
func (db *DB) adminShadow() server.Shadow {
	if db.shadow == nil {
		return nil
	}
	return shadowSwitch{db.shadow}
}

// answering is the candidate's pool while the candidate answers, else nil.
func (db *DB) answering() *executor.DB {
	if db.shadow == nil {
		return nil
	}
	return db.shadow.Answering()
}

// shadowMetrics counts what the shadow does, and the connections by which the candidate
// answers where it may come to that.
func (db *DB) shadowMetrics(m *server.Metrics) {
	if db.shadow == nil || db.shadow.Measures() == nil {
		return
	}
	m.AddShadow(func() *server.ShadowMeasures {
		got := db.shadow.Measures()
		times := func(h shadow.HistogramCount) server.DurationCounts {
			return server.DurationCounts{Count: h.Count, Seconds: h.Seconds, Below: h.Below}
		}
		return &server.ShadowMeasures{
			Comparisons: got.Comparisons, Dropped: got.Dropped, Rules: got.Rules, Fallbacks: got.Fallbacks,
			Stage: int(got.Stage), BreakerOpen: got.BreakerOpen, Coverage: got.Coverage,
			Answer: times(got.Answer), Other: times(got.Other), Overhead: times(got.Overhead),
		}
	})
	if s := db.settings.Shadow; s.Stage != "live" && s.FlagsFile == "" {
		return
	}
	name := db.shadow.Candidate().Name()
	m.AddPool(name, func() (s sql.DBStats) {
		if pool := db.answering(); pool != nil {
			s = pool.Stats()
		}
		return s
	})
	m.AddQueue(name, func() (s executor.QueueStats) {
		if pool := db.answering(); pool != nil {
			s = pool.Queue()
		}
		return s
	})
}
