package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// certificate writes a certificate that signs itself, with its key, into dir.
func certificate(t *testing.T, dir, name string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return cert, key, pool
}

const countUsers, thousand = `{"query":"{usersAggregate {count}}"}`, `{"data":{"usersAggregate":{"count":`

// speaks asks url over transport, and is the protocol and the version of TLS.
func speaks(t *testing.T, transport *http.Transport, url string) (proto string, version uint16) {
	t.Helper()
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(countUsers))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: patience, Transport: transport}
	res, err := client.Do(req)
	if err != nil {
		return err.Error(), 0
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), thousand) {
		t.Errorf("%s: %s %s %v", url, res.Status, text, err)
	}
	if res.TLS != nil {
		version = res.TLS.Version
	}
	return res.Proto, version
}

func protocols(set func(*http.Protocols)) *http.Protocols {
	p := new(http.Protocols)
	set(p)
	return p
}

// With a certificate by flags the server speaks TLS, HTTP/2 over it, and takes up
// a renewed certificate.
func testTLS(t *testing.T, file program) {
	t.Helper()
	dir := t.TempDir()
	cert, key, pool := certificate(t, dir, "first")
	p := file.serve(t, []string{"DATABASE_URL=" + pgtest.Sample(t)}, "--tls-cert-file", cert, "--tls-key-file", key, "--graphiql", "--admin-addr", "127.0.0.1:0")
	if !strings.HasPrefix(p.url(), "https://127.0.0.1:") {
		t.Errorf("it says %q", p.line)
	}
	p.saw("definitions: https://")
	p.saw("GraphiQL: https://")
	if ready := get(t, p.admin()+"/readyz"); !strings.Contains(ready, `"healthy"`) {
		t.Errorf("operators, in cleartext: %s", ready)
	}
	for _, c := range []struct {
		name     string
		protocol func(*http.Protocols)
		most     uint16
		proto    string
		version  uint16
	}{
		{"HTTP/2", func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }, 0, "HTTP/2.0", tls.VersionTLS13},
		{"HTTP/1.1", func(p *http.Protocols) { p.SetHTTP1(true) }, 0, "HTTP/1.1", tls.VersionTLS13},
		{"TLS 1.2", func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }, tls.VersionTLS12, "HTTP/2.0", tls.VersionTLS12},
	} {
		proto, version := speaks(t, &http.Transport{
			Protocols: protocols(c.protocol), TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: c.most},
		}, p.url())
		if proto != c.proto || version != c.version {
			t.Errorf("%s: %s over %x", c.name, proto, version)
		}
	}
	if old, _ := speaks(t, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}, p.url()); !strings.Contains(old, "protocol version") {
		t.Errorf("TLS 1.1: %s", old)
	}
	if strange, _ := speaks(t, &http.Transport{}, p.url()); !strings.Contains(strange, "certificate") {
		t.Errorf("a client that does not know who signed: %s", strange)
	}
	plain, answer := reply(t, request(t, strings.Replace(p.url(), "https:", "http:", 1)))
	if plain.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %s %s", plain.Status, answer)
	}
	_, _, renewed := certificate(t, dir, "second, renewed in place")
	eventually(t, "the renewed certificate", func() bool {
		proto, _ := speaks(t, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: renewed}}, p.url())
		return proto == "HTTP/1.1" || proto == "HTTP/2.0"
	})
	if err := os.WriteFile(key, []byte("half a k"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the word on a key that is broken", func() bool {
		if proto, _ := speaks(t, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: renewed}}, p.url()); !strings.HasPrefix(proto, "HTTP/") {
			t.Fatalf("while the key is broken: %s", proto)
		}
		return strings.Contains(p.errs.String(), "the old one stays")
	})
	p.end(syscall.SIGTERM)
}

// With h2c the server takes HTTP/2 without TLS from who begins with it, and
// HTTP/1.1 as ever; without it, it does not.
func testH2C(t *testing.T, file program) {
	t.Helper()
	dsn := "DATABASE_URL=" + pgtest.Sample(t)
	prior := func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	p := file.serve(t, []string{dsn}, "--h2c")
	if proto, _ := speaks(t, &http.Transport{Protocols: protocols(prior)}, p.url()); proto != "HTTP/2.0" {
		t.Errorf("prior knowledge: %s", proto)
	}
	if proto, _ := speaks(t, &http.Transport{}, p.url()); proto != "HTTP/1.1" {
		t.Errorf("another client: %s", proto)
	}
	p.end(syscall.SIGTERM)
	p = file.serve(t, []string{dsn})
	if proto, _ := speaks(t, &http.Transport{Protocols: protocols(prior)}, p.url()); strings.HasPrefix(proto, "HTTP/") {
		t.Errorf("without the flag: %s", proto)
	}
	p.end(syscall.SIGTERM)
}

func testTLSRefused(t *testing.T, file program) {
	t.Helper()
	dsn := "DATABASE_URL=" + pgtest.DB(t)
	cert, key, _ := certificate(t, t.TempDir(), "one")
	other, _, _ := certificate(t, t.TempDir(), "other")
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"a certificate alone", []string{"--tls-cert-file", cert}, "FRAISEQL_TLS_KEY_FILE"},
		{"a key alone", []string{"--tls-key-file", key}, "FRAISEQL_TLS_CERT_FILE"},
		{"a key of another certificate", []string{"--tls-cert-file", other, "--tls-key-file", key}, "private key does not match public key"},
		{"a key for a certificate", []string{"--tls-cert-file", key, "--tls-key-file", key}, "read the TLS certificate"},
		{"both kinds of HTTP/2", []string{"--tls-cert-file", cert, "--tls-key-file", key, "--h2c"}, "over TLS there is HTTP/2 anyway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := file.serve(t, []string{dsn}, c.args...)
			<-p.ended
			if p.code != 2 || p.line != "" || !strings.Contains(p.errs.String(), c.want) {
				t.Errorf("exit code %d; it printed %q and %s", p.code, p.line, p.errs)
			}
		})
	}
}
