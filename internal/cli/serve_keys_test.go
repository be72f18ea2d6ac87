package cli_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// signer is a key that tokens are signed with.
type signer struct {
	id      string
	private ed25519.PrivateKey
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, private}
}

// public is the public key's bytes.
func (s signer) public() []byte { return s.private[ed25519.PrivateKeySize-ed25519.PublicKeySize:] }

// keySet is the JSON Web Key Set of the public keys.
func keySet(t *testing.T, signers ...signer) []byte {
	t.Helper()
	keys := []map[string]string{}
	for _, s := range signers {
		keys = append(keys, map[string]string{"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": s.id, "x": base64.RawURLEncoding.EncodeToString(s.public())})
	}
	text, err := json.Marshal(map[string][]map[string]string{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims are those of a good token, with changes; nil takes one away.
func claims(changes map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "ann", "iss": "https://id.example", "aud": []string{"shop", "other"}, "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func (s signer) token(t *testing.T, c jwt.MapClaims) string {
	t.Helper()
	return signed(t, jwt.SigningMethodEdDSA, s.private, s.id, c)
}

func signed(t *testing.T, method jwt.SigningMethod, key any, id string, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	token.Header["kid"] = id
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const whoAmI = `{"query":"{whoAmI}"}`

// who is the subject that the database is told of a token, or the answer.
func (p *process) who(token string) string {
	p.t.Helper()
	status, answer := p.send(p.url(), whoAmI, "Authorization", "Bearer "+token)
	if name, ok := strings.CutPrefix(answer, `{"data":{"whoAmI":"`); ok && status == http.StatusOK {
		return strings.TrimSuffix(name, `"}}`)
	}
	return fmt.Sprintf("%d %s", status, answer)
}

const refusedToken = `401 {"errors":[{"message":"authentication failed","extensions":{"code":"UNAUTHENTICATED"}}]}`

// issuerFlags are the settings of the tests of tokens.
var issuerFlags = []string{"--jwt-issuer", "https://id.example", "--jwt-audience", "shop", "--jwt-claims", "sub=app.sub"}

func identityDB(t *testing.T) string {
	t.Helper()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, "create function who_am_i() returns text stable language sql as $$select current_setting('app.sub', true)$$")
	return dsn
}

// Keys of a file: what is wrong with a token, and keys that change.
func testKeyFile(t *testing.T, file program) {
	t.Helper()
	dsn := identityDB(t)
	for _, backend := range []string{"pgx", "pq"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			one, two, stranger := newSigner(t, "one"), newSigner(t, "two"), newSigner(t, "one")
			path := filepath.Join(t.TempDir(), "keys.json")
			write := func(text []byte) {
				t.Helper()
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(keySet(t, one))
			p := file.serve(t, []string{"DATABASE_URL=" + dsn, "FRAISEQL_DB_BACKEND=" + backend}, append([]string{"--jwt-jwks-file", path}, issuerFlags...)...)
			is(t, "a token", p.who(one.token(t, claims(nil))), "ann")
			is(t, "one audience as a text", p.who(one.token(t, claims(map[string]any{"aud": "shop"}))), "ann")
			is(t, "a clock that is a little late", p.who(one.token(t, claims(map[string]any{"exp": time.Now().Add(-10 * time.Second).Unix()}))), "ann")
			der, err := x509.MarshalPKIXPublicKey(one.private.Public())
			if err != nil {
				t.Fatal(err)
			}
			good := one.token(t, claims(nil))
			head, rest, _ := strings.Cut(good, ".")
			body, signature, _ := strings.Cut(rest, ".")
			other, _, _ := strings.Cut(strings.TrimPrefix(one.token(t, claims(map[string]any{"sub": "eve"})), head+"."), ".")
			for name, token := range map[string]string{
				"wrong issuer":           one.token(t, claims(map[string]any{"iss": "https://evil.example"})),
				"no issuer":              one.token(t, claims(map[string]any{"iss": nil})),
				"wrong audience":         one.token(t, claims(map[string]any{"aud": "bank"})),
				"no audience":            one.token(t, claims(map[string]any{"aud": nil})),
				"expired":                one.token(t, claims(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})),
				"never expires":          one.token(t, claims(map[string]any{"exp": nil})),
				"not yet":                one.token(t, claims(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()})),
				"of another key":         stranger.token(t, claims(nil)),
				"of an unknown key":      two.token(t, claims(nil)),
				"alg none":               signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "one", claims(nil)),
				"alg none, signed":       base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"one"}`)) + "." + body + "." + signature,
				"alg None":               base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None","kid":"one"}`)) + "." + body + ".",
				"public key as a secret": signed(t, jwt.SigningMethodHS256, one.public(), "one", claims(nil)),
				"its PEM as a secret":    signed(t, jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "one", claims(nil)),
				"other claims":           head + "." + other + "." + signature,
				"no signature":           head + "." + body + ".",
				"two parts":              head + "." + body,
				"nothing":                "x",
				"empty":                  "",
			} {
				is(t, name, p.who(token), refusedToken)
			}
			for name, header := range map[string]string{"Basic": "Basic " + good, "bare": good} {
				if status, answer := p.send(p.url(), whoAmI, "Authorization", header); status != http.StatusUnauthorized {
					t.Errorf("%s: %d %s", name, status, answer)
				}
			}
			if status, answer := p.send(strings.TrimSuffix(p.url(), "/graphql")+"/definitions", `{"operation":"query","table":"x"}`, "Authorization", "Bearer "+stranger.token(t, claims(nil))); status != http.StatusUnauthorized {
				t.Errorf("definitions: %d %s", status, answer)
			}

			write(keySet(t, one, two)) // both for a while
			eventually(t, "a key that was added", func() bool { return p.who(two.token(t, claims(nil))) == "ann" })
			is(t, "the old key beside it", p.who(good), "ann")
			write([]byte(`{"keys":`))
			eventually(t, "the word on a file that is broken", func() bool {
				is(t, "while the file is broken", p.who(two.token(t, claims(nil))), "ann")
				p.who(stranger.token(t, claims(nil)))
				return strings.Contains(p.errs.String(), "the old keys stay")
			})
			write(keySet(t, two))
			eventually(t, "a key that was taken away", func() bool { return p.who(good) == refusedToken })
			is(t, "the one that is left", p.who(two.token(t, claims(nil))), "ann")
			p.end(syscall.SIGTERM)
		})
	}
}

// Keys of a URL: they are fetched at the start, again at SIGHUP and when a token
// names a key that is not known; while nobody publishes them the old ones stay.
func testKeyURL(t *testing.T, file program) {
	t.Helper()
	one, two, three := newSigner(t, "one"), newSigner(t, "two"), newSigner(t, "three")
	var body atomic.Pointer[[]byte]
	publish := func(text []byte) { body.Store(&text) }
	publish(nil)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := *body.Load()
		if text == nil {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = w.Write(text)
	}))
	defer issuer.Close()
	dsn := identityDB(t)
	p := file.serve(t, []string{"DATABASE_URL=" + dsn}, append([]string{"--jwt-jwks-url", issuer.URL + "/keys"}, issuerFlags...)...)
	status, answer := p.send(p.url(), whoAmI, "Authorization", "Bearer "+one.token(t, claims(nil)))
	if status != http.StatusServiceUnavailable || !strings.Contains(answer, `"code":"SERVICE_UNAVAILABLE"`) {
		t.Errorf("before there are keys: %d %s", status, answer)
	}
	is(t, "nobody, before there are keys", p.query("{whoAmI}"), `{"data":{"whoAmI":""}}`)
	p.saw("can't be fetched")
	publish(keySet(t, one))
	hangup := func() {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	hangup()
	eventually(t, "the first keys", func() bool { return p.who(one.token(t, claims(nil))) == "ann" })
	is(t, "a key that nobody has published", p.who(two.token(t, claims(nil))), refusedToken)
	is(t, "the wrong issuer", p.who(one.token(t, claims(map[string]any{"iss": "x"}))), refusedToken)
	publish(nil)
	pgtest.Exec(t, dsn, "create table later (id int primary key)")
	hangup()
	p.saw("reading the schema again: what can't be read stays as it was: fetch keys: status 502")
	is(t, "while nothing is published", p.who(one.token(t, claims(nil))), "ann")
	is(t, "the schema all the same", p.query("{laters {id}}"), `{"data":{"laters":[]}}`)
	publish(keySet(t, two))
	hangup()
	eventually(t, "a key that was changed", func() bool { return p.who(two.token(t, claims(nil))) == "ann" })
	is(t, "the key before that", p.who(one.token(t, claims(nil))), refusedToken)
	publish(keySet(t, two, three)) // nobody says a word: the token itself does
	eventually(t, "a key that a token names", func() bool { return p.who(three.token(t, claims(nil))) == "ann" })
	p.end(syscall.SIGTERM)
}
