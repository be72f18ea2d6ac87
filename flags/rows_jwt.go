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
	// Required refuses requests without a token.
	Required bool

	// RoleClaim names the role of the database; "" leaves the connection's.
	RoleClaim string
	// Roles are the only ones that RoleClaim may name; empty means any.
	Roles []string
	// AnonymousRole is the role of requests without a token; "" leaves the connection's.
	AnonymousRole string
	// Claims are claim=setting, read through ClaimSettings.
	Claims []string
	// TenantClaim names the tenant's schema; "" where there are no tenants.
	TenantClaim string
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

// minSecret is the least of RFC 7518 section 3.2 for HS256, in bytes.
const minSecret = 32

const (
	claimAllowed = "the name of a claim"
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
	truth("JWT", "FRAISEQL_JWT_REQUIRED", "jwt-required", "false",
		"Whether a request without a token is refused.",
		func(s *Settings) *bool { return &s.JWT.Required }),
	word("JWT", "FRAISEQL_JWT_ROLE_CLAIM", "jwt-role-claim", "", claimAllowed,
		"The claim that names the role of the database under which a request runs. Not set: that of the connection.",
		func(s *Settings) *string { return &s.JWT.RoleClaim }, plain),
	list("JWT", "FRAISEQL_JWT_ROLES", "jwt-roles", "names of roles with commas between them",
		"The roles that a token may name. Not set: each that the connection may switch to.",
		func(s *Settings) *[]string { return &s.JWT.Roles }, anyText),
	word("JWT", "FRAISEQL_JWT_ANONYMOUS_ROLE", "jwt-anonymous-role", "", roleAllowed,
		"The role under which a request without a token runs. Not set: that of the connection.",
		func(s *Settings) *string { return &s.JWT.AnonymousRole }, plain),
	list("JWT", "FRAISEQL_JWT_CLAIMS", "jwt-claims",
		"claim=setting with commas between them, such as sub=app.user_id; a setting has a dot in it",
		"The claims that become settings of the transaction, for row-level security: current_setting('app.user_id', true).",
		func(s *Settings) *[]string { return &s.JWT.Claims }, claimSetting),
	word("JWT", "FRAISEQL_JWT_TENANT_CLAIM", "jwt-tenant-claim", "", claimAllowed,
		"The claim that names the schema of the tenant, which comes first in the search_path.",
		func(s *Settings) *string { return &s.JWT.TenantClaim }, plain),
}
