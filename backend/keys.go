package backend

import (
	"fmt"
	"regexp"
	"strings"
)

// envKeys are the environment variables that libpq reads (PostgreSQL
// documentation, "Environment Variables"), by the key that each stands for.
// PGSERVICE, PGSERVICEFILE and PGSYSCONFDIR are read where services are.
var envKeys = []struct{ env, key string }{
	{"PGHOST", "host"},
	{"PGHOSTADDR", "hostaddr"},
	{"PGPORT", "port"},
	{"PGDATABASE", "dbname"},
	{"PGUSER", "user"},
	{"PGPASSWORD", "password"},
	{"PGPASSFILE", "passfile"},
	{"PGOPTIONS", "options"},
	{"PGAPPNAME", "application_name"},
	{"PGSSLMODE", "sslmode"},
	{"PGSSLCERT", "sslcert"},
	{"PGSSLKEY", "sslkey"},
	{"PGSSLROOTCERT", "sslrootcert"},
	{"PGSSLSNI", "sslsni"},
	{"PGSSLNEGOTIATION", "sslnegotiation"},
	{"PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"},
	{"PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"},
	{"PGCONNECT_TIMEOUT", "connect_timeout"},
	{"PGTARGETSESSIONATTRS", "target_session_attrs"},
	{"PGLOADBALANCEHOSTS", "load_balance_hosts"},
	{"PGTZ", "timezone"},
	{"PGDATESTYLE", "datestyle"},
	{"PGCLIENTENCODING", "client_encoding"},
	{"PGGEQO", "geqo"},

	{"PGREQUIRESSL", "requiressl"},
	{"PGSSLCOMPRESSION", "sslcompression"},
	{"PGSSLCERTMODE", "sslcertmode"},
	{"PGSSLCRL", "sslcrl"},
	{"PGSSLCRLDIR", "sslcrldir"},
	{"PGREQUIREPEER", "requirepeer"},
	{"PGREQUIREAUTH", "require_auth"},
	{"PGCHANNELBINDING", "channel_binding"},
	{"PGGSSENCMODE", "gssencmode"},
	{"PGGSSDELEGATION", "gssdelegation"},
	{"PGKRBSRVNAME", "krbsrvname"},
	{"PGGSSLIB", "gsslib"},
	{"PGMINPROTOCOLVERSION", "min_protocol_version"},
	{"PGMAXPROTOCOLVERSION", "max_protocol_version"},
}

// harmless are the keys that may be given with a value under which both drivers
// do what libpq does; any other value is refused, since dropping it in silence
// would weaken what was asked for.
var harmless = map[string][]string{
	"channel_binding":      {"disable", "prefer"},
	"gssencmode":           {"disable", "prefer"},
	"gssdelegation":        {"0"},
	"requiressl":           {"0"},
	"sslcompression":       {"0"},
	"sslcertmode":          {"allow"},
	"require_auth":         {},
	"requirepeer":          {},
	"sslcrl":               {},
	"sslcrldir":            {},
	"min_protocol_version": {"3.0"},
	"max_protocol_version": {"3.0", "latest"},
	"keepalives":           {"1"},
}

// refused are keys that one driver (or a pool, or another client) takes for its
// own, or that the start-up message would read as something else, with what to use
// instead.
var refused = map[string]string{ //nolint:gosec // names of keys, no credentials
	"binary_parameters":              "choose the mode of the pq backend (FRAISEQL_PQ_BINARY_PARAMETERS)",
	"disable_prepared_binary_result": "the pq backend always asks for text",
	"sslinline":                      "write the certificates to files: sslcert, sslkey, sslrootcert",
	"sslpassword":                    "decrypt the key file of sslkey",
	"default_query_exec_mode":        "choose the mode of the pgx backend (FRAISEQL_PGX_EXEC_MODE)",
	"statement_cache_mode":           "choose the mode of the pgx backend (FRAISEQL_PGX_EXEC_MODE)",
	"statement_cache_capacity":       "FRAISEQL_DB_STATEMENT_CACHE_SIZE",
	"description_cache_capacity":     "FRAISEQL_DB_STATEMENT_CACHE_SIZE",
	"prefer_simple_protocol":         "choose the mode of the pgx backend (FRAISEQL_PGX_EXEC_MODE)",
	"pool_max_conns":                 "FRAISEQL_DB_MAX_CONNECTIONS",
	"pool_min_conns":                 "FRAISEQL_DB_MIN_IDLE",
	"pool_min_idle_conns":            "FRAISEQL_DB_MIN_IDLE",
	"pool_max_conn_lifetime":         "FRAISEQL_DB_MAX_LIFETIME_MS",
	"pool_max_conn_lifetime_jitter":  "FRAISEQL_DB_MAX_LIFETIME_MS",
	"pool_max_conn_idle_time":        "FRAISEQL_DB_IDLE_TIMEOUT_MS",
	"pool_health_check_period":       "FRAISEQL_DB_IDLE_TIMEOUT_MS",
	"keepalives_interval":            "keepalives_idle sets both",
	"keepalives_count":               "keepalives_idle; three probes are sent",
	"tcp_user_timeout":               "keepalives_idle; every statement has a deadline of its own",
	"krbsrvname":                     "neither driver is built with Kerberos here",
	"krbspn":                         "neither driver is built with Kerberos here",
	"gsslib":                         "neither driver is built with Kerberos here",
	"replication":                    "this product does not speak the replication protocol",
	"database":                       "dbname",
	"username":                       "user",
	"pgbouncer":                      "FRAISEQL_DB_POOLER=transaction",
	"schema":                         "search_path",
	"ssl":                            "sslmode",
	"sslpasswordcallback":            "decrypt the key file of sslkey",
	"oauth_issuer":                   "neither driver is given an OAuth flow here",
	"oauth_client_id":                "neither driver is given an OAuth flow here",
	"oauth_client_secret":            "neither driver is given an OAuth flow here",
	"oauth_scope":                    "neither driver is given an OAuth flow here",
	"scram_client_key":               "password",
	"scram_server_key":               "password",
	"sslkeylogfile":                  "nothing: session keys are never written",
}

// parameterName is what a run-time parameter can be called: a SQL name, with a
// prefix and a dot where an extension or application owns it.
var parameterName = regexp.MustCompile(`^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*$`)

// checkParameter refuses a run-time parameter that can't be one. name is in lower
// case. What the server does not know it refuses itself, at login.
func checkParameter(name, value string) error {
	if hint, ok := refused[name]; ok {
		return fmt.Errorf("%s: not supported; instead: %s", name, hint)
	}
	switch name {
	case "user", "options":
		return fmt.Errorf("%s: not a run-time parameter", name)
	}
	if len(name) > 63 || !parameterName.MatchString(name) || strings.HasPrefix(name, "_pq_.") {
		return fmt.Errorf("%q: not the name of a run-time parameter", name)
	}
	if strings.ContainsRune(value, 0) {
		return fmt.Errorf("%s: a NUL byte in the value", name)
	}
	return nil
}
