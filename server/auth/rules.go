package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/fraiseql/fraiseql-go/server"
)

// rules turn claims into an identity. They are immutable.
type rules struct {
	claims    []claimRule
	allClaims string
	headers   []headerRule

	roleClaim []string
	roles     []string // empty: any
	role      string

	tenantClaim []string
	tenants     map[string]string
	pattern     *regexp.Regexp
	shared      []string

	nobody map[string]string // session of a request without a token; nil: refused
}

type claimRule struct {
	path     []string
	text     string // the path as it was configured
	setting  string
	required bool
}

type headerRule struct{ header, setting string }

func newRules(o *Options) (*rules, error) {
	r := &rules{
		allClaims: o.AllClaims, roles: slices.Clone(o.Roles), role: o.Role,
		tenants: maps.Clone(o.Tenants), shared: slices.Clone(o.SharedSchemas),
	}
	for _, c := range o.Claims {
		path, err := ParsePath(c.Path)
		if err != nil {
			return nil, fmt.Errorf("claim %q: %w", c.Path, err)
		}
		r.claims = append(r.claims, claimRule{path, c.Path, c.Setting, c.Required})
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		key := http.CanonicalHeaderKey(name)
		if !headerShape.MatchString(name) || slices.Contains([]string{"Authorization", "Proxy-Authorization", "Cookie"}, key) {
			return nil, fmt.Errorf("header %q can't become a setting", name)
		}
		r.headers = append(r.headers, headerRule{key, o.Headers[name]})
	}
	if err := r.checkSettings(); err != nil {
		return nil, err
	}
	if err := r.setPaths(o); err != nil {
		return nil, err
	}
	r.nobody = r.anonymous(o)
	return r, nil
}

var headerShape = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// checkSettings refuses what is no setting of a request, and one that is set twice.
func (r *rules) checkSettings() error {
	var names []string
	if r.allClaims != "" {
		names = append(names, r.allClaims)
	}
	for i := range r.claims {
		names = append(names, r.claims[i].setting)
	}
	for _, h := range r.headers {
		names = append(names, h.setting)
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		lower := strings.ToLower(name)
		switch {
		case !settingName(name):
			return fmt.Errorf("%q is no setting of a request: want names with dots between them, such as app.user_id", name)
		case seen[lower]:
			return fmt.Errorf("setting %q is set twice", name)
		}
		seen[lower] = true
	}
	return nil
}

func (r *rules) setPaths(o *Options) (err error) {
	if o.RoleClaim != "" {
		if r.roleClaim, err = ParsePath(o.RoleClaim); err != nil {
			return fmt.Errorf("claim of the role: %w", err)
		}
	}
	if o.TenantClaim != "" {
		if r.tenantClaim, err = ParsePath(o.TenantClaim); err != nil {
			return fmt.Errorf("claim of the tenant: %w", err)
		}
		if r.pattern, err = regexp.Compile(`\A(?:` + o.TenantPattern + `)\z`); err != nil {
			return fmt.Errorf("pattern of tenants: %w", err)
		}
	}
	return nil
}

// anonymous is the session of a request without a token: every setting is there
// and empty.
func (r *rules) anonymous(o *Options) map[string]string {
	if r.tenantClaim != nil && o.AnonymousTenant == "" {
		return nil
	}
	session := make(map[string]string, len(r.claims)+3)
	for i := range r.claims {
		session[r.claims[i].setting] = ""
	}
	if r.allClaims != "" {
		session[r.allClaims] = ""
	}
	if o.AnonymousRole != "" {
		session["role"] = o.AnonymousRole
	}
	if o.AnonymousTenant != "" {
		session["search_path"] = r.path(o.AnonymousTenant)
	}
	return session
}

// identity is who a good token is from. Its errors quote no claim: they may be
// personal, and logs are read by many.
func (r *rules) identity(payload json.RawMessage) (server.Identity, error) {
	var claims object
	if err := json.Unmarshal(payload, &claims); err != nil {
		return server.Identity{}, errors.New("they are no object")
	}
	session := make(map[string]string, len(r.claims)+3)
	for i := range r.claims {
		c := &r.claims[i]
		raw := claims.find(c.path)
		if raw == nil && c.required {
			return server.Identity{}, fmt.Errorf("claim %s is missing", c.text)
		}
		text, ok := claimText(raw)
		if !ok {
			return server.Identity{}, fmt.Errorf("claim %s has a text that no setting can have", c.text)
		}
		session[c.setting] = text
	}
	if r.allClaims != "" {
		text, ok := claimText(payload)
		if !ok {
			return server.Identity{}, errors.New("they have a text that no setting can have")
		}
		session[r.allClaims] = text
	}
	if err := r.setRole(claims, session); err != nil {
		return server.Identity{}, err
	}
	if err := r.setTenant(claims, session); err != nil {
		return server.Identity{}, err
	}
	subject, _ := claimText(claims.find([]string{"sub"}))
	return server.Identity{Session: session, Authenticated: true, Subject: subject}, nil
}

func (r *rules) setRole(claims object, session map[string]string) error {
	role := r.role
	if r.roleClaim != nil {
		raw := claims.find(r.roleClaim)
		switch {
		case raw != nil:
			if json.Unmarshal(raw, &role) != nil || !roleName(role) || len(r.roles) > 0 && !slices.Contains(r.roles, role) {
				return errors.New("the role is not allowed")
			}
		case role == "":
			return errors.New("there is no role")
		}
	}
	if role != "" {
		session["role"] = role
	}
	return nil
}

func (r *rules) setTenant(claims object, session map[string]string) error {
	if r.tenantClaim == nil {
		return nil
	}
	var name string
	raw := claims.find(r.tenantClaim)
	if raw == nil || json.Unmarshal(raw, &name) != nil {
		return errors.New("there is no tenant")
	}
	if r.tenants != nil {
		name = r.tenants[name] // "" is no schema
	} else if !r.pattern.MatchString(name) {
		name = ""
	}
	if !schemaName(name) {
		return errors.New("the tenant is not known")
	}
	session["search_path"] = r.path(name)
	return nil
}

// path is the search path of a tenant. Temporary tables come last: where pg_temp
// is not named they would hide the tenant's.
func (r *rules) path(tenant string) string {
	var b strings.Builder
	for _, schema := range slices.Concat([]string{tenant}, r.shared) {
		b.WriteString(`"` + strings.ReplaceAll(schema, `"`, `""`) + `", `)
	}
	return b.String() + "pg_temp"
}

// maxHeader bounds the value of a header that becomes a setting, in bytes.
const maxHeader = 256

// withHeaders adds to the session of id what the headers of a request say. What is
// not plain ASCII, or too long, counts as not there.
func (r *rules) withHeaders(id server.Identity, h http.Header) server.Identity {
	if len(r.headers) == 0 {
		return id
	}
	session := make(map[string]string, len(id.Session)+len(r.headers))
	maps.Copy(session, id.Session)
	for _, rule := range r.headers {
		value := h.Get(rule.header)
		if len(value) > maxHeader || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
			value = ""
		}
		session[rule.setting] = value
	}
	id.Session = session
	return id
}
