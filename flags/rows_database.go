package flags

import "time"

// Limits of the numbers. PostgreSQL's own timeouts are int4 milliseconds.
const (
	maxMillis      = 1<<31 - 1
	maxConnections = 262143 // PostgreSQL's max_connections cannot be more
	maxStatements  = 100_000
	maxWaiting     = 1_000_000
	maxRetries     = 100
)

// databaseRows are the settings of the database and of what is done with it.
var databaseRows = []Setting{
	{
		Group: "Connection", Env: "FRAISEQL_DATABASE_URL", Fallback: "DATABASE_URL", Flag: "database-url", Secret: true,
		Allowed: "a PostgreSQL connection URL or keyword string",
		Doc:     "The database. Both backends connect with what is said here.",
		set:     func(s *Settings, v string) error { return text(&s.DatabaseURL, v, noNUL) },
		show:    func(s *Settings) string { return s.DatabaseURL },
	},
	{
		Group: "Connection", Env: "FRAISEQL_DATABASE_READ_URL", Flag: "database-read-url", Secret: true,
		Allowed: "a PostgreSQL connection URL or keyword string",
		Doc: "The streaming replicas that queries are sent to, each of the hosts one, with a pool of its own. " +
			"Not set: everything runs on FRAISEQL_DATABASE_URL.",
		set:  func(s *Settings, v string) error { return text(&s.DatabaseReadURL, v, noNUL) },
		show: func(s *Settings) string { return s.DatabaseReadURL },
	},
	millis("Connection", "FRAISEQL_REPLICA_MAX_LAG_MS", "replica-max-lag-ms", "10000", 0,
		"A replica of FRAISEQL_DATABASE_READ_URL that is further behind is not read from until it has caught up. It is measured each second. 0: no limit.",
		func(s *Settings) *time.Duration { return &s.Replicas.MaxLag }),
	millis("Connection", "FRAISEQL_REPLICA_WAIT_MS", "replica-wait-ms", "100", 0,
		"How long a read waits for a replica that has not replayed yet what its session wrote, before it goes to the primary. 0: not at all.",
		func(s *Settings) *time.Duration { return &s.Replicas.Wait }),
	truth("Connection", "FRAISEQL_REPLICA_COOKIE", "replica-cookie", "false",
		"Whether the token of a session, which the header X-Fraiseql-Session carries, is given as a cookie too, so that a browser needs no code for it.",
		func(s *Settings) *bool { return &s.Replicas.Cookie }),
	choice("Connection", "FRAISEQL_DB_BACKEND", "backend", "The driver that runs operations.",
		func(s *Settings) *string { return &s.Backend }, BackendPGX, BackendPQ),
	choice("Connection", "FRAISEQL_DB_POOLER", "db-pooler",
		"Whether a pooler in transaction mode, such as PgBouncer, stands before the server. "+
			"With transaction no named statement is used, and settings are made inside each transaction.",
		func(s *Settings) *string { return &s.Pooler }, PoolerNone, PoolerTransaction),
	choice("Connection", "FRAISEQL_PGX_EXEC_MODE", "pgx-exec-mode",
		"How pgx sends a statement. auto is exec behind a transaction pooler, else cache_statement.",
		func(s *Settings) *string { return &s.PGXExecMode },
		Auto, "cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"),
	boolChoice("Connection", "FRAISEQL_PQ_BINARY_PARAMETERS", "pq-binary-parameters",
		"Whether lib/pq sends statement and arguments in one round trip (binary_parameters). "+
			"auto is true behind a transaction pooler, else false.",
		func(s *Settings) *string { return &s.PQBinaryParameters }),
	{
		Group: "Connection", Env: "FRAISEQL_TIMEZONE", Flag: "timezone", Default: "UTC",
		Allowed: "a time zone that the server knows, such as UTC or Europe/Paris",
		Doc:     "The session's TimeZone: timestamps with time zone are written with its offset.",
		set:     setTimeZone,
		show:    func(s *Settings) string { return s.TimeZone },
	},
	list("Connection", "FRAISEQL_SEARCH_PATH", "search-path", schemasAllowed,
		"The session's search_path. Not set: that of the role and the database.",
		func(s *Settings) *[]string { return &s.SearchPath }, anyText),

	count("Pool", "FRAISEQL_DB_MAX_CONNECTIONS", "db-max-connections", "20", 1, maxConnections,
		"The most connections that are open at one time.",
		func(s *Settings) *int { return &s.MaxConnections }),
	count("Pool", "FRAISEQL_DB_MIN_IDLE", "db-min-idle", "2", 0, maxConnections,
		"Idle connections that are kept ready. At most FRAISEQL_DB_MAX_CONNECTIONS; where only that one is set, to less than 2, this is as low.",
		func(s *Settings) *int { return &s.MinIdle }),
	count("Pool", "FRAISEQL_DB_MAX_WAITING", "db-max-waiting", "1000", 0, maxWaiting,
		"The most operations that wait for a connection at one time, in the order of coming; more are answered with 503 at once. 0: no limit.",
		func(s *Settings) *int { return &s.MaxWaiting }),
	millis("Pool", "FRAISEQL_DB_CONNECTION_TIMEOUT_MS", "db-connection-timeout-ms", "30000", 1,
		"How long an operation waits for a connection.",
		func(s *Settings) *time.Duration { return &s.ConnectionTimeout }),
	millis("Pool", "FRAISEQL_DB_IDLE_TIMEOUT_MS", "db-idle-timeout-ms", "600000", 0,
		"A connection that was idle for so long is closed. 0: never.",
		func(s *Settings) *time.Duration { return &s.IdleTimeout }),
	millis("Pool", "FRAISEQL_DB_MAX_LIFETIME_MS", "db-max-lifetime-ms", "1800000", 0,
		"A connection that old is closed when its work is done. 0: never.",
		func(s *Settings) *time.Duration { return &s.MaxLifetime }),
	millis("Pool", "FRAISEQL_DB_QUERY_TIMEOUT_MS", "db-query-timeout-ms", "30000", 0,
		"How long one statement may run. 0: no limit.",
		func(s *Settings) *time.Duration { return &s.QueryTimeout }),
	count("Pool", "FRAISEQL_DB_STATEMENT_CACHE_SIZE", "db-statement-cache-size", "100", 0, maxStatements,
		"Prepared statements that a connection keeps. 0: none.",
		func(s *Settings) *int { return &s.StatementCacheSize }),
	count("Pool", "FRAISEQL_DB_MAX_RETRIES", "db-max-retries", "3", 0, maxRetries,
		"How often a transaction is run again after a serialization failure or a deadlock. 0: never.",
		func(s *Settings) *int { return &s.MaxRetries }),

	truth("Parity", "FRAISEQL_PARITY_TESTING", "parity-testing", "false",
		"Whether each operation runs on both backends and the answers are compared.",
		func(s *Settings) *bool { return &s.ParityTesting }),
	choice("Parity", "FRAISEQL_PARITY_MODE", "parity-mode",
		"What a mismatch does: strict fails the operation, shadow reports it and answers with the control.",
		func(s *Settings) *string { return &s.ParityMode }, ParityStrict, ParityShadow),
	share("Parity", "FRAISEQL_PARITY_SAMPLE", "parity-sample", "1", 1,
		"The share of operations that are compared in mode strict; FRAISEQL_SHADOW_SHARE is that of mode shadow.",
		func(s *Settings) *float64 { return &s.ParitySample }),

	truth("Log", "FRAISEQL_LOG_PERFORMANCE", "log-performance", "false",
		"Whether slow statements are logged.",
		func(s *Settings) *bool { return &s.LogPerformance }),
	millis("Log", "FRAISEQL_PERFORMANCE_THRESHOLD_MS", "performance-threshold-ms", "100", 0,
		"How long a statement takes that counts as slow. 0: every statement is logged.",
		func(s *Settings) *time.Duration { return &s.PerformanceThreshold }),

	choice("Answers", "FRAISEQL_BIGINT", "bigint",
		"How int8 and numeric are written in JSON: number has exact digits, string suits JavaScript clients.",
		func(s *Settings) *string { return &s.BigInt }, BigIntNumber, BigIntString),
	choice("Answers", "FRAISEQL_JSON_KEYS", "json-keys",
		"What happens to the keys inside json and jsonb values: camel rewrites them, at any depth.",
		func(s *Settings) *string { return &s.JSONKeys }, KeysKeep, KeysCamel),
	rows("Answers", "FRAISEQL_MAX_ROWS", "max-rows", "0",
		"A result with more rows is refused with an error, never cut. 0: no limit.",
		func(s *Settings) *int64 { return &s.MaxRows }),
	choice("Answers", "FRAISEQL_MUTATION_TX", "mutation-tx",
		"The transaction of a GraphQL document with several mutations: one for each root field, or one for the document.",
		func(s *Settings) *string { return &s.MutationTx }, TxRoot, TxDocument),
}
