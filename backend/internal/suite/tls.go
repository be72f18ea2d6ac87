package suite

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
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

// tlsEnd stands before the server and ends TLS: what a server with ssl=on is to
// a client. It hands the bytes on in plain text.
type tlsEnd struct {
	ln     net.Listener
	cert   tls.Certificate
	caFile string
	direct bool
	on     bool // false: answer N, as ssl=off does
	wg     sync.WaitGroup
	mu     sync.Mutex
	secure int // logins that came by TLS
	conns  []net.Conn
}

func newTLSEnd(t *testing.T, h backend.Host, on bool) *tlsEnd {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "suite"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	e := &tlsEnd{on: on, cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile: filepath.Join(t.TempDir(), "ca.crt")}
	if err := os.WriteFile(e.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if e.ln, err = net.Listen("tcp", "localhost:0"); err != nil {
		t.Fatal(err)
	}
	network, address := "tcp", net.JoinHostPort(h.Name, strconv.Itoa(int(h.Port)))
	if strings.HasPrefix(h.Name, "/") {
		network, address = "unix", h.Name+"/.s.PGSQL."+strconv.Itoa(int(h.Port))
	}
	e.wg.Go(func() {
		for {
			c, err := e.ln.Accept()
			if err != nil {
				return
			}
			e.wg.Go(func() { e.serve(c, network, address) })
		}
	})
	t.Cleanup(func() {
		_ = e.ln.Close()
		e.mu.Lock()
		for _, c := range e.conns {
			_ = c.Close()
		}
		e.mu.Unlock()
		e.wg.Wait()
	})
	return e
}

func (e *tlsEnd) serve(c net.Conn, network, address string) {
	defer func() { _ = c.Close() }()
	e.mu.Lock()
	e.conns = append(e.conns, c)
	e.mu.Unlock()
	client := c
	first := make([]byte, 8)
	if !e.direct {
		if _, err := io.ReadFull(c, first); err != nil {
			return
		}
	}
	asked := e.direct || first[4] == 4 && first[5] == 210 && first[6] == 22 && first[7] == 47
	switch {
	case asked && !e.on:
		if _, err := c.Write([]byte{'N'}); err != nil {
			return
		}
	case asked:
		if !e.direct {
			if _, err := c.Write([]byte{'S'}); err != nil {
				return
			}
		}
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{e.cert}, ClientAuth: tls.RequestClientCert, NextProtos: []string{"postgresql"}, MinVersion: tls.VersionTLS12})
		if s.Handshake() != nil {
			return
		}
		e.mu.Lock()
		e.secure++
		e.mu.Unlock()
		client = s
	}
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !asked {
		if _, err := server.Write(first); err != nil {
			return
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
	<-done
}

// connectTLS tries every sslmode against a server with and without TLS.
func connectTLS(t *testing.T, b backend.Backend) {
	base := Config(t, pgtest.DB(t))
	with, without := newTLSEnd(t, base.Hosts[0], true), newTLSEnd(t, base.Hosts[0], false)
	direct := newTLSEnd(t, base.Hosts[0], true)
	direct.direct = true
	type tt = backend.TLS
	for _, k := range []struct {
		name   string
		end    *tlsEnd
		host   string
		tls    backend.TLS
		code   backend.Code // of the failure, or CodeOK
		secure bool
	}{
		{"disable", with, "localhost", tt{Mode: "disable"}, backend.CodeOK, false},
		{"allow", with, "localhost", tt{Mode: "allow"}, backend.CodeOK, false},
		{"prefer", with, "localhost", tt{Mode: "prefer"}, backend.CodeOK, true},
		{"prefer is the default", with, "localhost", tt{}, backend.CodeOK, true},
		{"require", with, "localhost", tt{Mode: "require"}, backend.CodeOK, true},
		{"require with a CA verifies", with, "localhost", tt{Mode: "require", RootCert: without.caFile}, backend.CodeConfiguration, false},
		{"verify-ca", with, "localhost", tt{Mode: "verify-ca", RootCert: with.caFile}, backend.CodeOK, true},
		{"verify-ca does not mind the name", with, "127.0.0.1", tt{Mode: "verify-ca", RootCert: with.caFile}, backend.CodeOK, true},
		{"verify-ca, another CA", with, "localhost", tt{Mode: "verify-ca", RootCert: without.caFile}, backend.CodeConfiguration, false},
		{"verify-full", with, "localhost", tt{Mode: "verify-full", RootCert: with.caFile}, backend.CodeOK, true},
		{"verify-full, another name", with, "127.0.0.1", tt{Mode: "verify-full", RootCert: with.caFile}, backend.CodeConfiguration, false},
		{"verify-full, system", with, "localhost", tt{Mode: "verify-full", RootCert: "system"}, backend.CodeConfiguration, false},
		{"direct", direct, "localhost", tt{Mode: "require", Direct: true}, backend.CodeOK, true},
		{"prefer without TLS", without, "localhost", tt{Mode: "prefer"}, backend.CodeOK, false},
		{"require without TLS", without, "localhost", tt{Mode: "require"}, backend.CodeConfiguration, false},
		{"prefer, another CA, falls back", with, "localhost", tt{Mode: "prefer", RootCert: without.caFile}, backend.CodeOK, false},
		{"TLS 1.3 only", with, "localhost", tt{Mode: "require", MinProtocol: "TLSv1.3", NoSNI: true}, backend.CodeOK, true},
	} {
		cfg := base
		port := uint16(k.end.ln.Addr().(*net.TCPAddr).Port)
		cfg.Hosts = []backend.Host{{Name: k.host, Port: port, Password: base.Hosts[0].Password}}
		cfg.TLS = k.tls
		k.end.mu.Lock()
		before := k.end.secure
		k.end.mu.Unlock()
		db := Open(t, b, cfg)
		err := db.PingContext(t.Context())
		if backend.CodeOf(err) != k.code {
			t.Errorf("%s: %v: %v", k.name, backend.CodeOf(err), err)
		}
		k.end.mu.Lock()
		if secure := k.end.secure > before; err == nil && secure != k.secure {
			t.Errorf("%s: TLS %v, want %v", k.name, secure, k.secure)
		}
		k.end.mu.Unlock()
		_ = db.Close()
	}
	for name, c := range map[string]backend.TLS{
		"verify-ca without a CA": {Mode: "verify-ca"}, "missing CA": {Mode: "require", RootCert: "/nonexistent"},
		"empty CA": {Mode: "require", RootCert: os.DevNull}, "missing key": {Mode: "require", Cert: with.caFile, Key: "/nonexistent"},
		"bad key": {Mode: "require", Cert: with.caFile, Key: with.caFile},
	} {
		cfg := base
		cfg.Hosts, cfg.TLS = []backend.Host{{Name: "localhost"}}, c
		if _, err := b.Connector(cfg); backend.CodeOf(err) != backend.CodeConfiguration {
			t.Errorf("%s: %v", name, err)
		}
	}
}
