package auth

import (
	"slices"

	"github.com/fraiseql/fraiseql-go/flags"
)

// FromSettings are the Options that the settings ask for. They are those of a
// server that knows nothing of its callers but their tokens; what settings do not
// say (headers, required claims, tenants by a map) can be added.
func FromSettings(s *flags.Settings) Options {
	j := &s.JWT
	o := Options{
		PublicKeyFile: j.PublicKeyFile, JWKSURL: j.JWKSURL, JWKSFile: j.JWKSFile,
		Algorithms: j.Algorithms, Audience: j.Audience, Issuer: j.Issuer,
		Skew: j.ClockSkew, Required: j.Required,
		RoleClaim: j.RoleClaim, Roles: j.Roles, AnyRole: len(j.Roles) == 0,
		AnonymousRole: j.AnonymousRole, TenantClaim: j.TenantClaim,
	}
	if j.Secret != "" {
		o.Secret = []byte(j.Secret)
	}
	if o.Skew == 0 {
		o.Skew = -1 // Options take 0 for the default
	}
	for _, c := range j.ClaimSettings() {
		o.Claims = append(o.Claims, Claim{Path: c.Claim, Setting: c.Setting})
	}
	if o.TenantClaim != "" {
		o.SharedSchemas = slices.DeleteFunc(slices.Clone(s.SearchPath), func(name string) bool { return name == s.GraphQL.TenantSchema || !schemaName(name) })
	}
	return o
}
