package flags

import (
	"slices"
	"time"
)

// JWT are the settings of who is asking.
type JWT struct {
	// At most one of these is set; with none, no token is accepted.
	Secret        string // key of HS256, HS384 and HS512
	PublicKeyFile string // PEM
	JWKSURL       string
	JWKSFile      string

	// Algorithms are those accepted; empty means those that fit the key.
	Algorithms []string
	// Audience: a token must be for one of these; empty means it is not looked at.
	Audience []string
	// Issuer a token must be of; "" means it is not looked at.
	Issuer string
	// ClockSkew is how far the clocks may be apart.
	ClockSkew time.Duration
	// Lasting accepts tokens that never expire.
	Lasting bool
	// Required refuses requests without a token.
	Required bool

	// RoleClaim is the path of the claim that names the role of the database; ""
	// leaves the connection's.
	RoleClaim string
	// Roles are the only ones that RoleClaim may name; AnyRole alone is any.
	Roles []string
	// Role is that of a token without RoleClaim; "" refuses it.
	Role string
	// AnonymousRole is the role of requests without a token; "" leaves the connection's.
	AnonymousRole string
	// Claims are claim=setting, read through ClaimSettings.
	Claims []string
	// AllClaims is the setting for the claims as JSON; "" for none.
	AllClaims string

	// TenantClaim is the path of the claim that names the tenant's schema; "" where
	// there are no tenants.
	TenantClaim string
	// TenantPattern is a regular expression for the whole of a tenant's name; "" is
	// letters, digits and _.
	TenantPattern string
	// SharedSchemas come after the tenant's in the search_path.
	SharedSchemas []string
	// AnonymousTenant is the schema of requests without a token; "" refuses them
	// where there are tenants.
	AnonymousTenant string
}

// HasKey says whether there is a key to check tokens with.
func (j JWT) HasKey() bool { return len(j.keys()) > 0 }

// keys are the variables of the keys that are set.
func (j JWT) keys() (set []string) {
	for _, k := range []struct{ env, value string }{
		{"FRAISEQL_JWT_SECRET", j.Secret},
		{"FRAISEQL_JWT_PUBLIC_KEY_FILE", j.PublicKeyFile},
		{"FRAISEQL_JWT_JWKS_URL", j.JWKSURL},
		{"FRAISEQL_JWT_JWKS_FILE", j.JWKSFile},
	} {
		if k.value != "" {
			set = append(set, k.env)
		}
	}
	return set
}

// ClaimSetting is a claim whose value becomes a setting of the transaction.
type ClaimSetting struct{ Claim, Setting string }

// ClaimSettings are the members of Claims, taken apart.
func (j JWT) ClaimSettings() []ClaimSetting {
	list := make([]ClaimSetting, len(j.Claims))
	for i, c := range j.Claims {
		list[i].Claim, list[i].Setting = cutClaim(c)
	}
	return list
}

// algorithms are those of RFC 7518 and RFC 8037 that sign; "none" is not one.
var algorithms = []string{
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
	"PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// AnyRole as the only one of JWT.Roles, is each role that the database lets the
// connection switch to.
const AnyRole = "*"

// minSecret is the least of RFC 7518 section 3.2 for HS256, in bytes.
const minSecret = 32

const (
	claimAllowed = `the path of a claim, such as sub, app_metadata.tenant or https://example.com/claims.role; a name with a dot in it in double quotes`
	roleAllowed  = "the name of a role"
)

// jwtRows are the settings of who is asking.
var jwtRows = []Setting{
	{
		Group: "JWT", Env: "FRAISEQL_JWT_SECRET", Flag: "jwt-secret", Secret: true,
		Allowed: "a text of at least 32 bytes",
		Doc:     "The key of tokens that are signed with HS256, HS384 or HS512. A flag can be seen by other users of the machine: prefer the variable.",
		set: func(s *Settings, v string) error {
			return text(&s.JWT.Secret, v, func(v string) bool { return v == "" || len(v) >= minSecret && noNUL(v) })
		},
		show: func(s *Settings) string { return s.JWT.Secret },
	},
	word("JWT", "FRAISEQL_JWT_PUBLIC_KEY_FILE", "jwt-public-key-file", "", fileAllowed,
		"The key of tokens that are signed with RS, PS, ES or EdDSA: a public key or a certificate, PEM.",
		func(s *Settings) *string { return &s.JWT.PublicKeyFile }, fileName),
	word("JWT", "FRAISEQL_JWT_JWKS_URL", "jwt-jwks-url", "", "an https URL; http for this machine only",
		"Where the keys of tokens are published as a JSON Web Key Set. They are fetched again now and then, and when a token names a new one.",
		func(s *Settings) *string { return &s.JWT.JWKSURL }, keysURL),
	word("JWT", "FRAISEQL_JWT_JWKS_FILE", "jwt-jwks-file", "", fileAllowed,
		"A JSON Web Key Set in a file.",
		func(s *Settings) *string { return &s.JWT.JWKSFile }, fileName),
	list("JWT", "FRAISEQL_JWT_ALGORITHMS", "jwt-algorithms",
		oneOf(algorithms)+", with commas between them",
		"The algorithms that are accepted. Not set: those that fit the key.",
		func(s *Settings) *[]string { return &s.JWT.Algorithms }, func(v string) bool { return slices.Contains(algorithms, v) }),
	list("JWT", "FRAISEQL_JWT_AUDIENCE", "jwt-audience", "audiences with commas between them",
		"A token must be for one of these (claim aud). Not set: it is not looked at.",
		func(s *Settings) *[]string { return &s.JWT.Audience }, anyText),
	word("JWT", "FRAISEQL_JWT_ISSUER", "jwt-issuer", "", "the text of the claim, such as https://id.example.com/",
		"A token must be of this issuer (claim iss). Not set: it is not looked at.",
		func(s *Settings) *string { return &s.JWT.Issuer }, plain),
	millis("JWT", "FRAISEQL_JWT_CLOCK_SKEW_MS", "jwt-clock-skew-ms", "30000", 0,
		"How far the clock of the issuer may be from that of the server.",
		func(s *Settings) *time.Duration { return &s.JWT.ClockSkew }),
	truth("JWT", "FRAISEQL_JWT_LASTING", "jwt-lasting", "false",
		"Whether tokens that never expire (without exp) are accepted.",
		func(s *Settings) *bool { return &s.JWT.Lasting }),
	truth("JWT", "FRAISEQL_JWT_REQUIRED", "jwt-required", "false",
		"Whether a request without a token is refused.",
		func(s *Settings) *bool { return &s.JWT.Required }),
	word("JWT", "FRAISEQL_JWT_ROLE_CLAIM", "jwt-role-claim", "", claimAllowed,
		"The claim that names the role of the database under which a request runs. Not set: that of the connection.",
		func(s *Settings) *string { return &s.JWT.RoleClaim }, plain),
	list("JWT", "FRAISEQL_JWT_ROLES", "jwt-roles", "names of roles with commas between them; * alone is each that the connection may switch to",
		"The roles that a token may name.",
		func(s *Settings) *[]string { return &s.JWT.Roles }, plain),
	word("JWT", "FRAISEQL_JWT_ROLE", "jwt-role", "", roleAllowed,
		"The role of a token that has not the claim. Not set: such a token is refused.",
		func(s *Settings) *string { return &s.JWT.Role }, plain),
	word("JWT", "FRAISEQL_JWT_ANONYMOUS_ROLE", "jwt-anonymous-role", "", roleAllowed,
		"The role under which a request without a token runs. Not set: that of the connection.",
		func(s *Settings) *string { return &s.JWT.AnonymousRole }, plain),
	list("JWT", "FRAISEQL_JWT_CLAIMS", "jwt-claims",
		"claim=setting with commas between them, such as sub=app.user_id; a setting has a dot in it",
		"The claims that become settings of the transaction, for row-level security: current_setting('app.user_id', true).",
		func(s *Settings) *[]string { return &s.JWT.Claims }, claimSetting),
	word("JWT", "FRAISEQL_JWT_ALL_CLAIMS", "jwt-all-claims", "", "a setting with a dot in it, such as request.jwt.claims",
		"The setting of the transaction that has all claims, as JSON.",
		func(s *Settings) *string { return &s.JWT.AllClaims }, variable),
	word("JWT", "FRAISEQL_JWT_TENANT_CLAIM", "jwt-tenant-claim", "", claimAllowed,
		"The claim that names the schema of the tenant, which becomes the search_path.",
		func(s *Settings) *string { return &s.JWT.TenantClaim }, plain),
	word("JWT", "FRAISEQL_JWT_TENANT_PATTERN", "jwt-tenant-pattern", "", "a regular expression (RE2), such as tenant_[0-9]+",
		"What the whole name of a tenant's schema has to match, so that a token names no other. Not set: letters, digits and _.",
		func(s *Settings) *string { return &s.JWT.TenantPattern }, pattern),
	list("JWT", "FRAISEQL_JWT_SHARED_SCHEMAS", "jwt-shared-schemas", schemasAllowed,
		"The schemas that come after the tenant's in the search_path. Leave FRAISEQL_TENANT_SCHEMA out: what a tenant lacks would be found there.",
		func(s *Settings) *[]string { return &s.JWT.SharedSchemas }, anyText),
	word("JWT", "FRAISEQL_JWT_ANONYMOUS_TENANT", "jwt-anonymous-tenant", "", "the name of a schema",
		"The schema of a request without a token. Not set: where there are tenants such a request is refused.",
		func(s *Settings) *string { return &s.JWT.AnonymousTenant }, plain),
}
