package auth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/server/auth"
)

func TestFromSettings(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"FRAISEQL_JWT_SECRET": string(secret), "FRAISEQL_JWT_ALGORITHMS": "HS256", "FRAISEQL_JWT_AUDIENCE": "a,b", "FRAISEQL_JWT_ISSUER": "i",
		"FRAISEQL_JWT_CLOCK_SKEW_MS": "0", "FRAISEQL_JWT_REQUIRED": "true", "FRAISEQL_JWT_ROLE_CLAIM": "role", "FRAISEQL_JWT_ROLES": "reader,writer",
		"FRAISEQL_JWT_CLAIMS": "sub=app.user_id,https://example.com/claims.tenant=app.tenant_id", "FRAISEQL_JWT_ANONYMOUS_ROLE": "anon",
		"FRAISEQL_JWT_TENANT_CLAIM": "t", "FRAISEQL_TENANT_SCHEMA": "template", "FRAISEQL_SEARCH_PATH": "template,ext",
	}
	s, err := flags.Parse(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Options{
		Secret: secret, Algorithms: []string{"HS256"}, Audience: []string{"a", "b"}, Issuer: "i", Skew: -1, Required: true,
		RoleClaim: "role", Roles: []string{"reader", "writer"}, AnonymousRole: "anon", TenantClaim: "t", SharedSchemas: []string{"ext"},
		Claims: []auth.Claim{{Path: "sub", Setting: "app.user_id"}, {Path: "https://example.com/claims.tenant", Setting: "app.tenant_id"}},
	}
	got := auth.FromSettings(s)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	newJWT(t, got)
	newJWT(t, auth.FromSettings(flags.Default())) // without a key everybody is anonymous
}
