// Package flags turns the command line, the environment and a file into Settings:
// a flag wins over the environment, which wins over the file.
//
// One table (see Table) has a row for each setting: its variable, its flag, its
// default, what is allowed, and its documentation. Parsing, the flags of the
// command line, the reference page and the messages all come from that table.
//
// A value that is not understood is an error, never a default; so is a
// FRAISEQL_ variable that no row knows. All problems are reported at once, each
// with the variable, the value and what is allowed. Values of connection URLs
// are never shown.
//
// Import direction: standard library, and pflag for the type of a flag set.
package flags

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// The choices of the settings that have some.
const (
	BackendPGX = "pgx"
	BackendPQ  = "pq"

	ParityStrict = "strict" // a mismatch fails the operation
	ParityShadow = "shadow" // a mismatch is reported, the control's answer is given

	// Auto leaves the choice to Pooler.
	Auto = "auto"

	PoolerNone        = "none"
	PoolerTransaction = "transaction"

	BigIntNumber = "number"
	BigIntString = "string"

	KeysKeep  = "keep"
	KeysCamel = "camel"

	TxRoot     = "root"
	TxDocument = "document"
)

// Replicas is how reads are sent to replicas, with DatabaseReadURL.
type Replicas struct {
	// MaxLag is how late a replica may be that is read from; 0 means no limit.
	MaxLag time.Duration
	// Wait bounds how long a read waits for a replica to have what its session wrote.
	Wait time.Duration
	// Cookie keeps sessions in a cookie too.
	Cookie bool
}

// Settings are all settings of the product. The zero value is not usable: start
// with Default, Parse or FromEnv. Settings are not safe for concurrent change.
type Settings struct {
	// Backend is the driver: BackendPGX (default) or BackendPQ.
	Backend string
	// DatabaseURL is the connection string; "" where none was given.
	DatabaseURL string
	// DatabaseURLFrom says where DatabaseURL came from: the name of a variable
	// or "--database-url"; "" where none was given. For messages.
	DatabaseURLFrom string
	// DatabaseReadURL is the connection string of the replicas that reads are sent to,
	// each host of it one; "" for none.
	DatabaseReadURL string
	// Replicas are how reads are sent there.
	Replicas Replicas

	// ParityTesting runs each operation on both backends and compares.
	ParityTesting bool
	// ParityMode is ParityStrict (default) or ParityShadow.
	ParityMode string
	// ParitySample is the share of operations that are compared, 0 to 1.
	ParitySample float64

	// Shadow is what ParityShadow needs.
	Shadow Shadow

	// LogPerformance logs statements that took at least PerformanceThreshold.
	LogPerformance bool
	// PerformanceThreshold is 100 ms unless set; 0 logs every statement.
	PerformanceThreshold time.Duration

	// MaxConnections bounds the pool; at least 1.
	MaxConnections int
	// MinIdle is how many idle connections are kept ready; at most MaxConnections.
	MinIdle int
	// MaxWaiting bounds how many operations wait for a connection; 0 means no limit.
	MaxWaiting int
	// ConnectionTimeout bounds the wait for a connection.
	ConnectionTimeout time.Duration
	// IdleTimeout closes connections that were idle for so long; 0 means never.
	IdleTimeout time.Duration
	// MaxLifetime closes connections that old; 0 means never.
	MaxLifetime time.Duration
	// QueryTimeout bounds one statement; 0 means no limit.
	QueryTimeout time.Duration
	// StatementCacheSize is the number of prepared statements that a connection
	// keeps; 0 means none.
	StatementCacheSize int
	// MaxRetries is how often a transaction is run again after a serialization
	// failure or a deadlock; 0 means never.
	MaxRetries int

	// PGXExecMode is one of pgx's exec modes, or Auto. Read it through ExecMode.
	PGXExecMode string
	// PQBinaryParameters is "true", "false" or Auto. Read it through BinaryParameters.
	PQBinaryParameters string
	// Pooler is PoolerTransaction behind PgBouncer and its like, else PoolerNone.
	Pooler string
	// TimeZone is the session's TimeZone on both backends.
	TimeZone string
	// SearchPath are the schemas of the session's search path, unquoted; empty
	// leaves it to the role and database.
	SearchPath []string

	// BigInt says how int8 and numeric are written: BigIntNumber or BigIntString.
	BigInt string
	// JSONKeys says what happens to keys inside json values: KeysKeep or KeysCamel.
	JSONKeys string
	// MaxRows refuses a larger result; 0 means no limit.
	MaxRows int64
	// MutationTx is TxRoot (a transaction for each mutation) or TxDocument.
	MutationTx string

	// Config is the path of the configuration file; "" for fraiseql.yaml in the
	// working directory. Package config reads it; Parse does not.
	Config string
	// Server, GraphQL, Limits and JWT are what serving needs.
	Server  Server
	GraphQL GraphQL
	Limits  Limits
	JWT     JWT

	origins map[string]source // by variable; see Origin
}

// Default gives every setting its default.
func Default() *Settings {
	s := &Settings{}
	for i := range table {
		if err := table[i].set(s, table[i].Default); err != nil {
			panic(fmt.Sprintf("flags: default of %s: %v", table[i].Env, err)) // a broken table; a test walks it
		}
	}
	return s
}

// ExecMode is the exec mode that pgx is to use: PGXExecMode, and for Auto
// "exec" behind a transaction pooler, else "cache_statement".
func (s *Settings) ExecMode() string {
	switch {
	case s.PGXExecMode != Auto && s.PGXExecMode != "":
		return s.PGXExecMode
	case s.Pooler == PoolerTransaction:
		return "exec"
	}
	return "cache_statement"
}

// BinaryParameters says whether lib/pq is to run with binary_parameters:
// PQBinaryParameters, and for Auto whether a transaction pooler is there.
func (s *Settings) BinaryParameters() bool {
	if s.PQBinaryParameters == Auto || s.PQBinaryParameters == "" {
		return s.Pooler == PoolerTransaction
	}
	return s.PQBinaryParameters == "true"
}

// Compares says whether operations may run on both backends: ParityTesting, unless it
// is in its last stage, in which there is nothing to compare with any more.
func (s *Settings) Compares() bool {
	return s.ParityTesting && (s.ParityMode != ParityShadow || s.Shadow.Stage != "done" || s.Shadow.FlagsFile != "")
}

// String lists every setting that differs from its default, by variable.
// Connection URLs are hidden.
func (s *Settings) String() string {
	var b strings.Builder
	for i := range table {
		if v := table[i].Value(s); v != table[i].Default {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%s=%q", table[i].Env, v)
		}
	}
	return b.String()
}

// GoString is String, so that %#v shows no password either.
func (s *Settings) GoString() string { return "flags.Settings{" + s.String() + "}" }

// LogValue lets slog print Settings without passwords.
func (s *Settings) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes every setting by its variable, with URLs hidden.
func (s *Settings) MarshalJSON() ([]byte, error) { return marshal(s) }
