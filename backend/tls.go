package backend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
)

// ErrTLSRefused is what a server that has no TLS answers to sslmode require,
// verify-ca or verify-full.
var ErrTLSRefused = errors.New("the server does not support TLS, but sslmode requires it")

// tlsModes are libpq's sslmode values.
var tlsModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// tlsVersions are the values of ssl_min_protocol_version and its sibling.
var tlsVersions = map[string]uint16{
	"": 0, "TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
}

func (t TLS) check() error {
	if !slices.Contains(tlsModes, t.Mode) {
		return fmt.Errorf("sslmode %q: want disable, allow, prefer, require, verify-ca or verify-full", t.Mode)
	}
	for key, v := range map[string]string{"ssl_min_protocol_version": t.MinProtocol, "ssl_max_protocol_version": t.MaxProtocol} {
		if _, ok := tlsVersions[v]; !ok {
			return fmt.Errorf("%s %q: want TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3", key, v)
		}
	}
	if lo, hi := tlsVersions[t.MinProtocol], tlsVersions[t.MaxProtocol]; lo != 0 && hi != 0 && lo > hi {
		return errors.New("ssl_min_protocol_version is above ssl_max_protocol_version")
	}
	weak := t.Mode == "disable" || t.Mode == "allow" || t.Mode == "prefer"
	if t.Direct && weak {
		return fmt.Errorf("sslmode %s is too weak for sslnegotiation=direct: use require, verify-ca or verify-full", t.Mode)
	}
	if t.RootCert == "system" && t.Mode != "verify-full" {
		return fmt.Errorf("sslmode %s is too weak for sslrootcert=system: use verify-full", t.Mode)
	}
	return nil
}

// config builds the client configuration for one host. The rules are libpq's:
// require with a CA file means verify-ca; verify-ca checks the chain, not the name.
func (t TLS) config(h Host) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion: tlsVersions[t.MinProtocol],
		MaxVersion: tlsVersions[t.MaxProtocol],
		// Verification below is by mode; crypto/tls can only do all or nothing.
		InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
	}
	if !t.NoSNI {
		c.ServerName = h.Name // crypto/tls leaves literal IP addresses out of SNI itself
	}
	if t.Direct {
		c.NextProtos = []string{"postgresql"}
	}
	var roots *x509.CertPool
	switch t.RootCert {
	case "", "system":
	default:
		pem, err := os.ReadFile(t.RootCert)
		if err != nil {
			return nil, fmt.Errorf("sslrootcert: %w", err)
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("sslrootcert: %s holds no certificate", t.RootCert)
		}
	}
	full := t.Mode == "verify-full"
	if full && h.Name == "" {
		return nil, errors.New("sslmode verify-full needs host, hostaddr alone has no name to verify")
	}
	if full || t.Mode == "verify-ca" || roots != nil {
		if roots == nil && t.RootCert != "system" {
			return nil, fmt.Errorf("sslmode %s needs sslrootcert (a CA file, or system)", t.Mode)
		}
		c.VerifyConnection = func(s tls.ConnectionState) error { return verify(s, roots, h.Name, full) }
	}
	if t.Cert != "" {
		cert, err := loadKeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		// Not Certificates: crypto/tls would hold the certificate back when the
		// server lists only the root of its issuer.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	return c, nil
}

func verify(s tls.ConnectionState, roots *x509.CertPool, name string, full bool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	if full {
		opts.DNSName = name
	}
	for _, cert := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	_, err := s.PeerCertificates[0].Verify(opts)
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}

func loadKeyPair(cert, key string) (tls.Certificate, error) {
	info, err := os.Stat(key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sslkey: %w", err)
	}
	// libpq: no access for group or others, or, when root owns it, read by the group.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 && info.Mode().Perm()&0o037 != 0 {
		return tls.Certificate{}, fmt.Errorf("sslkey: %s may be read by others: chmod 600", key)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sslcert, sslkey: %w", err)
	}
	return pair, nil
}

// sslRequest is the eight bytes that ask a server for TLS (PostgreSQL
// documentation, "Message Formats", SSLRequest).
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// startTLS protects conn. The whole answer is one byte: reading no more makes
// sure that nothing sent in plain text is taken for part of the TLS stream.
func startTLS(ctx context.Context, conn net.Conn, c *tls.Config, direct bool) (net.Conn, error) {
	if !direct {
		if _, err := conn.Write(sslRequest); err != nil {
			return nil, fmt.Errorf("ask for TLS: %w", err)
		}
		var answer [1]byte
		if _, err := io.ReadFull(conn, answer[:]); err != nil {
			return nil, fmt.Errorf("ask for TLS: %w", err)
		}
		if answer[0] != 'S' {
			return nil, ErrTLSRefused
		}
	}
	client := tls.Client(conn, c)
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return client, nil
}
