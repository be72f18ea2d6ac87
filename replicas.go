package fraiseql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
	"github.com/fraiseql/fraiseql-go/executor/replica"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/server"
)

// This file is the one place where the facade and the replicas meet.

// Replicas sends reads to the replicas of DatabaseReadURL; nil where there are none.
func (db *DB) Replicas() *replica.Runner { return db.replicas }

// ReplicaOptions are the options of replica.Open, but for the log.
func ReplicaOptions(s *flags.Settings) []replica.Option {
	return []replica.Option{replica.WithMaxLag(s.Replicas.MaxLag), replica.WithWait(s.Replicas.Wait)}
}

// replicate puts the replicas before the primary, which is open already.
func (db *DB) replicate(ctx context.Context, compares bool, o []executor.Option, getenv func(string) string) error {
	const setting = "FRAISEQL_DATABASE_READ_URL"
	if compares {
		return backend.New("open", backend.CodeConfiguration,
			errors.New(setting+" with FRAISEQL_PARITY_TESTING: what is compared has to be read from one server"))
	}
	cfg, err := Config(db.settings.DatabaseReadURL, db.settings, getenv)
	if err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	from := replica.Source{Primary: db.main, PrimaryConfig: db.cfg, Config: cfg, Backend: db.main.Backend(), Executor: o}
	options := append([]replica.Option{replica.WithLogger(db.logger())}, ReplicaOptions(db.settings)...)
	if db.replicas, err = replica.Open(ctx, from, options...); err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	db.runner = db.replicas
	return nil
}

// cookieSlack is how long a cookie outlasts the lag that a replica may have: a look at
// it, and what the clocks of browsers are worth.
const cookieSlack = time.Minute

// cookieAge is that of the cookie where replicas may be late without a limit.
const cookieAge = 24 * time.Hour

// sessions are those of the server; nil where there are no replicas.
func (db *DB) sessions() *server.Sessions {
	if db.replicas == nil {
		return nil
	}
	age := db.settings.Replicas.MaxLag + cookieSlack
	if db.settings.Replicas.MaxLag == 0 {
		age = cookieAge
	}
	return &server.Sessions{
		Cookie: db.settings.Replicas.Cookie, CookieAge: age,
		Open: func(ctx context.Context, tokens []string) (context.Context, func() string, error) {
			s, err := replica.Resume(tokens...)
			if err != nil {
				return ctx, nil, err
			}
			token := func() string {
				if !s.Wrote() {
					return ""
				}
				return s.Token()
			}
			return replica.WithSession(ctx, s), token, nil
		},
	}
}

// replicaReports are the replicas for /readyz.
func (db *DB) replicaReports() (list []server.ReplicaReport, in bool) {
	if db.replicas == nil {
		return nil, false
	}
	for _, p := range db.replicas.Status().Replicas {
		one := server.ReplicaReport{Name: p.Name, In: p.Reason == "", Reason: p.Reason, Reads: p.Reads}
		if p.LagKnown {
			ms := p.Lag.Milliseconds()
			one.LagMS = &ms
		}
		in = in || one.In
		list = append(list, one)
	}
	return list, in
}

// replicaMetrics counts what the replicas do.
func (db *DB) replicaMetrics(m *server.Metrics) {
	if db.replicas == nil {
		return
	}
	for i, p := range db.replicas.Status().Replicas {
		m.AddPool(db.main.Backend().Name()+"@"+p.Name, func() sql.DBStats { return db.replicas.Status().Replicas[i].Pool })
	}
	m.AddReplicas(func() server.ReplicaMeasures {
		s := db.replicas.Status()
		measures := server.ReplicaMeasures{PrimaryReads: s.PrimaryReads, Waited: s.Waited, Timeouts: s.Timeouts, Unknown: s.Unknown}
		for _, p := range s.Replicas {
			one := server.ReplicaMeasure{Name: p.Name, In: p.Reason == "", Reads: p.Reads, Fallbacks: p.Fallbacks}
			if p.LagKnown {
				lag := p.Lag.Seconds()
				one.LagSeconds = &lag
			}
			measures.Replicas = append(measures.Replicas, one)
		}
		return measures
	})
}
