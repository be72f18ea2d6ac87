package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// checkEvery bounds how often the files of a keyPair are looked at.
const checkEvery = time.Second

// keyPair is a certificate with its key, read again when its files have changed:
// a renewal needs no restart and no signal.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]
	checked           atomic.Int64 // when the files were last looked at, in ns

	mu       sync.Mutex
	loaded   [2]stamp // of the files as they were read
	rejected [2]stamp // of the files as they could not be read: told once
}

// stamp tells one state of a file from the next.
type stamp struct {
	size     int64
	modified time.Time
}

func loadKeyPair(certFile, keyFile string, log *slog.Logger) (*keyPair, error) {
	p := &keyPair{certFile: certFile, keyFile: keyFile, log: log}
	return p, p.load()
}

// load reads the files if they have changed. On an error the old pair stays.
func (p *keyPair) load() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checked.Store(time.Now().UnixNano())
	now, err := p.stamps()
	if err == nil && now == p.loaded {
		return nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(p.certFile, p.keyFile)
	}
	if err != nil {
		if now == p.rejected && p.current.Load() != nil {
			return nil
		}
		p.rejected = now
		return fmt.Errorf("read the TLS certificate: %w", err)
	}
	p.current.Store(&pair)
	p.loaded, p.rejected = now, [2]stamp{}
	return nil
}

// stamps are taken before the files are read: what is written meanwhile is read
// by the next check.
func (p *keyPair) stamps() (s [2]stamp, err error) {
	for i, file := range []string{p.certFile, p.keyFile} {
		info, serr := os.Stat(file)
		if serr != nil {
			err = errors.Join(err, serr)
			continue
		}
		s[i] = stamp{info.Size(), info.ModTime()}
	}
	return s, err
}

// get is tls.Config.GetCertificate.
func (p *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if time.Now().UnixNano()-p.checked.Load() >= int64(checkEvery) {
		if err := p.load(); err != nil {
			p.log.Error("the TLS certificate has changed and can't be used; the old one stays", "error", err)
		}
	}
	return p.current.Load(), nil
}
