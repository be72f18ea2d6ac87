package auth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/server/auth"
)

func jwtEncode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func privatePEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(keys()["ES256"])
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// jwk is one member of a set; change alters its JSON.
func jwk(t testing.TB, id string, key any, change map[string]any) json.RawMessage {
	t.Helper()
	if s, ok := key.(crypto.Signer); ok {
		key = s.Public()
	}
	_, private := key.([]byte)
	k, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Marshal: jwkset.JWKMarshalOptions{Private: private}, Metadata: jwkset.JWKMetadataOptions{KID: id}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(k.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		maps.Copy(m, change)
		if text, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
	}
	return text
}

func set(t testing.TB, keys ...json.RawMessage) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Rotation: a new key is found when a token names it, an old one is gone when it is
// no longer published, and while the publisher fails the last keys stay.
func TestRotation(t *testing.T) {
	t.Parallel()
	var body atomic.Pointer[[]byte]
	var status atomic.Int64
	publish := func(code int, text []byte) { status.Store(int64(code)); body.Store(&text) }
	publish(http.StatusOK, set(t, jwk(t, "one", keys()["ES256"], nil)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write(*body.Load())
	}))
	defer srv.Close()
	var log bytes.Buffer
	j := newJWT(t, auth.Options{JWKSURL: srv.URL, Log: slog.New(slog.NewTextHandler(&log, nil))})
	one := sign(t, "ES256", keys()["ES256"], claims(nil), "kid", "one")
	two := sign(t, "EdDSA", keys()["EdDSA"], claims(nil), "kid", "two")
	check := func(doing, token string, good bool) {
		t.Helper()
		if _, err := j.Authenticate(request(token)); (err == nil) != good || err != nil && !errors.Is(err, auth.ErrToken) {
			t.Errorf("%s: %v, want good %t", doing, err, good)
		}
	}
	check("the first waits for the first fetch", one, true)
	check("nobody has published it", two, false)
	publish(http.StatusOK, set(t, jwk(t, "one", keys()["ES256"], nil), jwk(t, "two", keys()["EdDSA"], nil)))
	if err := j.Reload(); err != nil {
		t.Error(err)
	}
	check("both", one, true)
	check("both", two, true)
	for name, bad := range map[string]struct {
		code int
		text []byte
	}{
		"status":    {http.StatusInternalServerError, set(t)},
		"no JSON":   {http.StatusOK, []byte("<html>")},
		"no keys":   {http.StatusOK, []byte(`{"keys":null}`)},
		"too large": {http.StatusOK, bytes.Repeat([]byte(" "), 1<<20+1)},
		"too many":  {http.StatusOK, set(t, slicesRepeat(json.RawMessage(`{}`), 101)...)},
		"bad key":   {http.StatusOK, set(t, json.RawMessage(`{"kty":"RSA","n":"!","e":"AQAB"}`))},
	} {
		publish(bad.code, bad.text)
		if err := j.Reload(); err == nil {
			t.Errorf("%s: no error", name)
		}
		check(name+": old keys stay", two, true)
	}
	publish(http.StatusOK, set(t, jwk(t, "two", keys()["EdDSA"], nil)))
	if err := j.Reload(); err != nil {
		t.Error(err)
	}
	check("it was withdrawn, though seen before", one, false)
	check("still there", two, true)
	srv.Close()
	if err := j.Reload(); err == nil {
		t.Error("nobody listens: no error")
	}
	check("nobody listens", two, true)
	// Without any keys nobody can say whether a token is good: it is not the
	// client's fault.
	none := newJWT(t, auth.Options{JWKSURL: srv.URL, Log: quiet()})
	if _, err := none.Authenticate(request(two)); backend.CodeOf(err) != backend.CodeServiceUnavailable || errors.Is(err, auth.ErrToken) {
		t.Errorf("no keys yet: %v", err)
	}
}

func slicesRepeat(v json.RawMessage, n int) []json.RawMessage {
	list := make([]json.RawMessage, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// transport answers without a network, so that the clock can be the test's.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Tokens with invented keys make the set be fetched once in a while and not each
// time; and it is fetched in the background anyway.
func TestFetchesAreBounded(t *testing.T) {
	t.Parallel()
	text := set(t, jwk(t, "one", keys()["ES256"], nil))
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int64
		var down atomic.Bool
		client := &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			fetches.Add(1)
			if down.Load() {
				return nil, errors.New("nobody listens")
			}
			time.Sleep(100 * time.Millisecond)
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(text))}, nil
		})}
		j, err := auth.New(auth.Options{JWKSURL: "https://id.example.com/keys", Client: client, Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		var wg sync.WaitGroup
		good := sign(t, "ES256", keys()["ES256"], claims(nil), "kid", "one")
		for i := range 100 {
			wg.Go(func() {
				if _, err := j.Authenticate(request(good)); err != nil {
					t.Errorf("the first requests wait for the keys: %v", err)
				}
				bad := sign(t, "ES256", keys()["ES256"], claims(nil), "kid", fmt.Sprint("none", i))
				if _, err := j.Authenticate(request(bad)); err == nil {
					t.Error("an unknown key")
				}
			})
		}
		wg.Wait()
		if n := fetches.Load(); n != 1 {
			t.Errorf("%d fetches for one start", n)
		}
		unknown := request(sign(t, "ES256", keys()["ES256"], claims(nil), "kid", "other"))
		time.Sleep(auth.Pause)
		for range 100 {
			_, _ = j.Authenticate(unknown)
		}
		if n := fetches.Load(); n != 2 {
			t.Errorf("%d fetches after a pause and a hundred unknown keys, want 2", n)
		}
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if n := fetches.Load(); n != 3 {
			t.Errorf("%d fetches after a quarter of an hour, want 3", n)
		}
		// While it is down it is tried again sooner, and a request that goes away
		// does not wait.
		down.Store(true)
		if err := j.Reload(); err == nil {
			t.Error("down: no error")
		}
		before := fetches.Load()
		time.Sleep(95 * time.Second)
		synctest.Wait()
		if n := fetches.Load() - before; n != 3 {
			t.Errorf("%d fetches in 95 seconds of being down, want 3", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := j.Authenticate(unknown.WithContext(ctx)); err == nil {
			t.Error("an unknown key")
		}
	})
}

// What a set may have in it.
func TestKeySets(t *testing.T) {
	t.Parallel()
	es, ed := keys()["ES256"], keys()["EdDSA"]
	token := sign(t, "ES256", es, claims(nil), "kid", "one")
	noID := sign(t, "ES256", es, claims(nil))
	oct := sign(t, "HS256", secret, claims(nil), "kid", "one")
	for _, c := range []struct {
		name, token string
		text        []byte
		good        bool
	}{
		{"the key", token, set(t, jwk(t, "one", es, nil)), true},
		{"another id", token, set(t, jwk(t, "two", es, nil)), false},
		{"another key of the id", token, set(t, jwk(t, "one", keys()["ES384"], nil)), false},
		{"token without id", noID, set(t, jwk(t, "two", ed, nil), jwk(t, "one", es, nil)), true},
		{"key without id", token, set(t, jwk(t, "", es, nil)), true},
		{"for encryption", token, set(t, jwk(t, "one", es, map[string]any{"use": "enc"})), false},
		{"for signatures", token, set(t, jwk(t, "one", es, map[string]any{"use": "sig", "key_ops": []string{"verify"}, "alg": "ES256"})), true},
		{"to sign only", token, set(t, jwk(t, "one", es, map[string]any{"key_ops": []string{"sign"}})), false},
		{"algorithm of another kind", token, set(t, jwk(t, "one", es, map[string]any{"alg": "HS256"})), false},
		{"certificate that is to be fetched", token, set(t, jwk(t, "one", es, map[string]any{"x5u": "http://127.0.0.1:1/x"})), true},
		{"kind that nobody knows", token, set(t, json.RawMessage(`{"kty":"XYZ","kid":"zero"}`), jwk(t, "one", es, nil)), true},
		{"secret in a file", oct, set(t, jwk(t, "one", secret, nil)), true},
		{"short secret in a file", oct, set(t, jwk(t, "one", secret[:31], nil)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(path, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := newJWT(t, auth.Options{JWKSFile: path}).Authenticate(request(c.token))
			if (err == nil) != c.good {
				t.Errorf("got %v, want good %t", err, c.good)
			}
		})
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(set(t, jwk(t, "one", secret, nil)))
	}))
	defer srv.Close()
	if _, err := newJWT(t, auth.Options{JWKSURL: srv.URL, Log: quiet()}).Authenticate(request(oct)); !errors.Is(err, auth.ErrToken) {
		t.Errorf("a secret that was published: %v", err)
	}
}

// A file that has changed is read again; one that went bad is not believed, and the
// old keys stay.
func TestFileChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	put := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(inPEM(t, keys()["ES256"]))
	j := newJWT(t, auth.Options{PublicKeyFile: path, Log: quiet()})
	old, young := sign(t, "ES256", keys()["ES256"], claims(nil)), sign(t, "EdDSA", keys()["EdDSA"], claims(nil))
	check := func(token string, good bool) {
		t.Helper()
		if _, err := j.Authenticate(request(token)); (err == nil) != good {
			t.Errorf("got %v, want good %t", err, good)
		}
	}
	check(old, true)
	check(young, false)
	put(inPEM(t, keys()["EdDSA"]))
	auth.Look(j)
	check(old, false)
	check(young, true)
	put([]byte("nonsense"))
	if err := j.Reload(); err == nil || !strings.Contains(err.Error(), "no public key") {
		t.Errorf("a bad file: %v", err)
	}
	check(young, true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	auth.Look(j)
	check(young, true)
}

func BenchmarkAuthenticate(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		o, key := auth.Options{Secret: secret}, any(secret)
		if alg != "HS256" {
			o, key = auth.Options{PublicKeys: inPEM(b, signer(alg))}, signer(alg)
		}
		o.Claims = []auth.Claim{{Path: "sub", Setting: "app.user_id"}, {Path: "https://example.com/claims.tenant", Setting: "app.tenant_id"}}
		o.RoleClaim, o.AnyRole = "role", true
		token := sign(b, alg, key, claims(map[string]any{"role": "reader", "aud": "x", "iss": "y", "https://example.com/claims": map[string]any{"tenant": 7}}))
		for name, size := range map[string]int{"seen": 0, "new": -1} {
			o.Cache = size
			b.Run(alg+"/"+name, func(b *testing.B) {
				j := newJWT(b, o)
				r := request(token)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := j.Authenticate(r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
