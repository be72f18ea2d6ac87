package flags_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/fraiseql/fraiseql-go/flags"
)

const secret = "a secret of more than thirty-two bytes"

func TestParseServing(t *testing.T) {
	t.Parallel()
	want := flags.Default()
	want.Config = "etc/fraiseql.yaml"
	want.Server = flags.Server{
		Addr: "[::1]:0", AdminAddr: ":9000", TLSCertFile: "a b.pem", TLSKeyFile: "k.pem", BodyLimit: 1, ReadTimeout: time.Millisecond, WriteTimeout: time.Second, DrainDelay: time.Second, ShutdownTimeout: time.Minute, Profiling: true,
		CORSOrigins: []string{"https://*.example.com", "http://localhost:3000", "*"}, RequestLog: true, Tracing: "otlp", RateLimit: 5, RateBurst: 7, TrustedProxies: []string{"10.0.0.0/8", "192.0.2.7", "2001:db8::/32"},
	}
	want.GraphQL = flags.GraphQL{
		Path: "/api/v1/graphql", GraphiQL: true, Definitions: "false", Introspection: "authenticated", TrustedDocuments: "d.json", BatchMax: 10,
		QueryTx: "document", ErrorSQLStates: []string{"P0001", "UX001"}, Schemas: []string{"app", "my schema"}, SchemaReload: "listen", TenantSchema: "Acme",
	}
	want.Limits = flags.Limits{Depth: 7}
	want.JWT = flags.JWT{
		JWKSURL: "http://127.0.0.1:81/keys", Algorithms: []string{"RS256", "EdDSA"}, Audience: []string{"api"}, Issuer: "https://id.example.com/",
		Required: true, RoleClaim: "https://example.com/role", Roles: []string{"reader"}, AnonymousRole: "anon",
		Claims: []string{"sub=app.user_id", "a=b=app.x"}, TenantClaim: "tenant", Lasting: true, Role: "guest", AllClaims: "request.jwt.claims",
		TenantPattern: "t_[0-9]+", SharedSchemas: []string{"extensions"}, AnonymousTenant: "t_0",
	}
	var pairs []string
	for _, r := range flags.Table() {
		pairs = append(pairs, r.Env+"="+r.Value(want))
	}
	got, err := flags.Parse(env(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, values); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]flags.ClaimSetting{{Claim: "sub", Setting: "app.user_id"}, {Claim: "a=b", Setting: "app.x"}}, got.JWT.ClaimSettings()); d != "" {
		t.Error(d)
	}
}

func TestServingRefused(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string][]string{
		"FRAISEQL_ADDR":               {"8000", "localhost", "localhost:http", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "http://h:80", "h:80/x", "a b:80", "u@h:80", "h:"},
		"FRAISEQL_ADMIN_ADDR":         {"9000"},
		"FRAISEQL_CORS_ORIGINS":       {"example.com", "https://example.com/", "https://*.*.example.com", "*://h", "https://h:*", "https://u@h", "ftp://h", "https://h:99999", "null", "https://h?x"},
		"FRAISEQL_BODY_LIMIT":         {"0", "1MB", "-1"},
		"FRAISEQL_RATE_LIMIT":         {"-1", "0.5", "10/s"},
		"FRAISEQL_TRUSTED_PROXIES":    {"proxy", "10.0.0.1/8", "10.0.0.0/33", "fe80::1%eth0", "::ffff:10.0.0.1", "*"},
		"FRAISEQL_TRACING":            {"true", "grpc", "OTLP"},
		"FRAISEQL_GRAPHQL_PATH":       {"graphql", "/a/", "/a//b", "/{x}", "/a?b", "/../a", "/./a", "/a b", "/%61"},
		"FRAISEQL_INTROSPECTION":      {"true", "Off"},
		"FRAISEQL_QUERY_TX":           {"root"},
		"FRAISEQL_SCHEMA_RELOAD":      {"true"},
		"FRAISEQL_ERROR_SQLSTATES":    {"P000", "p0001", "P00011", "00000", "01000", "02000"},
		"FRAISEQL_LIMIT_DEPTH":        {"-1", "x"},
		"FRAISEQL_JWT_JWKS_URL":       {"https://u:p@id.example.com/keys", "http://id.example.com/keys", "id.example.com", "file:///keys", "https://"},
		"FRAISEQL_JWT_ALGORITHMS":     {"none", "hs256", "HS256,HS256"},
		"FRAISEQL_JWT_CLAIMS":         {"sub", "sub=", "=app.x", "sub=user_id", "sub=role", "sub=app.a b", "sub=app." + strings.Repeat("x", 60)},
		"FRAISEQL_JWT_ISSUER":         {" x", "a\nb"},
		"FRAISEQL_JWT_TENANT_PATTERN": {"("},
		"FRAISEQL_JWT_ALL_CLAIMS":     {"claims"},
		"FRAISEQL_TLS_CERT_FILE":      {"\x00"},
		"FRAISEQL_JWT_ANONYMOUS_ROLE": {"a "},
	} {
		for _, v := range bad {
			_, err := flags.Parse(env(name + "=" + v))
			var e *flags.Error
			if !errors.As(err, &e) {
				t.Errorf("%s=%q: accepted", name, v)
				continue
			}
			if want := (flags.Error{Name: name, Value: v, Problem: "want " + find(t, name).Allowed}); *e != want {
				t.Errorf("%s=%q: %+v, want %+v", name, v, *e, want)
			}
		}
	}
	_, err := flags.Parse(env("FRAISEQL_JWT_SECRET=hunter2"))
	if got, want := fmt.Sprint(err), "FRAISEQL_JWT_SECRET: want a text of at least 32 bytes"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	const noKey = "want a key for tokens with it: FRAISEQL_JWT_SECRET, FRAISEQL_JWT_PUBLIC_KEY_FILE, FRAISEQL_JWT_JWKS_URL or FRAISEQL_JWT_JWKS_FILE"
	for _, c := range []struct {
		name, why string
		env       []string
		want      string // "<nil>" for none
	}{
		{"certificate alone", "", []string{"FRAISEQL_TLS_CERT_FILE=c"}, `FRAISEQL_TLS_CERT_FILE="c": want FRAISEQL_TLS_KEY_FILE with it: a certificate needs its key`},
		{"key alone", "", []string{"FRAISEQL_TLS_KEY_FILE=k"}, `FRAISEQL_TLS_KEY_FILE="k": want FRAISEQL_TLS_CERT_FILE with it: a key needs its certificate`},
		{"both", "", []string{"FRAISEQL_TLS_CERT_FILE=c", "FRAISEQL_TLS_KEY_FILE=k"}, "<nil>"},
		{"h2c over TLS", "", []string{"FRAISEQL_TLS_CERT_FILE=c", "FRAISEQL_TLS_KEY_FILE=k", "FRAISEQL_H2C=true"}, `FRAISEQL_H2C="true": want false with FRAISEQL_TLS_CERT_FILE: over TLS there is HTTP/2 anyway`},
		{"one address twice", "", []string{"FRAISEQL_ADMIN_ADDR=127.0.0.1:8000"}, `FRAISEQL_ADMIN_ADDR="127.0.0.1:8000": want another address than that of FRAISEQL_ADDR`},
		{"two free ports", "port 0 is another one each time", []string{"FRAISEQL_ADDR=:0", "FRAISEQL_ADMIN_ADDR=:0"}, "<nil>"},
		{"drain", "nothing could end in the rest", []string{"FRAISEQL_DRAIN_DELAY_MS=5", "FRAISEQL_SHUTDOWN_TIMEOUT_MS=5"}, `FRAISEQL_DRAIN_DELAY_MS="5": want less than FRAISEQL_SHUTDOWN_TIMEOUT_MS, which is 5`},
		{"a burst of nothing", "", []string{"FRAISEQL_RATE_BURST=5"}, `FRAISEQL_RATE_BURST="5": want FRAISEQL_RATE_LIMIT with it: it is of no use alone`},
		{"profiles for everybody", "", []string{"FRAISEQL_PROFILING=true"}, `FRAISEQL_PROFILING="true": want FRAISEQL_ADMIN_ADDR with it: profiles are not served in public`},
		{"graphiql in the way", "", []string{"FRAISEQL_GRAPHQL_PATH=/", "FRAISEQL_GRAPHIQL=true"}, `FRAISEQL_GRAPHQL_PATH="/": want another path with FRAISEQL_GRAPHIQL=true: GraphiQL is served there`},
		{"definitions in the way", "", []string{"FRAISEQL_GRAPHQL_PATH=/definitions"}, `FRAISEQL_GRAPHQL_PATH="/definitions": want another path, or FRAISEQL_DEFINITIONS=false: JSON definitions are answered there`},
		{"no definitions", "", []string{"FRAISEQL_GRAPHQL_PATH=/definitions", "FRAISEQL_DEFINITIONS=FALSE"}, "<nil>"},
		{"nobody is authenticated", "", []string{"FRAISEQL_INTROSPECTION=authenticated"}, `FRAISEQL_INTROSPECTION="authenticated": want public or off without a key for tokens, such as FRAISEQL_JWT_SECRET: no request can prove who it is from`},
		{"two keys", "which of them signed is not for the token to say", []string{"FRAISEQL_JWT_SECRET=" + secret, "FRAISEQL_JWT_JWKS_FILE=f"}, `FRAISEQL_JWT_JWKS_FILE="f": want one key for tokens, and FRAISEQL_JWT_SECRET is set too`},
		{"no key", "every request would be let in as nobody", []string{"FRAISEQL_JWT_REQUIRED=true"}, `FRAISEQL_JWT_REQUIRED="true": ` + noKey},
		{"no key for claims", "", []string{"FRAISEQL_JWT_CLAIMS=sub=app.id"}, `FRAISEQL_JWT_CLAIMS="sub=app.id": ` + noKey},
		{"role of nobody", "needs no key", []string{"FRAISEQL_JWT_ANONYMOUS_ROLE=anon"}, "<nil>"},
		{"roles of no claim", "", []string{"FRAISEQL_JWT_SECRET=" + secret, "FRAISEQL_JWT_ROLES=a"}, `FRAISEQL_JWT_ROLES="a": want FRAISEQL_JWT_ROLE_CLAIM with it: it is of no use alone`},
		{"claim of any role", "that has to be said", []string{"FRAISEQL_JWT_SECRET=" + secret, "FRAISEQL_JWT_ROLE_CLAIM=role"}, `FRAISEQL_JWT_ROLE_CLAIM="role": want FRAISEQL_JWT_ROLES with it: the roles that a token may name, or * for each that the connection may switch to`},
		{"any role", "", []string{"FRAISEQL_JWT_SECRET=" + secret, "FRAISEQL_JWT_ROLE_CLAIM=role", "FRAISEQL_JWT_ROLES=*"}, "<nil>"},
		{"any role and one", "", []string{"FRAISEQL_JWT_SECRET=" + secret, "FRAISEQL_JWT_ROLE_CLAIM=role", "FRAISEQL_JWT_ROLES=*,a"}, `FRAISEQL_JWT_ROLES="*,a": want * alone, or the names of roles`},
		{"shared schema of the tenants", "", []string{"FRAISEQL_JWT_SECRET=" + secret, "FRAISEQL_JWT_TENANT_CLAIM=t", "FRAISEQL_TENANT_SCHEMA=t", "FRAISEQL_JWT_SHARED_SCHEMAS=t"}, `FRAISEQL_JWT_SHARED_SCHEMAS="t": want it without FRAISEQL_TENANT_SCHEMA: what a tenant lacks would be found there`},
		{"tenants of no schema", "", []string{"FRAISEQL_JWT_SECRET=" + secret, "FRAISEQL_JWT_TENANT_CLAIM=t"}, `FRAISEQL_JWT_TENANT_CLAIM="t": want FRAISEQL_TENANT_SCHEMA with it: it says which schema stands for those of the tenants`},
		{"schema of no tenant", "", []string{"FRAISEQL_TENANT_SCHEMA=t"}, `FRAISEQL_TENANT_SCHEMA="t": want FRAISEQL_JWT_TENANT_CLAIM with it: it says whose schema a request is for`},
		{
			"listen through a pooler", "",
			[]string{"FRAISEQL_DB_POOLER=transaction", "FRAISEQL_SCHEMA_RELOAD=listen"},
			`FRAISEQL_SCHEMA_RELOAD="listen": want off with FRAISEQL_DB_POOLER=transaction: LISTEN needs a session of its own`,
		},
	} {
		_, err := flags.Parse(env(c.env...))
		if d := cmp.Diff(c.want, fmt.Sprint(err)); d != "" {
			t.Errorf("%s (%s)\n%s", c.name, c.why, d)
		}
	}
}

func TestServeDefinitions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		g    flags.GraphQL
		want bool
	}{
		{flags.GraphQL{}, true},
		{flags.GraphQL{Definitions: "auto", TrustedDocuments: "f"}, false},
		{flags.GraphQL{Definitions: "true", TrustedDocuments: "f"}, true},
		{flags.GraphQL{Definitions: "false"}, false},
	} {
		if got := c.g.ServeDefinitions(); got != c.want {
			t.Errorf("%+v: %v", c.g, got)
		}
	}
}

// load is the command's order: flags first, then the rest.
func load(t *testing.T, args, environ []string, file ...flags.FileValue) (*flags.Settings, error) {
	t.Helper()
	s := flags.Default()
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	s.Register(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, s.Load(env(environ...), flags.WithFile(flags.File{Name: "f.yaml", Values: file}))
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := []flags.FileValue{
		{Key: "addr", Line: 2, Text: ":1"},
		{Key: "db-max-retries", Line: 3, Text: "1"},
		{Key: "db-query-timeout-ms", Line: 4, Text: "1"},
		{Key: "cors-origins", Line: 5, Items: []string{"https://a", "https://b"}},
		{Key: "schemas", Line: 7, Items: []string{}},
		{Key: "search-path", Line: 8, Items: []string{"my, schema"}},
		{Key: "database-url", Line: 9, Text: "postgres://file"},
		{Key: "db-max-connections", Line: 10, Text: "1"},
	}
	s, err := load(t, []string{"--addr=:3", "--db-max-retries=3"}, []string{"FRAISEQL_ADDR=:2", "FRAISEQL_DB_QUERY_TIMEOUT_MS=2"}, file...)
	if err != nil {
		t.Fatal(err)
	}
	want := flags.Default()
	want.Server.Addr, want.MaxRetries, want.QueryTimeout = ":3", 3, 2*time.Millisecond
	want.Server.CORSOrigins, want.SearchPath = []string{"https://a", "https://b"}, []string{"my, schema"}
	want.DatabaseURL, want.DatabaseURLFrom = "postgres://file", "f.yaml:9"
	want.MaxConnections, want.MinIdle = 1, 1 // as where the variable alone is set
	if d := cmp.Diff(want, s, values); d != "" {
		t.Error(d)
	}
	origins := map[string]string{}
	for _, r := range flags.Table() {
		if o := s.Origin(r.Env); o != "default" {
			origins[r.Flag] = o
		}
	}
	if d := cmp.Diff(map[string]string{
		"addr": "flag --addr", "db-max-retries": "flag --db-max-retries", "db-query-timeout-ms": "environment FRAISEQL_DB_QUERY_TIMEOUT_MS",
		"cors-origins": "f.yaml:5", "schemas": "f.yaml:7", "search-path": "f.yaml:8", "database-url": "f.yaml:9", "db-max-connections": "f.yaml:10",
	}, origins); d != "" {
		t.Error(d)
	}
}

// What is wrong names where it was written, a value that is not used too.
func TestLoadRefused(t *testing.T) {
	t.Parallel()
	_, err := load(t, []string{"--backend=pq", "--db-min-idle=9"}, []string{"FRAISEQL_DB_BACKEND=mysql", "FRAISEQL_DB_MAX_RETRIES=x"},
		flags.FileValue{Key: "backend", Line: 2, Text: "odbc"},
		flags.FileValue{Key: "db_max_retries", Line: 3, Text: "1"},
		flags.FileValue{Key: "FRAISEQL_BIGINT", Line: 4, Text: "string"},
		flags.FileValue{Key: "zzz", Line: 5, Text: "s3cret"},
		flags.FileValue{Key: "h2c", Line: 6, Items: []string{"true"}},
		flags.FileValue{Key: "bigint", Line: 7, Text: "number"},
		flags.FileValue{Key: "bigint", Line: 8, Text: "string"},
		flags.FileValue{Key: "config", Line: 9, Text: "other.yaml"},
		flags.FileValue{Key: "jwt-secret", Line: 10, Text: "hunter2"},
		flags.FileValue{Key: "schemas", Line: 11, Items: []string{"a", "a"}})
	want := `FRAISEQL_DB_BACKEND="mysql": want pgx or pq
FRAISEQL_DB_MAX_RETRIES="x": want a whole number from 0 to 100
f.yaml:2: backend="odbc": want pgx or pq
f.yaml:3: db_max_retries: unknown setting; did you mean db-max-retries?
f.yaml:4: FRAISEQL_BIGINT: unknown setting; write bigint, the name of its flag
f.yaml:5: zzz: unknown setting
f.yaml:6: h2c="[true]": want true or false, in any letter case
f.yaml:8: bigint: is on line 7 already
f.yaml:9: config: a file cannot name the file that is read; use --config or FRAISEQL_CONFIG
f.yaml:10: jwt-secret: want a text of at least 32 bytes
f.yaml:11: schemas="[a, a]": want ` + find(t, "FRAISEQL_SCHEMAS").Allowed
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Error(d)
	}
	_, err = load(t, []string{"--db-min-idle=9"}, nil, flags.FileValue{Key: "db-max-connections", Line: 3, Text: "8"},
		flags.FileValue{Key: "h2c", Line: 4, Text: "true"}, flags.FileValue{Key: "tls-cert-file", Line: 5, Text: "c"}, flags.FileValue{Key: "tls-key-file", Line: 6, Text: "k"})
	want = `--db-min-idle="9": want at most FRAISEQL_DB_MAX_CONNECTIONS, which is 8
f.yaml:4: h2c="true": want false with FRAISEQL_TLS_CERT_FILE: over TLS there is HTTP/2 anyway`
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Error(d)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"tables", "functions", "enums"}
	for got, want := range map[string]string{"tabels": "tables", "Tables": "tables", "function": "functions", "limits": "", "": ""} {
		if n := flags.Nearest(got, names, 0); n != want {
			t.Errorf("%q: %q, want %q", got, n, want)
		}
	}
}
