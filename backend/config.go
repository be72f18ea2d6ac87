package backend

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is everything that a connection is made from: the one struct behind both
// drivers, so that neither applies defaults, environment or files of its own
// (they differ in 26 ways). Make one with ParseDSN, or by hand: every zero value is
// a sound default. A Config is a value; its slices and maps are not changed after
// it was handed over. Its String leaves secrets out.
type Config struct {
	// Hosts are tried in order until one connects. None means localhost:5432.
	Hosts    []Host
	User     string
	Password Secret // used for a Host that has none of its own
	Database string // empty means the user's name, as the server decides

	TLS TLS

	// TargetSessionAttrs is what a server must be: any (also ""), read-write,
	// read-only, primary, standby, prefer-standby.
	TargetSessionAttrs string
	// LoadBalance tries Hosts in random order.
	LoadBalance bool
	// ConnectTimeout bounds one host's dial, TLS handshake and login. Zero means
	// DefaultConnectTimeout; it can't be switched off.
	ConnectTimeout time.Duration
	// KeepAlive is the idle time and interval of TCP keepalive probes. Zero means
	// DefaultKeepAlive, negative switches them off.
	KeepAlive time.Duration

	ApplicationName string
	// Options are command-line options for the server ("-c geqo=off").
	Options string
	// Session are further run-time parameters, by lower-case name; they win over
	// the defaults of DefaultSession except where a value is Pinned.
	Session map[string]string

	// Pooler says that a pooler in transaction mode stands before the server: no
	// named statements, no start-up parameters beyond those a pooler forwards, the
	// rest through TransactionSettings.
	Pooler bool
	// StatementCacheSize is how many prepared statements a connection keeps. Zero
	// means DefaultStatementCacheSize, negative none. Pooler switches it off.
	StatementCacheSize int

	// OnNotice receives the server's notices and warnings, on the goroutine that
	// runs the statement: it must be quick and must not use the connection.
	OnNotice func(Notice)

	// OnNotification receives what NOTIFY sends to a channel that the connection
	// listens to. It comes when the connection next reads from the server, on the
	// goroutine that does, under the same rules as OnNotice.
	OnNotification func(channel, payload string)
}

// Host is one server to try.
type Host struct {
	Name     string // DNS name, IP address, or the directory of a Unix socket
	Addr     string // IP address to dial instead of looking Name up (libpq's hostaddr)
	Port     uint16 // 0 means 5432
	Password Secret // from a password file; wins over Config.Password when that is empty
}

// TLS is how a TCP connection is protected; Unix sockets never use it. The rules
// are libpq's (PostgreSQL documentation, "SSL Support"), the same on both backends.
type TLS struct {
	Mode        string // disable, allow, prefer (also ""), require, verify-ca, verify-full
	Cert        string // client certificate file, PEM
	Key         string // its key file, PEM, not readable by others
	RootCert    string // CA file, PEM, or "system"
	NoSNI       bool   // do not name the host in the handshake
	MinProtocol string // TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; "" means TLSv1.2
	MaxProtocol string
	Direct      bool // start with the handshake (sslnegotiation=direct, PostgreSQL 17)
}

// Notice is a message of the server that is no error.
type Notice struct {
	SQLState string
	Fields
}

// Defaults of Config's zero values.
const (
	DefaultConnectTimeout     = 10 * time.Second
	DefaultKeepAlive          = 15 * time.Second
	DefaultStatementCacheSize = 100
	DefaultPort               = 5432
)

// Secret is text that no format verb, log or JSON encoder prints.
type Secret string

const redacted = "(redacted)"

// String hides the secret; "" stays "".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String describes c for logs, as keyword/value pairs without secrets.
func (c Config) String() string {
	var b strings.Builder
	add := func(k, v string) {
		if v == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(k + "=")
		if strings.ContainsAny(v, " '\\\t\n") {
			v = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
		}
		b.WriteString(v)
	}
	var names, addrs, ports []string
	for _, h := range c.Hosts {
		names, addrs, ports = append(names, h.Name), append(addrs, h.Addr), append(ports, strconv.Itoa(int(h.port())))
	}
	add("host", strings.Join(names, ","))
	if a := strings.Join(addrs, ","); strings.Trim(a, ",") != "" {
		add("hostaddr", a)
	}
	add("port", strings.Join(ports, ","))
	add("user", c.User)
	add("password", c.Password.String())
	add("dbname", c.Database)
	add("sslmode", c.TLS.Mode)
	add("target_session_attrs", c.TargetSessionAttrs)
	add("application_name", c.ApplicationName)
	add("options", c.Options)
	for _, k := range slices.Sorted(maps.Keys(c.Session)) {
		add(k, c.Session[k])
	}
	return b.String()
}

// GoString is String: %#v must not show more.
func (c Config) GoString() string { return "backend.Config{" + c.String() + "}" }

func (h Host) port() uint16 {
	if h.Port == 0 {
		return DefaultPort
	}
	return h.Port
}

// unix reports whether h is the directory of a Unix socket; a name that starts
// with @ is one in Linux's abstract name space.
func (h Host) unix() bool {
	return h.Addr == "" && (filepath.IsAbs(h.Name) || strings.HasPrefix(h.Name, "@"))
}

// Normalize returns c with every default filled in, or the first reason why c
// cannot work. Both backends call it; it never touches the network.
func (c Config) Normalize() (Config, error) {
	bad := func(format string, args ...any) (Config, error) {
		return Config{}, New("configure", CodeConfiguration, fmt.Errorf(format, args...))
	}
	c.Hosts = slices.Clone(c.Hosts)
	if len(c.Hosts) == 0 {
		c.Hosts = []Host{{Name: "localhost"}}
	}
	for i := range c.Hosts {
		if c.Hosts[i].Name == "" && c.Hosts[i].Addr == "" {
			c.Hosts[i].Name = "localhost"
		}
		c.Hosts[i].Port = c.Hosts[i].port()
		if c.Password != "" {
			c.Hosts[i].Password = c.Password
		}
	}
	switch c.TargetSessionAttrs {
	case "":
		c.TargetSessionAttrs = "any"
	case "any", "read-write", "read-only", "primary", "standby", "prefer-standby":
	default:
		return bad("target_session_attrs %q: want any, read-write, read-only, primary, standby or prefer-standby", c.TargetSessionAttrs)
	}
	if c.TLS.Mode == "" {
		c.TLS.Mode = "prefer"
	}
	if err := c.TLS.check(); err != nil {
		return bad("%w", err)
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = DefaultKeepAlive
	}
	switch {
	case c.Pooler || c.StatementCacheSize < 0:
		c.StatementCacheSize = -1
	case c.StatementCacheSize == 0:
		c.StatementCacheSize = DefaultStatementCacheSize
	}
	if c.Pooler && c.Options != "" {
		return bad("options: a pooler in transaction mode does not forward them; set the parameters by name")
	}
	for _, s := range []string{c.User, string(c.Password), c.Database, c.ApplicationName, c.Options} {
		if strings.ContainsRune(s, 0) {
			return bad("a NUL byte in user, password, dbname, application_name or options")
		}
	}
	session, err := c.session()
	if err != nil {
		return bad("%w", err)
	}
	c.Session = session
	return c, nil
}

// order is the hosts in the order in which this connection tries them.
func (c Config) order() []Host {
	hosts := slices.Clone(c.Hosts)
	if c.LoadBalance {
		rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] }) //nolint:gosec // it spreads load, and hides nothing
	}
	return hosts
}

var errNoUser = errors.New("user: none given, PGUSER is not set, and the operating system does not say who runs this")
