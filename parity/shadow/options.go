package shadow

import (
	"log/slog"
	"time"
)

// Option changes a Shadow at New. Each has a default that is safe.
type Option interface{ apply(*options) }

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

type options struct {
	stage      Stage
	share      float64
	key        string
	floor      int
	pool       int
	queue      int
	deadline   time.Duration
	age        time.Duration
	budget     float64
	memory     int64
	role       string
	killFile   string
	stateFile  string
	flags      Flags
	coverage   func() float64
	conditions map[Stage]Conditions
	breaker    Breaker
	log        *slog.Logger
}

func defaults() options {
	return options{
		stage: StageOff, share: 1, pool: 2, queue: 64, deadline: 5 * time.Second, age: 2 * time.Second,
		memory: 16 << 20, breaker: defaultBreaker(), log: slog.Default(),
		conditions: map[Stage]Conditions{
			StageDescribe: {Compared: 1_000},
			StageShadow:   {Compared: 10_000, Bound: 0.001, Days: 7},
			StageLive:     {Compared: 10_000, Bound: 0.001, Days: 7},
		},
	}
}

// WithStage is the stage. Default StageOff.
func WithStage(s Stage) Option { return optionFunc(func(o *options) { o.stage = s }) }

// WithShare compares the share p of operations, from 0 to 1. Default 1: what the
// pool can't do is dropped and counted.
func WithShare(p float64) Option { return optionFunc(func(o *options) { o.share = p }) }

// The keys of WithKey that are no session variable.
const (
	KeyCall  = ""      // chance decides for each call
	KeyClass = "class" // all operations of a class are in the sample, or none
)

// WithKey makes the sample stick: the session variable of that name, such as
// "app.user_id", decides, so that all operations of one subject are in it or none.
// Where an operation does not have the variable, and by default (KeyCall), each
// call is left to chance.
func WithKey(name string) Option { return optionFunc(func(o *options) { o.key = name }) }

// WithFloor takes at least n operations of each class an hour into the sample,
// whatever the share says, spread over the hour. Default 0: none.
func WithFloor(n int) Option { return optionFunc(func(o *options) { o.floor = max(n, 0) }) }

// WithPool bounds the connections to either side that are the shadow's own, and
// with them how many comparisons run at one time. Default 2.
func WithPool(n int) Option { return optionFunc(func(o *options) { o.pool = max(n, 1) }) }

// WithQueue bounds how many operations wait to be compared. Default 64.
func WithQueue(n int) Option { return optionFunc(func(o *options) { o.queue = max(n, 1) }) }

// WithDeadline bounds one comparison and, as statement_timeout, each statement of
// it on the server. Default 5 s.
func WithDeadline(d time.Duration) Option {
	return optionFunc(func(o *options) { o.deadline = max(d, time.Millisecond) })
}

// WithMaxAge drops an operation that has waited so long: what it read is history.
// Default 2 s.
func WithMaxAge(d time.Duration) Option { return optionFunc(func(o *options) { o.age = d }) }

// WithBudget is how many seconds of work all comparisons together may take in a
// second; what is beyond is dropped and counted. 0.25 is a quarter of one
// connection's time. Default 0: the pool is the only bound.
func WithBudget(seconds float64) Option {
	return optionFunc(func(o *options) { o.budget = max(seconds, 0) })
}

// WithMemory bounds the bytes of what waits to be compared (arguments; rows are
// kept as hashes) and of what one difference may need to be looked into. Default
// 16 MiB.
func WithMemory(n int64) Option { return optionFunc(func(o *options) { o.memory = n }) }

// WithRole switches the shadow's own sessions to a role, which should be allowed
// to read and nothing else. An operation that brings a role of its own keeps that.
// Default: that of the control.
func WithRole(name string) Option { return optionFunc(func(o *options) { o.role = name }) }

// WithKillFile looks four times a second whether there is a file of that name. If
// there is, everything is off; unless a line of it says FRAISEQL_SHADOW_STAGE=STAGE,
// which is then the highest stage allowed. Default: none.
func WithKillFile(path string) Option { return optionFunc(func(o *options) { o.killFile = path }) }

// WithStateFile keeps what was counted in a file, so that a restart does not begin
// anew to collect what the next stage needs. Default: none.
func WithStateFile(path string) Option { return optionFunc(func(o *options) { o.stateFile = path }) }

// WithFlags asks f for stage and share of each operation; see Flags. Default:
// those of WithStage and WithShare.
func WithFlags(f Flags) Option { return optionFunc(func(o *options) { o.flags = f }) }

// WithCoverage gives the share of what there is to compare that was compared, for
// Conditions and metrics. Default: not known.
func WithCoverage(f func() float64) Option { return optionFunc(func(o *options) { o.coverage = f }) }

// WithConditions says what must be true before stage s may be left for the next.
// Default: 1,000 operations compared in StageDescribe; 10,000 in seven days with an
// upper bound of 0.1 % in StageShadow and in StageLive; never a mismatch.
func WithConditions(s Stage, c Conditions) Option {
	return optionFunc(func(o *options) { o.conditions[s] = c })
}

// WithBreaker replaces the breaker's limits; see Breaker for the defaults.
func WithBreaker(b Breaker) Option { return optionFunc(func(o *options) { o.breaker = b.filled() }) }

// WithLog is where changes of state and mismatches are told. Default slog.Default().
func WithLog(l *slog.Logger) Option { return optionFunc(func(o *options) { o.log = l }) }
