package flags

import (
	"errors"
	"fmt"
	"slices"
)

// Validate checks what single values cannot tell: settings that contradict each
// other, and values that Go code has put in. The error joins one *Error for
// each problem.
func (s *Settings) Validate() error {
	c := checker{s: s}
	scratch := Default()
	for i := range table {
		r := &table[i]
		if v := r.show(s); r.set(scratch, v) != nil {
			c.problems = append(c.problems, r.problem(s.nameOf(r), v))
		}
	}
	c.database()
	c.server()
	c.graphql()
	c.jwt()
	c.shadow()
	return errors.Join(c.problems...)
}

// checker collects what is wrong with s.
type checker struct {
	s        *Settings
	problems []error
}

// addf says what is wrong with the setting env.
func (c *checker) addf(env, format string, args ...any) {
	r := lookup(env)
	e := &Error{Name: c.s.nameOf(r), Value: r.Value(c.s), Problem: fmt.Sprintf(format, args...)}
	if r.Secret {
		e.Value = ""
	}
	c.problems = append(c.problems, e)
}

func (c *checker) database() {
	s := c.s
	if s.MinIdle > s.MaxConnections {
		c.addf("FRAISEQL_DB_MIN_IDLE", "want at most FRAISEQL_DB_MAX_CONNECTIONS, which is %d", s.MaxConnections)
	}
	switch {
	case s.DatabaseReadURL == "" && s.Replicas.Cookie:
		c.addf("FRAISEQL_REPLICA_COOKIE", "want FRAISEQL_DATABASE_READ_URL with it: without replicas there are no sessions")
	case s.DatabaseReadURL != "" && s.Compares():
		c.addf("FRAISEQL_PARITY_TESTING", "want false with FRAISEQL_DATABASE_READ_URL: what is compared has to be read from one server")
	}
	if s.Pooler != PoolerTransaction {
		return
	}
	// Everything else names statements, or looks at a statement in one round
	// trip and runs it in another: a pooler may change the server in between.
	if m := s.ExecMode(); m != "exec" && m != "simple_protocol" {
		c.addf("FRAISEQL_PGX_EXEC_MODE", "want auto, exec or simple_protocol with FRAISEQL_DB_POOLER=transaction: another client's answer could be read")
	}
	if !s.BinaryParameters() {
		c.addf("FRAISEQL_PQ_BINARY_PARAMETERS", "want auto or true with FRAISEQL_DB_POOLER=transaction: another client's answer could be read")
	}
	if s.GraphQL.SchemaReload == ReloadListen {
		c.addf("FRAISEQL_SCHEMA_RELOAD", "want off with FRAISEQL_DB_POOLER=transaction: LISTEN needs a session of its own")
	}
}

func (c *checker) server() {
	s := c.s.Server
	switch cert, key := s.TLSCertFile != "", s.TLSKeyFile != ""; {
	case cert && !key:
		c.addf("FRAISEQL_TLS_CERT_FILE", "want FRAISEQL_TLS_KEY_FILE with it: a certificate needs its key")
	case key && !cert:
		c.addf("FRAISEQL_TLS_KEY_FILE", "want FRAISEQL_TLS_CERT_FILE with it: a key needs its certificate")
	case cert && s.H2C:
		c.addf("FRAISEQL_H2C", "want false with FRAISEQL_TLS_CERT_FILE: over TLS there is HTTP/2 anyway")
	}
	if s.DrainDelay >= s.ShutdownTimeout {
		c.addf("FRAISEQL_DRAIN_DELAY_MS", "want less than FRAISEQL_SHUTDOWN_TIMEOUT_MS, which is %d", s.ShutdownTimeout.Milliseconds())
	}
	if s.RateBurst > 0 && s.RateLimit == 0 {
		c.addf("FRAISEQL_RATE_BURST", "want FRAISEQL_RATE_LIMIT with it: it is of no use alone")
	}
	if s.Profiling && s.AdminAddr == "" {
		c.addf("FRAISEQL_PROFILING", "want FRAISEQL_ADMIN_ADDR with it: profiles are not served in public")
	}
	if s.AdminAddr != "" && s.AdminAddr == s.Addr && port(s.Addr) != 0 {
		c.addf("FRAISEQL_ADMIN_ADDR", "want another address than that of FRAISEQL_ADDR")
	}
}

func (c *checker) graphql() {
	s := c.s
	switch p := s.GraphQL.Path; {
	case p == "/" && s.GraphQL.GraphiQL:
		c.addf("FRAISEQL_GRAPHQL_PATH", "want another path with FRAISEQL_GRAPHIQL=true: GraphiQL is served there")
	case p == "/definitions" && s.GraphQL.ServeDefinitions():
		c.addf("FRAISEQL_GRAPHQL_PATH", "want another path, or FRAISEQL_DEFINITIONS=false: JSON definitions are answered there")
	}
	if s.GraphQL.Introspection == IntrospectionAuthenticated && !s.JWT.HasKey() {
		c.addf("FRAISEQL_INTROSPECTION", "want public or off without a key for tokens, such as FRAISEQL_JWT_SECRET: no request can prove who it is from")
	}
	if s.GraphQL.TenantSchema != "" && s.JWT.TenantClaim == "" {
		c.addf("FRAISEQL_TENANT_SCHEMA", "want FRAISEQL_JWT_TENANT_CLAIM with it: it says whose schema a request is for")
	}
}

// needs says that the settings do nothing without the setting env, which is value.
func (c *checker) needs(env, value string, settings ...string) {
	for _, name := range settings {
		if value == "" && lookup(name).show(c.s) != "" {
			c.addf(name, "want %s with it: it is of no use alone", env)
		}
	}
}

// shadow refuses settings of a shadow where there is none. With FRAISEQL_PARITY_TESTING=false
// they may stay: it is how one switches off what is set up.
func (c *checker) shadow() {
	s := c.s
	if s.ParityMode == ParityShadow && (s.ParityTesting || s.given("FRAISEQL_PARITY_TESTING")) {
		return
	}
	for i := range shadowRows {
		r := &shadowRows[i]
		if r.show(s) != r.Default {
			c.addf(r.Env, "want FRAISEQL_PARITY_TESTING=true and FRAISEQL_PARITY_MODE=shadow with it: there is no shadow otherwise")
		}
	}
}

func (c *checker) jwt() {
	j := c.s.JWT
	keys := j.keys()
	if len(keys) > 1 {
		c.addf(keys[1], "want one key for tokens, and %s is set too", keys[0])
	}
	if j.TenantClaim != "" && c.s.GraphQL.TenantSchema == "" {
		c.addf("FRAISEQL_JWT_TENANT_CLAIM", "want FRAISEQL_TENANT_SCHEMA with it: it says which schema stands for those of the tenants")
	}
	if j.RoleClaim != "" && len(j.Roles) == 0 {
		c.addf("FRAISEQL_JWT_ROLE_CLAIM", "want FRAISEQL_JWT_ROLES with it: the roles that a token may name, or * for each that the connection may switch to")
	}
	if len(j.Roles) > 1 && slices.Contains(j.Roles, AnyRole) {
		c.addf("FRAISEQL_JWT_ROLES", "want * alone, or the names of roles")
	}
	c.needs("FRAISEQL_JWT_ROLE_CLAIM", j.RoleClaim, "FRAISEQL_JWT_ROLES", "FRAISEQL_JWT_ROLE")
	c.needs("FRAISEQL_JWT_TENANT_CLAIM", j.TenantClaim, "FRAISEQL_JWT_TENANT_PATTERN", "FRAISEQL_JWT_SHARED_SCHEMAS", "FRAISEQL_JWT_ANONYMOUS_TENANT")
	if slices.Contains(j.SharedSchemas, c.s.GraphQL.TenantSchema) && c.s.GraphQL.TenantSchema != "" {
		c.addf("FRAISEQL_JWT_SHARED_SCHEMAS", "want it without FRAISEQL_TENANT_SCHEMA: what a tenant lacks would be found there")
	}
	if len(keys) > 0 {
		return
	}
	for i := range jwtRows {
		r := &jwtRows[i]
		if r.Env != "FRAISEQL_JWT_ANONYMOUS_ROLE" && r.show(c.s) != r.Default {
			c.addf(r.Env, "want a key for tokens with it: FRAISEQL_JWT_SECRET, FRAISEQL_JWT_PUBLIC_KEY_FILE, FRAISEQL_JWT_JWKS_URL or FRAISEQL_JWT_JWKS_FILE")
		}
	}
}
