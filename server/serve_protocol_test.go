package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/server"
)

func h2c(tr *http.Transport) {
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetUnencryptedHTTP2(true)
}

// TestProtocols: HTTP/2 is spoken where it was asked for, and nowhere else.
func TestProtocols(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t, t.TempDir(), "one")
	proto := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	secure := server.ListenOptions{TLSCert: cert, TLSKey: key}
	trust := func(p func(*http.Protocols)) func(*http.Transport) {
		return func(tr *http.Transport) {
			tr.TLSClientConfig, tr.Protocols = &tls.Config{RootCAs: pool}, new(http.Protocols)
			p(tr.Protocols)
		}
	}
	for _, tc := range []struct {
		name, scheme string
		o            server.ListenOptions
		c            func(*http.Transport)
		want         string // "" for an error
	}{
		{"cleartext", "http", server.ListenOptions{}, nil, "HTTP/1.1"},
		{"h2c not asked for", "http", server.ListenOptions{}, h2c, ""},
		{"h2c", "http", server.ListenOptions{H2C: true}, h2c, "HTTP/2.0"},
		{"HTTP/1 beside h2c", "http", server.ListenOptions{H2C: true}, nil, "HTTP/1.1"},
		{"TLS", "https", secure, trust(func(p *http.Protocols) { p.SetHTTP1(true) }), "HTTP/1.1"},
		{"TLS, HTTP/2", "https", secure, trust(func(p *http.Protocols) { p.SetHTTP2(true) }), "HTTP/2.0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, proto, nil, tc.o)
			res, err := client(t, tc.c).Get(tc.scheme + "://" + s.addr)
			if tc.want == "" {
				if err == nil {
					t.Error("answered")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, _ := io.ReadAll(res.Body); string(body) != tc.want {
				t.Errorf("%s, want %s", body, tc.want)
			}
		})
	}
}

// TestCertificateRenewal: a new certificate is served without a restart; one that
// can't be read leaves the old one.
func TestCertificateRenewal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, _ := certificate(t, dir, "one")
	s := start(t, newSlow(), nil, server.ListenOptions{TLSCert: cert, TLSKey: key})
	name := func() string {
		c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	until := func(want string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); name() != want; {
			if time.Now().After(end) {
				t.Fatalf("certificate %s, want %s", name(), want)
			}
		}
	}
	until("one")
	certificate(t, dir, "second")
	until("second")
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); { // past the next check
		if got := name(); got != "second" {
			t.Fatalf("certificate %s", got)
		}
	}
	certificate(t, dir, "the third")
	until("the third")
}

// certificate writes a certificate of 127.0.0.1 into dir.
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
	write := func(file, kind string, der []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(cert, "CERTIFICATE", der)
	write(key, "PRIVATE KEY", keyDER)
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return cert, key, pool
}
