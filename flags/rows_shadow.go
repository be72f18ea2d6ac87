package flags

import (
	"strconv"
	"time"
)

// Shadow is how the other backend shadows operations, with ParityShadow.
type Shadow struct {
	// Stage is off, describe, shadow, live or done.
	Stage string
	// Share of the operations that are compared, 0 to 1.
	Share float64
	// Key is what the sample sticks to: "", "class", or a session variable.
	Key string
	// Floor is how many operations of each class an hour are compared at least.
	Floor int
	// Pool is the number of connections to either side that are the shadow's own.
	Pool int
	// Deadline bounds one comparison.
	Deadline time.Duration
	// Budget is how many seconds of work a second may have; 0 means no bound.
	Budget float64
	// Role is what the shadow's own sessions switch to; "" for none.
	Role string
	// KillFile ends the shadow when it is there; StateFile keeps what was counted;
	// FlagsFile has flags by operation. "" for none.
	KillFile, StateFile, FlagsFile string
}

// shadowRows are the settings of the shadow.
var shadowRows = []Setting{
	choice("Shadow", "FRAISEQL_SHADOW_STAGE", "shadow-stage",
		"With FRAISEQL_PARITY_MODE=shadow: describe has the other backend describe statements and run none, shadow has it run reads too, "+
			"in live it answers and FRAISEQL_DB_BACKEND shadows it, in done it is alone.",
		func(s *Settings) *string { return &s.Shadow.Stage }, "shadow", "off", "describe", "live", "done"),
	share("Shadow", "FRAISEQL_SHADOW_SHARE", "shadow-share", "0.05", 1,
		"The share of operations that are compared.",
		func(s *Settings) *float64 { return &s.Shadow.Share }),
	word("Shadow", "FRAISEQL_SHADOW_KEY", "shadow-key", "", "class, or the name of a session variable such as app.user_id",
		"What the sample sticks to: all operations of one class, or of one value of the variable, are in it or none. Not set: chance decides for each.",
		func(s *Settings) *string { return &s.Shadow.Key },
		func(v string) bool { return v == "class" || variable(v) }),
	count("Shadow", "FRAISEQL_SHADOW_FLOOR", "shadow-floor", "10", 0, 1_000_000,
		"How many operations of each class are compared an hour at least, whatever the share says. 0: none.",
		func(s *Settings) *int { return &s.Shadow.Floor }),
	count("Shadow", "FRAISEQL_SHADOW_POOL", "shadow-pool", "2", 1, maxConnections,
		"The most connections to either side that are the shadow's own, and the most comparisons at one time.",
		func(s *Settings) *int { return &s.Shadow.Pool }),
	millis("Shadow", "FRAISEQL_SHADOW_DEADLINE_MS", "shadow-deadline-ms", "5000", 1,
		"How long one comparison may take; the server knows it too.",
		func(s *Settings) *time.Duration { return &s.Shadow.Deadline }),
	share("Shadow", "FRAISEQL_SHADOW_BUDGET", "shadow-budget", "0", 1_000,
		"How many seconds of work all comparisons together may take in a second; what is beyond is dropped and counted. 0: the pool is the only bound.",
		func(s *Settings) *float64 { return &s.Shadow.Budget }),
	word("Shadow", "FRAISEQL_SHADOW_ROLE", "shadow-role", "", "the name of a role",
		"The role that the shadow's own sessions switch to; it should be allowed to read and nothing else. An operation that brings a role keeps that.",
		func(s *Settings) *string { return &s.Shadow.Role }, plain),
	word("Shadow", "FRAISEQL_SHADOW_KILL_FILE", "shadow-kill-file", "", "the path of a file",
		"While there is such a file the shadow is off, within a second. With a line FRAISEQL_SHADOW_STAGE=STAGE in it that stage is the highest allowed.",
		func(s *Settings) *string { return &s.Shadow.KillFile }, fileName),
	word("Shadow", "FRAISEQL_SHADOW_STATE_FILE", "shadow-state-file", "", "the path of a file",
		"Keeps what was counted over restarts, for the conditions of the next stage.",
		func(s *Settings) *string { return &s.Shadow.StateFile }, fileName),
	word("Shadow", "FRAISEQL_SHADOW_FLAGS_FILE", "shadow-flags-file", "", "the path of a file of flagd's format",
		"Flags fraiseql-shadow-stage and fraiseql-shadow-share by tenant, role, class, operation and kind. It is read again when it changes.",
		func(s *Settings) *string { return &s.Shadow.FlagsFile }, fileName),
}

// share is a decimal number from 0 to high.
func share(group, env, flag, def string, high int, doc string, field func(*Settings) *float64) Setting {
	return Setting{
		Group: group, Env: env, Flag: flag, Default: def, Doc: doc,
		Allowed: "a decimal number from 0 to " + strconv.Itoa(high) + ", such as 0.05",
		set: func(s *Settings, v string) error {
			f, err := decimal(v, high)
			if err == nil {
				*field(s) = f
			}
			return err
		},
		show: func(s *Settings) string { return strconv.FormatFloat(*field(s), 'f', -1, 64) },
	}
}
