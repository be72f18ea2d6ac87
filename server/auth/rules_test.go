package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server/auth"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	// raw is a token whose claims are this text: digits, order and duplicates as
	// written.
	raw := func(text string) string {
		return rawToken(t, strings.TrimSuffix(text, "}")+`,"exp":99999999999}`)
	}
	type session = map[string]string
	sub := []auth.Claim{{Path: "sub", Setting: "app.user_id"}}
	for _, c := range []struct {
		name  string
		o     auth.Options
		token string // "": none
		want  session
		err   error
	}{
		{"subject", auth.Options{Claims: sub}, raw(`{"sub":"ann"}`), session{"app.user_id": "ann"}, nil},
		{"missing is empty", auth.Options{Claims: sub}, raw(`{"x":1}`), session{"app.user_id": ""}, nil},
		{"null is missing", auth.Options{Claims: sub}, raw(`{"sub":null}`), session{"app.user_id": ""}, nil},
		{"no token is empty", auth.Options{Claims: sub, AllClaims: "request.jwt.claims"}, "", session{"app.user_id": "", "request.jwt.claims": ""}, nil},
		{"missing and required", auth.Options{Claims: []auth.Claim{{Path: "t", Setting: "app.t", Required: true}}}, raw(`{"x":1}`), nil, auth.ErrClaims},
		{"number as written", auth.Options{Claims: sub}, raw(`{"sub":12345678901234567890.10}`), session{"app.user_id": "12345678901234567890.10"}, nil},
		{"boolean", auth.Options{Claims: sub}, raw(`{"sub":false}`), session{"app.user_id": "false"}, nil},
		{"list", auth.Options{Claims: sub}, raw(`{"sub":[1, "<a>" ]}`), session{"app.user_id": `[1,"<a>"]`}, nil},
		{"object", auth.Options{Claims: sub}, raw(`{"sub":{ "b":1.0, "a":2}}`), session{"app.user_id": `{"b":1.0,"a":2}`}, nil},
		{"statement", auth.Options{Claims: sub}, raw(`{"sub":"'); drop table users; --"}`), session{"app.user_id": "'); drop table users; --"}, nil},
		{"NUL", auth.Options{Claims: sub}, raw(`{"sub":"a\u0000b"}`), nil, auth.ErrClaims},
		{"half a character", auth.Options{Claims: sub}, raw(`{"sub":"a\ud800"}`), nil, auth.ErrClaims},
		{"invalid UTF-8", auth.Options{Claims: sub}, raw("{\"sub\":\"a\xff\"}"), nil, auth.ErrClaims},
		{"nested", auth.Options{Claims: []auth.Claim{{Path: "a.b", Setting: "app.x"}}}, raw(`{"a":{"b":"deep"},"a.b":"flat"}`), session{"app.x": "deep"}, nil},
		{"of a URL", auth.Options{Claims: []auth.Claim{{Path: "https://example.com/claims.tenant", Setting: "app.tenant_id"}}}, raw(`{"https://example.com/claims":{"tenant":7}}`), session{"app.tenant_id": "7"}, nil},
		{"through what is no object", auth.Options{Claims: []auth.Claim{{Path: "sub.x", Setting: "app.x"}}}, raw(`{"sub":"ann"}`), session{"app.x": ""}, nil},
		{"all", auth.Options{AllClaims: "request.jwt.claims"}, raw(`{"sub":"ann", "n":1.50}`), session{"request.jwt.claims": `{"sub":"ann","n":1.50,"exp":99999999999}`}, nil},

		{"role", auth.Options{RoleClaim: "role", Roles: []string{"reader"}}, raw(`{"role":"reader"}`), session{"role": "reader"}, nil},
		{"role not allowed", auth.Options{RoleClaim: "role", Roles: []string{"reader"}}, raw(`{"role":"postgres"}`), nil, auth.ErrClaims},
		{"role is none", auth.Options{RoleClaim: "role", AnyRole: true}, raw(`{"role":"NONE"}`), nil, auth.ErrClaims},
		{"role is empty", auth.Options{RoleClaim: "role", AnyRole: true, Role: "reader"}, raw(`{"role":""}`), nil, auth.ErrClaims},
		{"role is a list", auth.Options{RoleClaim: "role", AnyRole: true}, raw(`{"role":["reader"]}`), nil, auth.ErrClaims},
		{"role is missing", auth.Options{RoleClaim: "role", AnyRole: true}, raw(`{"x":1}`), nil, auth.ErrClaims},
		{"role is missing, one is given", auth.Options{RoleClaim: "role", AnyRole: true, Role: "reader"}, raw(`{"x":1}`), session{"role": "reader"}, nil},
		{"any role", auth.Options{RoleClaim: "role", AnyRole: true}, raw(`{"role":"Strange Role"}`), session{"role": "Strange Role"}, nil},
		{"fixed role", auth.Options{Role: "reader", AnonymousRole: "anon"}, raw(`{"role":"x"}`), session{"role": "reader"}, nil},
		{"anonymous role", auth.Options{Role: "reader", AnonymousRole: "anon"}, "", session{"role": "anon"}, nil},

		{"tenant", auth.Options{TenantClaim: "t"}, raw(`{"t":"north"}`), session{"search_path": `"north", pg_temp`}, nil},
		{"tenant and shared", auth.Options{TenantClaim: "t", SharedSchemas: []string{`e"xt`}}, raw(`{"t":"North_1"}`), session{"search_path": `"North_1", "e""xt", pg_temp`}, nil},
		{"tenant by map", auth.Options{TenantClaim: "t", Tenants: map[string]string{"42": "north"}}, raw(`{"t":"42"}`), session{"search_path": `"north", pg_temp`}, nil},
		{"tenant not in the map", auth.Options{TenantClaim: "t", Tenants: map[string]string{"42": "north"}}, raw(`{"t":"north"}`), nil, auth.ErrClaims},
		{"tenant is missing", auth.Options{TenantClaim: "t"}, raw(`{"x":1}`), nil, auth.ErrClaims},
		{"tenant is a number", auth.Options{TenantClaim: "t"}, raw(`{"t":1}`), nil, auth.ErrClaims},
		{"tenant is two", auth.Options{TenantClaim: "t"}, raw(`{"t":"north\", \"south"}`), nil, auth.ErrClaims},
		{"tenant with a line", auth.Options{TenantClaim: "t"}, raw(`{"t":"north\n"}`), nil, auth.ErrClaims},
		{"tenant is the server's", auth.Options{TenantClaim: "t"}, raw(`{"t":"PG_catalog"}`), nil, auth.ErrClaims},
		{"tenant is the standard's", auth.Options{TenantClaim: "t"}, raw(`{"t":"information_schema"}`), nil, auth.ErrClaims},
		{"tenant is too long", auth.Options{TenantClaim: "t"}, raw(`{"t":"` + strings.Repeat("x", 64) + `"}`), nil, auth.ErrClaims},
		{"tenant not in the pattern", auth.Options{TenantClaim: "t", TenantPattern: "t_[0-9]+|x"}, raw(`{"t":"t_1x"}`), nil, auth.ErrClaims},
		{"tenant in the pattern", auth.Options{TenantClaim: "t", TenantPattern: "t_[0-9]+|x"}, raw(`{"t":"t_12"}`), session{"search_path": `"t_12", pg_temp`}, nil},
		{"nobody's tenant", auth.Options{TenantClaim: "t"}, "", nil, auth.ErrNoToken},
		{"nobody's tenant is given", auth.Options{TenantClaim: "t", AnonymousTenant: "open"}, "", session{"search_path": `"open", pg_temp`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Secret = secret
			got, err := newJWT(t, c.o).Authenticate(request(c.token))
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			if d := cmp.Diff(c.want, got.Session); d != "" {
				t.Error(d)
			}
		})
	}
}

// rawToken signs claims that are text.
func rawToken(t testing.TB, text string) string {
	t.Helper()
	head, _, _ := strings.Cut(hs(t, nil), ".")
	signed := head + "." + jwtEncode(text)
	sig, err := jwt.SigningMethodHS256.Sign(signed, secret)
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + jwtEncode(string(sig))
}

func TestHeadersBecomeSettings(t *testing.T) {
	t.Parallel()
	j := newJWT(t, auth.Options{
		Secret: secret, Claims: []auth.Claim{{Path: "sub", Setting: "app.user"}},
		Headers: map[string]string{"x-request-id": "app.request_id"},
	})
	token := hs(t, nil)
	for value, want := range map[string]string{"": "", "abc-1": "abc-1", "a\tb": "", "é": "", strings.Repeat("x", 257): ""} {
		r := request(token)
		r.Header.Set("X-Request-ID", value)
		got, err := j.Authenticate(r)
		if d := cmp.Diff(map[string]string{"app.user": "ann", "app.request_id": want}, got.Session); d != "" || err != nil {
			t.Errorf("%q: %v %s", value, err, d)
		}
	}
	again, err := j.Authenticate(request(token))
	if err != nil || again.Session["app.request_id"] != "" {
		t.Errorf("left over from an earlier request: %v %v", again.Session, err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		o          auth.Options
	}{
		{"short secret", "can be guessed", auth.Options{Secret: []byte("hunter2")}},
		{"empty secret", "can be guessed", auth.Options{Secret: []byte{}}},
		{"secret too short for its algorithm", "32 bytes is none for HS512", auth.Options{Secret: secret[:32], Algorithms: []string{"HS256", "HS512"}}},
		{"two keys", "more than one source", auth.Options{Secret: secret, JWKSFile: "f"}},
		{"none as algorithm", `algorithm "none"`, auth.Options{Secret: secret, Algorithms: []string{"none"}}},
		{"algorithm of another kind", "none of the algorithms", auth.Options{PublicKeys: inPEM(t, keys()["ES256"]), Algorithms: []string{"RS256"}}},
		{"no key", "no key", auth.Options{Required: true}},
		{"no PEM", "no public key", auth.Options{PublicKeys: []byte("key")}},
		{"private key", "keep what signs away", auth.Options{PublicKeys: privatePEM(t)}},
		{"no file", "read keys", auth.Options{PublicKeyFile: "/nothing"}},
		{"http", "want https", auth.Options{JWKSURL: "http://id.example.com/keys"}},
		{"ftp", "want an https URL", auth.Options{JWKSURL: "ftp://id.example.com/keys"}},
		{"role claim without roles", "roles", auth.Options{Secret: secret, RoleClaim: "role"}},
		{"role none", "can't be a role", auth.Options{AnonymousRole: "none"}},
		{"setting without a dot", "no setting", auth.Options{Secret: secret, Claims: []auth.Claim{{Path: "sub", Setting: "role"}}}},
		{"setting of a strange shape", "no setting", auth.Options{Secret: secret, Claims: []auth.Claim{{Path: "sub", Setting: "app.x'"}}}},
		{"setting twice", "set twice", auth.Options{Secret: secret, Claims: []auth.Claim{{Path: "sub", Setting: "app.x"}}, AllClaims: "App.X"}},
		{"path", "is empty", auth.Options{Secret: secret, Claims: []auth.Claim{{Path: "a..b", Setting: "app.x"}}}},
		{"header", "can't become a setting", auth.Options{Secret: secret, Headers: map[string]string{"authorization": "app.x"}}},
		{"tenant is the server's", "can't be a schema", auth.Options{Secret: secret, TenantClaim: "t", Tenants: map[string]string{"a": "pg_catalog"}}},
		{"tenants without a claim", "need the claim", auth.Options{Secret: secret, AnonymousTenant: "x"}},
		{"pattern", "pattern of tenants", auth.Options{Secret: secret, TenantClaim: "t", TenantPattern: "("}},
	} {
		j, err := auth.New(c.o)
		if err == nil {
			j.Close()
			t.Errorf("%s: no error", c.name)
		} else if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"sub":                               {"sub"},
		"a.b.c":                             {"a", "b", "c"},
		"https://example.com/claims.tenant": {"https://example.com/claims", "tenant"},
		"https://example.com/role":          {"https://example.com/role"},
		"https://example.com":               {"https://example.com"},
		"https://example.com/a/b.c.d":       {"https://example.com/a/b", "c", "d"},
		"x.https://example.com/a.b":         {"x", "https://example.com/a", "b"},
		`"a.b".c`:                           {"a.b", "c"},
		`"say \"hi\" \\".x`:                 {`say "hi" \`, "x"},
		"x-hasura-user-id":                  {"x-hasura-user-id"},
		"":                                  nil,
		".":                                 nil,
		"a.":                                nil,
		`"a`:                                nil,
		`"a"b`:                              nil,
		`"a\`:                               nil,
		`"a\n"`:                             nil,
		`""`:                                nil,
		"1.2.3.4.5.6.7.8.9":                 nil,
	} {
		got, err := auth.ParsePath(text)
		if d := cmp.Diff(want, got); d != "" || (err == nil) != (want != nil) {
			t.Errorf("%s: %v %s", text, err, d)
		}
	}
}

// Whatever a path is, it is refused or leads somewhere, and written in quotes it
// is the same path.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"sub", "a.b", `"a.b".c`, "https://example.com/claims.tenant", `"\\"`, "://", "a://b.c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, err := auth.ParsePath(s)
		if err != nil {
			return
		}
		quoted := make([]string, len(path))
		for i, name := range path {
			quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
		}
		again, err := auth.ParsePath(strings.Join(quoted, "."))
		if d := cmp.Diff(path, again); d != "" || err != nil {
			t.Errorf("%q: %v %s", s, err, d)
		}
	})
}

// No header makes it panic, and none but a signed one is believed.
func FuzzAuthorization(f *testing.F) {
	j, err := auth.New(auth.Options{Secret: secret, AllClaims: "request.jwt.claims"})
	if err != nil {
		f.Fatal(err)
	}
	for _, bad := range tampered(hs(f, nil)) {
		f.Add("Bearer " + bad)
	}
	f.Add("Basic x")
	f.Fuzz(func(t *testing.T, header string) {
		r := request("")
		r.Header["Authorization"] = []string{header}
		if id, err := j.Authenticate(r); err == nil {
			t.Errorf("%q is believed: %+v", header, id)
		}
	})
}
