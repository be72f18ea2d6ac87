package pgembed

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Standby starts a streaming standby of s, which was started with Replicating: its
// data are copied by pg_basebackup, it answers reads, and it has a port and a
// directory of its own. Superuser and password are those of s; so are its settings,
// except for what opts say. Stop it as any other server; it may outlive s.
func (s *Server) Standby(ctx context.Context, opts ...Option) (*Server, error) {
	if !s.Owned() {
		return nil, errors.New("start a standby: the primary is not a server of ours")
	}
	c := newConfig(opts)
	c.primary = s
	for name, value := range s.settings { // a standby refuses less than its primary has
		if _, said := c.settings[name]; !said || throwAway[name] == c.settings[name] {
			c.settings[name] = value
		}
	}
	var err error
	if c.backup, err = s.bin.basebackup(); err != nil {
		return nil, fmt.Errorf("start a standby: %w", err)
	}
	as, err := serverAccount()
	if err != nil {
		return nil, fmt.Errorf("start a standby: %w", err)
	}
	standby, err := c.launches(ctx, s.bin, as)
	if err != nil {
		return nil, fmt.Errorf("start a standby: %w", err)
	}
	return standby, nil
}

// service is the connection of a standby to s, as a service file.
func (s *Server) service() string {
	password, _ := s.base.User.Password()
	return fmt.Sprintf("[primary]\nhost=127.0.0.1\nport=%d\nuser=postgres\npassword=%s\nsslmode=disable\n", s.port, password)
}

// ErrNoBasebackup is what Standby's error wraps where the machine has a server but
// not the client program: the download has none.
var ErrNoBasebackup = errors.New("there is no pg_basebackup: install PostgreSQL's server package")

// basebackup is where pg_basebackup is: beside the server that a link may lead to,
// else on PATH.
func (b Binaries) basebackup() (string, error) {
	dirs := []string{b.Dir}
	if program, err := filepath.EvalSymlinks(filepath.Join(b.Dir, "postgres")); err == nil {
		dirs = append(dirs, filepath.Dir(program))
	}
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, "pg_basebackup")); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("pg_basebackup")
	if err != nil {
		return "", ErrNoBasebackup
	}
	return path, nil
}
