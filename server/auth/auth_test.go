package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server"
	"github.com/fraiseql/fraiseql-go/server/auth"
)

var secret = []byte(strings.Repeat("0123456789abcdef", 4)) // 64 bytes: for all of HS

// keys are made once: RSA takes its time.
var keys = sync.OnceValue(func() map[string]crypto.Signer {
	list := map[string]crypto.Signer{}
	add := func(name string, k crypto.Signer, err error) {
		if err != nil {
			panic(err)
		}
		list[name] = k
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	add("RSA", r, err)
	for name, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		add(name, k, err)
	}
	_, e, err := ed25519.GenerateKey(rand.Reader)
	add("EdDSA", e, err)
	return list
})

// signer is what signs with alg.
func signer(alg string) crypto.Signer {
	if strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS") {
		return keys()["RSA"]
	}
	return keys()[alg]
}

func inPEM(t testing.TB, k crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// claims are those of a good token, with changes; nil takes one out.
func claims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}
	for name, v := range changes {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
	return c
}

// sign makes a token; header are further members of its header.
func sign(t testing.TB, alg string, key any, c jwt.MapClaims, header ...string) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(alg), c)
	for i := 0; i+1 < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hs(t testing.TB, c jwt.MapClaims) string { t.Helper(); return sign(t, "HS256", secret, claims(c)) }

func newJWT(t testing.TB, o auth.Options) *auth.JWT {
	t.Helper()
	j, err := auth.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func request(token string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/graphql", http.NoBody)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	all := []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	for _, alg := range all {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			o, key := auth.Options{Secret: secret}, any(secret)
			if !strings.HasPrefix(alg, "HS") {
				o, key = auth.Options{PublicKeys: inPEM(t, signer(alg))}, signer(alg)
			}
			j := newJWT(t, o)
			good := sign(t, alg, key, claims(nil))
			want := server.Identity{Session: map[string]string{}, Authenticated: true, Subject: "ann"}
			for range 2 { // the second time from memory
				got, err := j.Authenticate(request(good))
				if d := cmp.Diff(want, got); d != "" || err != nil {
					t.Errorf("%v %s", err, d)
				}
			}
			for name, bad := range tampered(good) {
				if _, err := j.Authenticate(request(bad)); !errors.Is(err, auth.ErrToken) {
					t.Errorf("%s: %v", name, err)
				}
			}
			// The same key for one other algorithm alone takes no token of this one.
			other := map[bool]string{true: "HS512", false: "PS512"}[strings.HasPrefix(alg, "HS")]
			if fits := strings.HasPrefix(alg, "HS") || strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS"); fits && alg != other {
				o.Algorithms = []string{other}
				if _, err := newJWT(t, o).Authenticate(request(good)); !errors.Is(err, auth.ErrToken) {
					t.Errorf("accepted although only %s is: %v", other, err)
				}
			}
		})
	}
}

// tampered are tokens that differ from a good one in one place.
func tampered(good string) map[string]string {
	part := strings.Split(good, ".")
	enc := base64.RawURLEncoding.EncodeToString
	flip := func(s string, i int) string {
		b := []byte(s)
		if b[i] == 'A' {
			b[i] = 'B'
		} else {
			b[i] = 'A'
		}
		return string(b)
	}
	other := enc([]byte(`{"sub":"eve","exp":99999999999}`))
	return map[string]string{
		"other claims":         part[0] + "." + other + "." + part[2],
		"signature changed":    part[0] + "." + part[1] + "." + flip(part[2], 4),
		"signature cut":        part[0] + "." + part[1] + "." + part[2][:len(part[2])-4],
		"no signature":         part[0] + "." + part[1] + ".",
		"two parts":            part[0] + "." + part[1],
		"four parts":           good + ".x",
		"five parts, as JWE":   good + ".x.y",
		"header changed":       enc([]byte(`{"alg":"HS256","typ":"JWT","x":1}`)) + "." + part[1] + "." + part[2],
		"none":                 enc([]byte(`{"alg":"none"}`)) + "." + part[1] + ".",
		"None":                 enc([]byte(`{"alg":"None"}`)) + "." + part[1] + "." + part[2],
		"no alg":               enc([]byte(`{}`)) + "." + part[1] + "." + part[2],
		"alg is a number":      enc([]byte(`{"alg":1}`)) + "." + part[1] + "." + part[2],
		"unknown alg":          enc([]byte(`{"alg":"HS1"}`)) + "." + part[1] + "." + part[2],
		"header is no JSON":    enc([]byte(`{`)) + "." + part[1] + "." + part[2],
		"padding":              part[0] + "." + part[1] + "." + part[2] + "=",
		"bits after the end":   good + "A",
		"white space in it":    part[0] + "." + part[1] + ". " + part[2],
		"claims are no base64": part[0] + ".!." + part[2],
		"dots":                 "..",
		"a word":               "token",
	}
}

// A public key is no secret: a token that is signed with the bytes of the public
// key by HMAC, the classic attack, is refused by the kind of the key.
func TestAlgorithmConfusion(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"RSA", "ES256", "EdDSA"} {
		public := inPEM(t, keys()[name])
		for _, allowed := range [][]string{nil, {"HS256", map[string]string{"RSA": "RS256", "ES256": "ES256", "EdDSA": "EdDSA"}[name]}} {
			j := newJWT(t, auth.Options{PublicKeys: public, Algorithms: allowed})
			for _, alg := range []string{"HS256", "HS384", "HS512"} {
				if _, err := j.Authenticate(request(sign(t, alg, public, claims(nil)))); !errors.Is(err, auth.ErrToken) {
					t.Errorf("%s as a secret for %s: %v", name, alg, err)
				}
			}
			unsigned := sign(t, "none", jwt.UnsafeAllowNoneSignatureType, claims(nil))
			if _, err := j.Authenticate(request(unsigned)); !errors.Is(err, auth.ErrToken) {
				t.Errorf("none: %v", err)
			}
		}
	}
}

func TestTimesAndNames(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	base := auth.Options{Secret: secret}
	for _, c := range []struct {
		name   string
		o      func(*auth.Options)
		claims jwt.MapClaims
		good   bool
	}{
		{"expired within the skew", nil, jwt.MapClaims{"exp": at(-29 * time.Second)}, true},
		{"expired at the skew", nil, jwt.MapClaims{"exp": at(-30 * time.Second)}, false},
		{"expired", nil, jwt.MapClaims{"exp": at(-time.Hour)}, false},
		{"expired, no skew", func(o *auth.Options) { o.Skew = -1 }, jwt.MapClaims{"exp": at(-time.Second)}, false},
		{"not expired, no skew", func(o *auth.Options) { o.Skew = -1 }, jwt.MapClaims{"exp": at(time.Second)}, true},
		{"no exp", nil, jwt.MapClaims{"exp": nil}, false},
		{"no exp, lasting", func(o *auth.Options) { o.Lasting = true }, jwt.MapClaims{"exp": nil}, true},
		{"expired, lasting", func(o *auth.Options) { o.Lasting = true }, jwt.MapClaims{"exp": at(-time.Hour)}, false},
		{"exp is text", nil, jwt.MapClaims{"exp": "tomorrow"}, false},
		{"not yet, within the skew", nil, jwt.MapClaims{"nbf": at(30 * time.Second)}, true},
		{"not yet", nil, jwt.MapClaims{"nbf": at(32 * time.Second)}, false},
		{"made in the future, within the skew", nil, jwt.MapClaims{"iat": at(30 * time.Second)}, true},
		{"made in the future", nil, jwt.MapClaims{"iat": at(32 * time.Second)}, false},
		{"audience", func(o *auth.Options) { o.Audience = []string{"a", "b"} }, jwt.MapClaims{"aud": "b"}, true},
		{"one of its audiences", func(o *auth.Options) { o.Audience = []string{"a", "b"} }, jwt.MapClaims{"aud": []string{"x", "a"}}, true},
		{"other audience", func(o *auth.Options) { o.Audience = []string{"a"} }, jwt.MapClaims{"aud": "A"}, false},
		{"no audience", func(o *auth.Options) { o.Audience = []string{"a"} }, nil, false},
		{"audience is a number", func(o *auth.Options) { o.Audience = []string{"1"} }, jwt.MapClaims{"aud": 1}, false},
		{"audience that nobody asks for", nil, jwt.MapClaims{"aud": "x"}, true},
		{"issuer", func(o *auth.Options) { o.Issuer = "https://id/" }, jwt.MapClaims{"iss": "https://id/"}, true},
		{"other issuer", func(o *auth.Options) { o.Issuer = "https://id/" }, jwt.MapClaims{"iss": "https://id"}, false},
		{"no issuer", func(o *auth.Options) { o.Issuer = "https://id/" }, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := base
			if c.o != nil {
				c.o(&o)
			}
			j := newJWT(t, o)
			auth.SetNow(j, now)
			_, err := j.Authenticate(request(hs(t, c.claims)))
			if (err == nil) != c.good || err != nil && !errors.Is(err, auth.ErrToken) {
				t.Errorf("got %v, want good %t", err, c.good)
			}
		})
	}
}

// A token that was good is not for longer than it says.
func TestMemoryEndsWithToken(t *testing.T) {
	t.Parallel()
	j := newJWT(t, auth.Options{Secret: secret})
	now := time.Now().Truncate(time.Second)
	token := hs(t, jwt.MapClaims{"exp": now.Add(time.Minute).Unix()})
	for _, c := range []struct {
		after time.Duration
		good  bool
	}{{0, true}, {89 * time.Second, true}, {90 * time.Second, false}, {0, true}} {
		auth.SetNow(j, now.Add(c.after))
		if _, err := j.Authenticate(request(token)); (err == nil) != c.good {
			t.Errorf("after %v: %v", c.after, err)
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	good := hs(t, nil)
	long := hs(t, jwt.MapClaims{"x": strings.Repeat("y", 6000)})
	for _, c := range []struct {
		name   string
		values []string
		want   error
	}{
		{"none", nil, nil},
		{"bearer", []string{"Bearer " + good}, nil},
		{"letter case of the scheme", []string{"bEARER  " + good + " "}, nil},
		{"empty", []string{""}, auth.ErrToken},
		{"scheme alone", []string{"Bearer"}, auth.ErrToken},
		{"scheme and space", []string{"Bearer "}, auth.ErrToken},
		{"other scheme", []string{"Basic " + good}, auth.ErrToken},
		{"no scheme", []string{good}, auth.ErrToken},
		{"tab", []string{"Bearer\t" + good}, auth.ErrToken},
		{"twice", []string{"Bearer " + good, "Bearer " + good}, auth.ErrToken},
		{"two in one", []string{"Bearer " + good + ", Bearer " + good}, auth.ErrToken},
		{"just under 8 kB", []string{"Bearer " + strings.Repeat("a", 8192)}, auth.ErrToken},
		{"over 8 kB", []string{"Bearer " + strings.Repeat("a", 8193)}, auth.ErrToken},
		{"large and good", []string{"Bearer " + long}, map[bool]error{true: auth.ErrToken}[len(long) > 8192]},
	} {
		j := newJWT(t, auth.Options{Secret: secret})
		r := request("")
		r.Header["Authorization"] = c.values
		if c.values == nil {
			r.Header.Del("Authorization")
		}
		got, err := j.Authenticate(r)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err == nil && got.Authenticated != (c.values != nil) {
			t.Errorf("%s: authenticated is %t", c.name, got.Authenticated)
		}
		if err != nil && strings.Contains(err.Error(), good[40:80]) {
			t.Errorf("%s: the error has the token in it: %v", c.name, err)
		}
	}
	if _, err := newJWT(t, auth.Options{Secret: secret, Required: true}).Authenticate(request("")); !errors.Is(err, auth.ErrNoToken) {
		t.Errorf("required: %v", err)
	}
	for _, crit := range []string{"b64", ""} {
		token := sign(t, "HS256", secret, claims(nil), "crit", crit)
		if _, err := newJWT(t, auth.Options{Secret: secret}).Authenticate(request(token)); !errors.Is(err, auth.ErrToken) {
			t.Errorf("crit: %v", err)
		}
	}
	if _, err := newJWT(t, auth.Options{}).Authenticate(request(good)); !errors.Is(err, auth.ErrToken) {
		t.Errorf("no keys: %v", err)
	}
}
