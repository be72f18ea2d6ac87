package fraiseql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
	"github.com/fraiseql/fraiseql-go/server"
	"github.com/fraiseql/fraiseql-go/server/auth"
)

func TestServerOptions(t *testing.T) {
	t.Parallel()
	got, err := fraiseql.ServerOptions(flags.Default())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(server.Options{MaxBody: server.DefaultMaxBody, PersistBytes: server.DefaultPersistBytes}, got, cmp.AllowUnexported(server.TrustedDocuments{})); d != "" {
		t.Errorf("defaults that are not those of package server\n%s", d)
	}
	s := flags.Default()
	s.GraphQL.BatchMax, s.GraphQL.APQBytes, s.Server.Compression, s.Server.RequestLog = 5, 0, false, true
	s.Server.CORSOrigins, s.GraphQL.Introspection = []string{"https://a"}, flags.IntrospectionAuthenticated
	s.GraphQL.TrustedDocuments = filepath.Join(t.TempDir(), "documents.json")
	if err := os.WriteFile(s.GraphQL.TrustedDocuments, []byte(`{"one": "{a}"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err = fraiseql.ServerOptions(s); err != nil {
		t.Fatal(err)
	}
	if got.Trusted == nil || got.Trusted.Len() != 1 {
		t.Error("no trusted documents")
	}
	got.Trusted = nil
	want := server.Options{
		MaxBody: 1 << 20, Batching: true, MaxBatch: 5, PersistBytes: -1, Introspection: server.IntrospectionAuthenticated,
		CORS: server.CORS{Origins: []string{"https://a"}}, NoCompression: true, LogRequests: true,
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(server.TrustedDocuments{})); d != "" {
		t.Error(d)
	}
	s.GraphQL.TrustedDocuments += "x"
	if _, err = fraiseql.ServerOptions(s); backend.CodeOf(err) != backend.CodeConfiguration || !strings.Contains(err.Error(), "documents.jsonx") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestAuthOptions(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("secret ", 6)
	s := flags.Default()
	s.JWT = flags.JWT{
		Secret: secret, Algorithms: []string{"HS256"}, Audience: []string{"api"}, Issuer: "me", Required: true, Lasting: true,
		RoleClaim: "role", Roles: []string{"*"}, Role: "guest", AnonymousRole: "anon", Claims: []string{"sub=app.user_id"}, AllClaims: "app.claims",
		TenantClaim: "tenant", TenantPattern: "t_.*", SharedSchemas: []string{"ext"}, AnonymousTenant: "t_0",
	}
	s.GraphQL.TenantSchema = "t"
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	got := fraiseql.AuthOptions(s)
	want := auth.Options{
		Secret: []byte(secret), Algorithms: []string{"HS256"}, Audience: []string{"api"}, Issuer: "me", Skew: -1, Required: true, Lasting: true,
		RoleClaim: "role", AnyRole: true, Role: "guest", AnonymousRole: "anon",
		Claims: []auth.Claim{{Path: "sub", Setting: "app.user_id"}}, AllClaims: "app.claims",
		TenantClaim: "tenant", TenantPattern: "t_.*", SharedSchemas: []string{"ext"}, AnonymousTenant: "t_0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	who, err := auth.New(got)
	if err != nil {
		t.Fatal(err)
	}
	who.Close()
	s.JWT.Roles = []string{"a", "b"}
	if got = fraiseql.AuthOptions(s); got.AnyRole || len(got.Roles) != 2 {
		t.Errorf("%+v", got)
	}
}

// A policy that is not known shows nothing.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]server.Introspection{
		"public": server.IntrospectionPublic, "authenticated": server.IntrospectionAuthenticated, "off": server.IntrospectionOff, "": server.IntrospectionOff,
	} {
		s := flags.Default()
		s.GraphQL.Introspection = policy
		if o, err := fraiseql.ServerOptions(s); err != nil || o.Introspection != want {
			t.Errorf("%q: %v, %v", policy, o.Introspection, err)
		}
	}
}

func TestGraphQLLimits(t *testing.T) {
	t.Parallel()
	s := flags.Default()
	if d := cmp.Diff(graphql.DefaultLimits(), fraiseql.GraphQLLimits(s)); d != "" {
		t.Error(d)
	}
	s.Limits = flags.Limits{Depth: 7}
	want := graphql.Limits{
		Depth: 7, Bytes: -1, Tokens: -1, Aliases: -1, Roots: -1, Directives: -1, Fragments: -1, Cost: -1,
		InputDepth: -1, Errors: -1, Introspect: -1, VariableSize: -1,
	}
	if d := cmp.Diff(want, fraiseql.GraphQLLimits(s)); d != "" {
		t.Errorf("0 is no limit\n%s", d)
	}
}

// Only the schemas of the settings are served, and one that is not there is an
// error.
func TestSchemas(t *testing.T) {
	t.Parallel()
	s := flags.Default()
	s.GraphQL.Schemas = []string{"public"}
	db, err := fraiseql.Open(t.Context(), pgtest.Sample(t), s)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if d := cmp.Diff([]string{"public"}, db.Schema().Catalog().Schemas()); d != "" {
		t.Error(d)
	}
	s.GraphQL.Schemas = []string{"nowhere"}
	if _, err := fraiseql.Open(t.Context(), pgtest.Sample(t), s); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a schema that is not there: %v", err)
	}
}

// TestRelationDepth: what the builder bounds is met by no document that GraphQL
// takes.
func TestRelationDepth(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]int{15: 15, 7: 15, 40: 40, 0: -1} {
		s := flags.Default()
		s.Limits.Depth = depth
		if got := fraiseql.SchemaOptions(s).MaxDepth; got != want {
			t.Errorf("limit-depth %d: relations nest %d deep, want %d", depth, got, want)
		}
	}
}
