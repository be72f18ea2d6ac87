package backend

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are connection parameters by key, as one source gave them.
type settings map[string]string

// ParseDSN reads dsn as libpq would and returns the Config that every backend is
// opened with, normalized. dsn is a URL
// (postgres://user:password@host:port/dbname?key=value), a keyword/value string
// (host=… dbname='…'), or empty. getenv supplies the PG* variables and HOME; nil
// means none.
//
// Where both say something, dsn wins over the service (service=, PGSERVICE), the
// service over the environment, the environment over the defaults; the password
// file (passfile, PGPASSFILE, ~/.pgpass) is read where none of them has a password.
// Differences from libpq, all on the strict side: a key given twice, a key that
// neither is known nor can be a run-time parameter, and a value that neither
// driver can honor are errors; connect_timeout has a default.
//
// Errors have CodeConfiguration, name the key, and never hold a password.
func ParseDSN(dsn string, getenv func(string) string) (Config, error) {
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	c, err := parseDSN(dsn, getenv)
	if err != nil {
		if _, ok := errors.AsType[*Error](err); ok {
			return Config{}, err
		}
		return Config{}, New("parse DSN", CodeConfiguration, err)
	}
	return c, nil
}

func parseDSN(dsn string, getenv func(string) string) (Config, error) {
	given, err := splitDSN(dsn)
	if err != nil {
		return Config{}, err
	}
	merged := settings{}
	for _, e := range envKeys {
		if v := getenv(e.env); v != "" {
			merged[e.key] = v
		}
	}
	service, err := readService(given, getenv)
	if err != nil {
		return Config{}, err
	}
	maps.Copy(merged, service)
	maps.Copy(merged, given)
	delete(merged, "service")
	delete(merged, "servicefile")
	c, err := merged.config(getenv)
	if err != nil {
		return Config{}, err
	}
	return c.Normalize()
}

// splitDSN tells the two forms apart as libpq does: by the scheme.
func splitDSN(dsn string) (settings, error) {
	if strings.ContainsRune(dsn, 0) {
		return nil, errors.New("a NUL byte")
	}
	for _, scheme := range []string{"postgresql://", "postgres://"} {
		if rest, ok := strings.CutPrefix(dsn, scheme); ok {
			return splitURL(rest)
		}
	}
	if before, _, ok := strings.Cut(dsn, "://"); ok && !strings.ContainsAny(before, "= '") {
		return nil, errors.New("a URL must start with postgres:// or postgresql://")
	}
	return splitKeywords(dsn)
}

// put stores a value unless the key is there already.
func (s settings) put(key, value string) error {
	if strings.ContainsRune(value, 0) {
		return fmt.Errorf("%s: a NUL byte in the value", key)
	}
	if _, twice := s[key]; twice {
		return fmt.Errorf("%s: given twice", key)
	}
	s[key] = value
	return nil
}

// take removes key and returns its value.
func (s settings) take(key string) string {
	v := s[key]
	delete(s, key)
	return v
}

// config turns s, which it empties, into a Config.
func (s settings) config(getenv func(string) string) (Config, error) {
	var c Config
	var err error
	c.User, c.Password, c.Database = s.take("user"), Secret(s.take("password")), s.take("dbname")
	c.Options, c.ApplicationName = s.take("options"), s.take("application_name")
	if fallback := s.take("fallback_application_name"); c.ApplicationName == "" {
		c.ApplicationName = fallback
	}
	if c.User == "" {
		u, err := user.Current()
		if err != nil || u.Username == "" {
			return c, errNoUser
		}
		c.User = u.Username
	}
	if c.Database == "" {
		c.Database = c.User
	}
	c.TargetSessionAttrs = s.take("target_session_attrs")
	switch v := s.take("load_balance_hosts"); v {
	case "", "disable":
	case "random":
		c.LoadBalance = true
	default:
		return c, fmt.Errorf("load_balance_hosts %q: want disable or random", v)
	}
	if c.ConnectTimeout, err = seconds("connect_timeout", s.take("connect_timeout")); err != nil {
		return c, err
	}
	if c.KeepAlive, err = seconds("keepalives_idle", s.take("keepalives_idle")); err != nil {
		return c, err
	}
	if s["keepalives"] == "0" {
		s.take("keepalives")
		c.KeepAlive = -1
	}
	if err := s.tls(&c.TLS, getenv); err != nil {
		return c, err
	}
	if c.Hosts, err = hosts(s.take("host"), s.take("hostaddr"), s.take("port")); err != nil {
		return c, err
	}
	file := s.take("passfile")
	for key, allowed := range harmless {
		if v := s.take(key); v != "" && !slices.Contains(allowed, v) {
			return c, fmt.Errorf("%s=%s: not supported by both drivers%s", key, v, orValues(allowed))
		}
	}
	c.Session = map[string]string{}
	for name, value := range s {
		key := strings.ToLower(name)
		if err := checkParameter(key, value); err != nil {
			return c, err
		}
		if _, twice := c.Session[key]; twice {
			return c, fmt.Errorf("%s: given twice", key)
		}
		c.Session[key] = value
	}
	if c.Password == "" {
		if err := readPassfile(&c, file, getenv); err != nil {
			return c, err
		}
	}
	return c, nil
}

func orValues(allowed []string) string {
	if len(allowed) == 0 {
		return ""
	}
	return "; it can be " + strings.Join(allowed, " or ")
}

func (s settings) tls(t *TLS, getenv func(string) string) error {
	t.Mode, t.Cert, t.Key, t.RootCert = s.take("sslmode"), s.take("sslcert"), s.take("sslkey"), s.take("sslrootcert")
	t.MinProtocol, t.MaxProtocol = s.take("ssl_min_protocol_version"), s.take("ssl_max_protocol_version")
	switch v := s.take("sslsni"); v {
	case "", "1":
	case "0":
		t.NoSNI = true
	default:
		return fmt.Errorf("sslsni %q: want 0 or 1", v)
	}
	switch v := s.take("sslnegotiation"); v {
	case "", "postgres":
	case "direct":
		t.Direct = true
		if t.Mode == "" {
			return errors.New("sslnegotiation=direct needs sslmode require, verify-ca or verify-full")
		}
	default:
		return fmt.Errorf("sslnegotiation %q: want postgres or direct", v)
	}
	if t.RootCert == "system" && t.Mode == "" {
		t.Mode = "verify-full"
	}
	// libpq's default files count only where they exist.
	dir := home(getenv)
	if dir == "" || t.Mode == "disable" {
		return nil
	}
	exists := func(name string) string {
		path := filepath.Join(dir, ".postgresql", name)
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	if t.RootCert == "" {
		t.RootCert = exists("root.crt")
	}
	if t.Cert == "" {
		t.Cert = exists("postgresql.crt")
	}
	if t.Cert != "" && t.Key == "" {
		t.Key = filepath.Join(dir, ".postgresql", "postgresql.key")
	}
	return nil
}

// seconds reads a whole number of seconds; 0 and less ask for the default, since
// "for ever" (libpq's meaning) is not to be had.
func seconds(key, v string) (time.Duration, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n > 1<<31/1000 {
		return 0, fmt.Errorf("%s %q: want a number of seconds", key, v)
	}
	return time.Duration(max(n, 0)) * time.Second, nil
}

// hosts pairs the three comma-separated lists. One port serves all hosts.
func hosts(names, addrs, ports string) ([]Host, error) {
	split := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, ",")
	}
	n, a, p := split(names), split(addrs), split(ports)
	count := max(len(n), len(a), 1)
	if len(n) > 0 && len(a) > 0 && len(n) != len(a) {
		return nil, fmt.Errorf("hostaddr: %d values for %d hosts", len(a), len(n))
	}
	if len(p) > 1 && len(p) != count {
		return nil, fmt.Errorf("port: %d values for %d hosts", len(p), count)
	}
	list := make([]Host, count)
	for i := range list {
		h := &list[i]
		h.Port = DefaultPort
		if len(n) > 0 {
			h.Name = n[i]
		}
		if len(a) > 0 && a[i] != "" {
			if _, err := netip.ParseAddr(a[i]); err != nil {
				return nil, fmt.Errorf("hostaddr %q: want an IP address", a[i])
			}
			h.Addr = a[i]
		}
		port := ""
		if len(p) == 1 {
			port = p[0]
		} else if len(p) > 1 {
			port = p[i]
		}
		if port != "" {
			v, err := strconv.ParseUint(port, 10, 16)
			if err != nil || v == 0 {
				// Not quoted: in a malformed URL this may be part of a password.
				return nil, errors.New("port: want a number from 1 to 65535")
			}
			h.Port = uint16(v)
		}
		if h.Name == "" && h.Addr == "" {
			h.Name = defaultHost(h.Port)
		}
	}
	return list, nil
}

// defaultHost is what libpq's build-time default amounts to: the Unix socket where
// there is one in a usual place, else localhost.
func defaultHost(port uint16) string {
	for _, dir := range []string{"/var/run/postgresql", "/private/tmp", "/tmp"} {
		if _, err := os.Stat(filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(int(port)))); err == nil {
			return dir
		}
	}
	return "localhost"
}

// home is the directory of ~ in libpq's default file names.
func home(getenv func(string) string) string { return getenv("HOME") }
