package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Options say which tokens are good and what becomes of their claims. At most one
// of Secret, PublicKeys, PublicKeyFile, JWKSURL and JWKSFile is set; with none,
// no token is good and every request is anonymous.
type Options struct {
	// Secret is the key of HS256 (at least 32 bytes), HS384 (48) and HS512 (64);
	// RFC 7518, section 3.2.
	Secret []byte
	// PublicKeys are public keys or certificates, PEM: RSA of at least 2048 bits,
	// ECDSA on P-256, P-384 or P-521, Ed25519.
	PublicKeys []byte
	// PublicKeyFile is a file of such; it is read again when it has changed.
	PublicKeyFile string
	// JWKSURL is where a JSON Web Key Set (RFC 7517) is published: an https URL, or
	// http on this machine. Keys are fetched in the background; nothing is fetched
	// where it is "".
	JWKSURL string
	// JWKSFile is a set in a file; it is read again when it has changed. Unlike a
	// URL it may hold secrets (kty oct).
	JWKSFile string
	// Refresh is how often the JWKSURL is fetched. Default 15 minutes. A token that
	// names an unknown key makes it be fetched at once, at most every 10 seconds.
	Refresh time.Duration
	// Client fetches the JWKSURL. Default: one with a timeout of 10 seconds.
	Client *http.Client

	// Algorithms are those accepted, of those that fit the keys. Default: all that
	// fit.
	Algorithms []string
	// Audience: a token must be for one of these (aud). Default: not looked at.
	Audience []string
	// Issuer a token must be of (iss). Default: not looked at.
	Issuer string
	// Skew is how far the clocks may be apart, for exp, nbf and iat. Default 30
	// seconds; negative means not at all.
	Skew time.Duration
	// Lasting accepts tokens that never expire. Default: exp is needed.
	Lasting bool
	// Required refuses requests without a token.
	Required bool

	// Claims are the claims that become settings.
	Claims []Claim
	// AllClaims is a setting for the whole of the claims as JSON text, such as
	// request.jwt.claims. Default: none.
	AllClaims string
	// Headers are request headers that become settings, by name:
	// {"X-Request-Id": "app.request_id"}. What a client writes there is what the
	// setting says: trust it with nothing.
	Headers map[string]string

	// RoleClaim is the path of the claim that names the role of the database.
	RoleClaim string
	// Roles are those that RoleClaim may name. Where it is empty, AnyRole must say
	// that it is meant.
	Roles []string
	// AnyRole lets RoleClaim name each role that the database lets the connection
	// switch to.
	AnyRole bool
	// Role is that of a token without RoleClaim. Default: with a RoleClaim such a
	// token is refused, else the connection's own role stays.
	Role string
	// AnonymousRole is that of a request without a token. Default: the connection's.
	AnonymousRole string

	// TenantClaim is the path of the claim that names the tenant, whose schema
	// becomes the search path. A token without it is refused.
	TenantClaim string
	// Tenants are the schemas by what the claim says. Default: the claim is the name
	// of the schema and TenantPattern says which there may be.
	Tenants map[string]string
	// TenantPattern is a regular expression for the whole of a claim. Default
	// [A-Za-z_][A-Za-z0-9_]*. Schemas of the server itself never pass.
	TenantPattern string
	// SharedSchemas come after the tenant's in the search path, for what functions
	// and defaults of the database find there without naming it. A table that the
	// tenant lacks is found there too: leave out the schema that stands for the
	// tenants'.
	SharedSchemas []string
	// AnonymousTenant is the schema of a request without a token. Default: such
	// requests are refused where there is a TenantClaim.
	AnonymousTenant string

	// Cache is how many checked tokens are kept, so that a signature is checked
	// once. Default 1024; negative means none.
	Cache int
	// Log is told of keys that can't be read. Default: slog.Default.
	Log *slog.Logger
}

// Claim is a claim that becomes a setting.
type Claim struct {
	// Path leads to the claim: sub, app_metadata.tenant,
	// https://example.com/claims.tenant, "a.b".c; see ParsePath.
	Path string
	// Setting has a dot in its name: app.user_id.
	Setting string
	// Required refuses tokens without the claim. Default: the setting is ''.
	Required bool
}

const (
	defaultSkew    = 30 * time.Second
	defaultRefresh = 15 * time.Minute
	defaultCache   = 1024
	fetchTimeout   = 10 * time.Second

	defaultTenants = "[A-Za-z_][A-Za-z0-9_]*"
)

func (o *Options) defaults() {
	switch {
	case o.Skew < 0:
		o.Skew = 0
	case o.Skew == 0:
		o.Skew = defaultSkew
	}
	if o.Refresh <= 0 {
		o.Refresh = defaultRefresh
	}
	if o.Cache == 0 {
		o.Cache = defaultCache
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.TenantPattern == "" {
		o.TenantPattern = defaultTenants
	}
}

// keys counts the sources of keys.
func (o *Options) keys() int {
	n := 0
	for _, set := range []bool{o.Secret != nil, o.PublicKeys != nil, o.PublicKeyFile != "", o.JWKSURL != "", o.JWKSFile != ""} {
		if set {
			n++
		}
	}
	return n
}

// check says what is wrong with o.
func (o *Options) check() error {
	switch n := o.keys(); {
	case n > 1:
		return errors.New("more than one source of keys: which of them signed is not for the token to say")
	case n == 0 && (o.Required || o.RoleClaim != "" || o.TenantClaim != ""):
		return errors.New("no key to check tokens with")
	case o.RoleClaim != "" && len(o.Roles) == 0 && !o.AnyRole:
		return errors.New("a role claim needs the roles that it may name")
	case o.TenantClaim == "" && (o.Tenants != nil || o.AnonymousTenant != "" || len(o.SharedSchemas) > 0):
		return errors.New("schemas of tenants need the claim that names them")
	}
	for _, alg := range o.Algorithms {
		if !slices.Contains(algorithms, alg) {
			return fmt.Errorf("algorithm %q: want one of %s", alg, strings.Join(algorithms, ", "))
		}
	}
	for _, role := range slices.Concat(o.Roles, []string{o.Role, o.AnonymousRole}) {
		if role != "" && !roleName(role) {
			return fmt.Errorf("%q can't be a role", role)
		}
	}
	for _, s := range slices.Concat(o.SharedSchemas, []string{o.AnonymousTenant}) {
		if s != "" && !schemaName(s) {
			return fmt.Errorf("%q can't be a schema of tenants", s)
		}
	}
	for claim, s := range o.Tenants {
		if !schemaName(s) {
			return fmt.Errorf("tenant %q: %q can't be a schema of tenants", claim, s)
		}
	}
	if o.JWKSURL != "" {
		return checkURL(o.JWKSURL)
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("JWKS URL: %w", err)
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("JWKS URL: want an https URL")
	case u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return errors.New("JWKS URL: want https; http is for this machine only, since who can change keys on their way can sign")
	}
	return nil
}

// settingShape is a customized option of PostgreSQL: two or more names with dots
// between them.
var settingShape = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

const maxName = 63 // bytes; NAMEDATALEN - 1

func settingName(s string) bool { return len(s) <= maxName && settingShape.MatchString(s) }

// roleName says that s can name a role. "none" is no role: it would give the
// request that of the connection.
func roleName(s string) bool { return plainName(s) && !strings.EqualFold(s, "none") }

// schemaName says that s can be a schema of tenants: none of the server's own.
func schemaName(s string) bool {
	lower := strings.ToLower(s)
	return plainName(s) && !strings.HasPrefix(lower, "pg_") && lower != "information_schema"
}

func plainName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}
