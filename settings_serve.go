package fraiseql

import (
	"slices"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
	"github.com/fraiseql/fraiseql-go/server"
	"github.com/fraiseql/fraiseql-go/server/auth"
)

// CatalogOptions are the options of catalog.Load and catalog.OpenStore.
func CatalogOptions(s *flags.Settings) []catalog.Option {
	if len(s.GraphQL.Schemas) == 0 {
		return nil
	}
	return []catalog.Option{catalog.WithSchemas(s.GraphQL.Schemas...)}
}

// GraphQLLimits are the limits of graphql.Config.
func GraphQLLimits(s *flags.Settings) graphql.Limits {
	l := s.Limits
	return graphql.Limits{
		Bytes: orNever(l.Bytes), Tokens: orNever(l.Tokens), Depth: orNever(l.Depth), Aliases: orNever(l.Aliases),
		Roots: orNever(l.Roots), Directives: orNever(l.Directives), Fragments: orNever(l.Fragments), Cost: orNever(l.Cost),
		InputDepth: orNever(l.InputDepth), Errors: orNever(l.Errors),
		Introspect: orNever(l.IntrospectionDepth), VariableSize: orNever(l.VariableBytes),
	}
}

// ServerOptions are the options of server.NewGraphQL, but for who is asking and
// the log. It reads the file of trusted documents; an error of that has
// backend.CodeConfiguration.
func ServerOptions(s *flags.Settings) (server.Options, error) {
	o := server.Options{
		MaxBody:       int64(s.Server.BodyLimit),
		Batching:      s.GraphQL.BatchMax > 0,
		MaxBatch:      s.GraphQL.BatchMax,
		PersistBytes:  orNever(int64(s.GraphQL.APQBytes)),
		Introspection: introspection(s.GraphQL.Introspection),
		CORS:          server.CORS{Origins: s.Server.CORSOrigins},
		NoCompression: !s.Server.Compression,
		LogRequests:   s.Server.RequestLog,
		RateLimit: server.NewRateLimiter(server.RateOptions{
			PerSecond: float64(s.Server.RateLimit), Burst: s.Server.RateBurst, TrustedProxies: s.Server.Proxies(),
		}),
	}
	if s.GraphQL.TrustedDocuments == "" {
		return o, nil
	}
	trusted, err := server.LoadTrustedDocuments(s.GraphQL.TrustedDocuments)
	if err != nil {
		return o, backend.New("open", backend.CodeConfiguration, err)
	}
	o.Trusted = trusted
	return o, nil
}

// AuthOptions are the options of auth.New, but for the log.
func AuthOptions(s *flags.Settings) auth.Options {
	j := s.JWT
	o := auth.Options{
		PublicKeyFile: j.PublicKeyFile, JWKSURL: j.JWKSURL, JWKSFile: j.JWKSFile,
		Algorithms: j.Algorithms, Audience: j.Audience, Issuer: j.Issuer, Skew: orNever(j.ClockSkew), Lasting: j.Lasting, Required: j.Required,
		AllClaims: j.AllClaims, RoleClaim: j.RoleClaim, Roles: j.Roles, Role: j.Role, AnonymousRole: j.AnonymousRole,
		TenantClaim: j.TenantClaim, TenantPattern: j.TenantPattern, SharedSchemas: j.SharedSchemas, AnonymousTenant: j.AnonymousTenant,
	}
	if j.Secret != "" {
		o.Secret = []byte(j.Secret)
	}
	if slices.Equal(j.Roles, []string{flags.AnyRole}) {
		o.Roles, o.AnyRole = nil, true
	}
	for _, c := range j.ClaimSettings() {
		o.Claims = append(o.Claims, auth.Claim{Path: c.Claim, Setting: c.Setting})
	}
	return o
}

// introspection is nobody's for what is not known.
func introspection(policy string) server.Introspection {
	switch policy {
	case flags.IntrospectionPublic:
		return server.IntrospectionPublic
	case flags.IntrospectionAuthenticated:
		return server.IntrospectionAuthenticated
	}
	return server.IntrospectionOff
}
