package backendtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/internal/faultproxy"
)

// place is the parts of a connection that the DSN cases spell in every form.
type place struct{ host, port, user, password, database string }

// where takes Config apart, with a role whose password needs quoting everywhere.
func (x *test) where() place {
	c, err := x.Role(x)
	x.must("create a role", err)
	password := `p@ss:w/o r'd\?&=#%41é`
	x.prepare("alter role " + c.User + " password " + quoteLiteral(password))
	h := c.Hosts[0]
	host := h.Name
	if h.Addr != "" {
		host = h.Addr
	}
	return place{host, strconv.Itoa(int(h.Port)), c.User, password, c.Database}
}

func (p place) url(query string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(p.user, p.password), Path: "/" + p.database, RawQuery: query}
	if strings.HasPrefix(p.host, "/") {
		return "postgres://" + u.User.String() + "@" + url.PathEscape(p.host) + ":" + p.port + "/" + p.database + "?" + query
	}
	u.Host = net.JoinHostPort(p.host, p.port)
	return u.String()
}

func (p place) keywords(more string) string {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	return "host=" + quote(p.host) + " port=" + p.port + " user=" + p.user + " password = " + quote(p.password) + " dbname=" + p.database + " " + more
}

// file writes a file that goes with the case.
func (x *test) file(name, text string) string {
	dir, err := os.MkdirTemp("", "backendtest")
	x.must("make a directory", err)
	x.Cleanup(func() error { return os.RemoveAll(dir) })
	path := filepath.Join(dir, name)
	x.must("write "+name, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// env is a getenv with these variables and no others.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// leads ends the case unless dsn connects to the suite's database as that role.
func (x *test) leads(p place, dsn string, getenv func(string) string) *session {
	c, err := backend.ParseDSN(dsn, getenv)
	x.must("parse the DSN", err)
	s := x.connectTo(c)
	x.same("where it leads", s.value("select current_user||'@'||current_database()"), p.user+"@"+p.database)
	return s
}

// refusesDSN wants ParseDSN (or the connector) to say no, as CONFIGURATION.
func (x *test) refusesDSN(dsn string, getenv func(string) string) {
	c, err := backend.ParseDSN(dsn, getenv)
	if err == nil {
		_, err = x.Backend.Connector(c)
	}
	x.isError("the DSN", err, wants{backend.CodeConfiguration, ""})
	if strings.Contains(err.Error(), "hunter2") {
		x.failf("the error shows the password: %w", err)
	}
}

func dsnCases() []Case {
	same := "one DSN must mean one server, database and role on every backend: "
	return []Case{
		def("dsn/url", same+"a URL with everything escaped", func(x *test) { p := x.where(); x.leads(p, p.url("sslmode=disable"), nil) }),
		def("dsn/url-postgresql", same+"both schemes", func(x *test) {
			p := x.where()
			x.leads(p, strings.Replace(p.url("sslmode=disable"), "postgres://", "postgresql://", 1), nil)
		}),
		def("dsn/url-parameters", same+"every part as a query parameter", func(x *test) {
			p := x.where()
			q := url.Values{"host": {p.host}, "port": {p.port}, "user": {p.user}, "password": {p.password}, "dbname": {p.database}, "sslmode": {"disable"}}
			x.leads(p, "postgres:///?"+strings.ReplaceAll(q.Encode(), "+", "%20"), nil)
		}),
		def("dsn/url-plus", same+"+ in a URL is a plus, as in libpq", func(x *test) {
			p := x.where()
			s := x.leads(p, p.url("sslmode=disable&application_name=a+b"), nil)
			x.same("application_name", s.value("select current_setting('application_name')"), "a+b")
		}),
		def("dsn/keywords", same+"keywords with quotes and blanks", func(x *test) { p := x.where(); x.leads(p, p.keywords("sslmode = disable"), nil) }),
		def("dsn/environment", same+"the PG variables alone", func(x *test) {
			p := x.where()
			x.leads(p, "", env("PGHOST", p.host, "PGPORT", p.port, "PGUSER", p.user, "PGPASSWORD", p.password, "PGDATABASE", p.database, "PGSSLMODE", "disable"))
		}),
		def("dsn/environment-overridden", same+"the DSN wins over the environment", func(x *test) {
			p := x.where()
			x.leads(p, p.keywords("sslmode=disable"), env("PGHOST", "nowhere.invalid", "PGPORT", "1", "PGUSER", "nobody", "PGPASSWORD", "no", "PGDATABASE", "none"))
		}),
		def("dsn/environment-settings", same+"PGTZ, PGAPPNAME and PGOPTIONS are applied", func(x *test) {
			p := x.where()
			s := x.leads(p, p.keywords("sslmode=disable"), env("PGTZ", "Asia/Kolkata", "PGAPPNAME", "env name", "PGOPTIONS", "-c work_mem=5MB"))
			x.same("settings", s.value("select current_setting('timezone')||'|'||current_setting('application_name')||'|'||current_setting('work_mem')"), "Asia/Kolkata|env name|5MB")
		}),
		def("dsn/service", same+"a service file", func(x *test) {
			p := x.where()
			f := x.file("pg_service.conf", "# comment\n[other]\nhost=nowhere.invalid\n\n[mine]\nhost="+p.host+"\nport="+p.port+"\nuser="+p.user+"\npassword="+p.password+"\ndbname="+p.database+"\nsslmode=disable\n")
			x.leads(p, "service=mine", env("PGSERVICEFILE", f))
			x.leads(p, "", env("PGSERVICEFILE", f, "PGSERVICE", "mine"))
		}),
		def("dsn/service-missing", "a service that no file has is an error, not a default", func(x *test) {
			x.refusesDSN("service=nosuch", env("PGSERVICEFILE", x.file("pg_service.conf", "[mine]\nhost=x\n")))
		}),
		def("dsn/passfile", same+"the password file", func(x *test) {
			p := x.where()
			line := strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(p.password)
			f := x.file("pgpass", "# comment\nnowhere:*:*:*:no\n*:"+p.port+":"+p.database+":"+p.user+":"+line+"\n")
			x.leads(p, "host="+p.host+" port="+p.port+" user="+p.user+" dbname="+p.database+" sslmode=disable passfile="+f, nil)
		}),
		def("dsn/multi-host", same+"the first host that answers", func(x *test) {
			p := x.where()
			dead := x.nobody().Hosts[0]
			x.leads(p, "host=127.0.0.1,"+p.host+" port="+strconv.Itoa(int(dead.Port))+","+p.port+" user="+p.user+" dbname="+p.database+" sslmode=disable", env("PGPASSWORD", p.password))
		}),
		def("dsn/multi-host-url", same+"a list of host:port in a URL", func(x *test) {
			p := x.where()
			if strings.HasPrefix(p.host, "/") {
				x.notRunf("the server is reached through a Unix socket")
			}
			dead := x.nobody().Hosts[0]
			x.leads(p, "postgres://"+p.user+"@127.0.0.1:"+strconv.Itoa(int(dead.Port))+","+net.JoinHostPort(p.host, p.port)+"/"+p.database+"?sslmode=disable", env("PGPASSWORD", p.password))
		}),
		def("dsn/multi-host-all-dead", "when no host answers the error says so and comes in time", func(x *test) {
			c := x.nobody()
			c.Hosts = append(c.Hosts, x.nobody().Hosts...)
			x.loginFails(c, wants{gone, ""})
		}),
		def("dsn/multi-host-refused-login", "a server that refuses the login ends the search: the next host may be another database", func(x *test) {
			p := x.where()
			c, err := backend.ParseDSN("host="+p.host+","+p.host+" port="+p.port+" user="+p.user+" password=wrong dbname="+p.database+" sslmode=disable", nil)
			x.must("parse", err)
			x.loginFails(c, wants{backend.CodeConfiguration, "28P01"})
		}),
		def("dsn/hostaddr", same+"hostaddr is dialed and host is only a name", func(x *test) {
			p := x.where()
			if net.ParseIP(p.host) == nil {
				x.notRunf("the server is not reached by an IP address")
			}
			x.leads(p, "host=nowhere.invalid hostaddr="+p.host+" port="+p.port+" user="+p.user+" dbname="+p.database+" sslmode=disable", env("PGPASSWORD", p.password))
		}),
		def("dsn/target-session-attrs", "read-write must pass over a server that is read-only, and read-only must take it", func(x *test) {
			p := x.where()
			for attrs, ok := range map[string]bool{"read-write": true, "primary": true, "read-only": false, "standby": false, "prefer-standby": true} {
				c, err := backend.ParseDSN(p.keywords("sslmode=disable target_session_attrs="+attrs), nil)
				x.must("parse", err)
				db, err := x.Open(c)
				x.must("open", err)
				if err := db.PingContext(x); (err == nil) != ok {
					x.failf("target_session_attrs=%s on a primary: connected is %t, want %t (%w)", attrs, err == nil, ok, orNil(err))
				}
			}
		}),
		def("dsn/options", same+"command-line options", func(x *test) {
			p := x.where()
			s := x.leads(p, p.keywords("sslmode=disable options='-c work_mem=5MB -c app.x=a\\\\ b'"), nil)
			x.same("settings", s.value("select current_setting('work_mem')||'|'||current_setting('app.x')"), "5MB|a b")
		}),
		def("dsn/run-time-parameters", same+"any other key is a run-time parameter", func(x *test) {
			p := x.where()
			s := x.leads(p, p.url("sslmode=disable&search_path=pg_catalog&statement_timeout=1234"), nil)
			x.same("settings", s.value("select current_setting('search_path')||'|'||current_setting('statement_timeout')"), "pg_catalog|1234ms")
		}),
		def("dsn/unix-socket", same+"a Unix socket", func(x *test) {
			p := x.where()
			dirs := x.observe("select current_setting('unix_socket_directories')")
			dir := strings.TrimSpace(strings.Split(dirs, ",")[0])
			if _, err := os.Stat(filepath.Join(dir, ".s.PGSQL."+p.port)); err != nil || dir == "" {
				x.notRunf("the server's socket is not on this machine")
			}
			p.host = dir
			x.leads(p, p.keywords("sslmode=require"), nil) // sslmode is for TCP
			x.leads(p, p.url(""), nil)
		}),
		def("dsn/pinned", "a parameter on which decoding depends cannot be set to something else", func(x *test) {
			for _, kv := range []string{"client_encoding=LATIN1", "datestyle=German", "bytea_output=escape", "extra_float_digits=0", "intervalstyle=iso_8601", "standard_conforming_strings=off"} {
				x.refusesDSN("host=x user=u password=hunter2 "+kv, nil)
			}
		}),
		def("dsn/pinned-by-environment", "nor by the environment", func(x *test) {
			x.refusesDSN("host=x user=u password=hunter2", env("PGCLIENTENCODING", "LATIN1"))
			x.refusesDSN("host=x user=u password=hunter2", env("PGDATESTYLE", "German"))
		}),
		def("dsn/malformed", "what cannot be read is an error that does not show the password", func(x *test) {
			for _, dsn := range []string{
				"postgres://u:hunter2@h:port/d", "postgres://u:hunter2@h/d?sslmode", "postgres://u:hunter2@h/%zz", "host=x password=hunter2 dbname", "host='x password=hunter2",
				"mysql://u:hunter2@h/d", "host=x password=hunter2 port=99999", "host=x password=hunter2 sslmode=maybe", "host=x password=hunter2 connect_timeout=soon",
				"host=x host=y password=hunter2", "postgres://u:hunter2@h/d?user=a&user=b", "host=x password=hunter2\x00",
			} {
				x.refusesDSN(dsn, nil)
			}
		}),
		def("dsn/driver-only-keys", "a key that only one driver knows is refused: it would silently mean nothing on the other", func(x *test) {
			for _, kv := range []string{"binary_parameters=yes", "default_query_exec_mode=exec", "statement_cache_capacity=1", "pool_max_conns=1", "sslinline=true"} {
				x.refusesDSN("host=x user=u password=hunter2 "+kv, nil)
			}
		}),
		def("dsn/connect-timeout", "connect_timeout bounds a server that never answers", func(x *test) {
			_, c, err := x.Proxy(faultproxy.BlackHoled())
			x.must("start a proxy", err)
			c.ConnectTimeout = 200 * time.Millisecond
			db, err := x.Open(c)
			x.must("open", err)
			err = x.within(3*time.Second, "connect", func() error { return db.PingContext(x) })
			if code := backend.CodeOf(backend.Wrap(x.Backend, "connect", err)); code != gone && code != backend.CodeTimeout {
				x.failf("connect: code is %v, want %v or %v (%w)", code, gone, backend.CodeTimeout, orNil(err))
			}
		}),
	}
}

// authority is a throw-away certificate authority with one server certificate.
type authority struct {
	root   string // PEM file
	server tls.Certificate
}

// newAuthority makes a CA and a certificate for the names.
func (x *test) newAuthority(names ...string) authority {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	x.must("make a key", err)
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "backendtest CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	x.must("make a certificate", err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	x.must("make a key", err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "backendtest server"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	x.must("make a certificate", err)
	return authority{
		root:   x.file("root.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}))),
		server: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}
}

// tlsRow is one sslmode against one kind of server.
type tlsRow struct {
	mode   string
	tls    bool   // the server speaks TLS
	root   string // "", right, wrong
	name   string // in the certificate
	secure bool   // the session must be encrypted
	ok     bool
}

var tlsRows = []tlsRow{
	{"disable", true, "", "127.0.0.1", false, true},
	{"allow", true, "", "127.0.0.1", false, true},
	{"prefer", true, "", "127.0.0.1", true, true},
	{"prefer", false, "", "", false, true},
	{"require", true, "", "127.0.0.1", true, true},
	{"require", false, "", "", false, false},
	{"require", true, "wrong", "127.0.0.1", true, false}, // with a CA file require is verify-ca
	{"verify-ca", true, "right", "other.invalid", true, true},
	{"verify-ca", true, "wrong", "127.0.0.1", true, false},
	{"verify-ca", false, "right", "", false, false},
	{"verify-full", true, "right", "127.0.0.1", true, true},
	{"verify-full", true, "right", "other.invalid", true, false},
	{"verify-full", true, "wrong", "127.0.0.1", true, false},
	{"verify-full", false, "right", "", false, false},
}

func tlsCases() []Case {
	var list []Case
	for _, row := range tlsRows {
		id := "tls/" + row.mode + "-"
		switch {
		case !row.tls:
			id += "plain-server"
		case row.root == "wrong":
			id += "wrong-root"
		case row.name != "127.0.0.1":
			id += "wrong-name"
		default:
			id += "tls-server"
		}
		list = append(list, def(id, "sslmode decides whether the password and the data travel in the clear: it must mean what libpq says, on every backend", func(x *test) { x.tlsConnects(row) }))
	}
	return append(list, def("tls/whole-session", "statements, rows and a cancel work over TLS as without", func(x *test) {
		ca := x.newAuthority("127.0.0.1")
		_, c, err := x.Proxy(faultproxy.WithTLS(&tls.Config{Certificates: []tls.Certificate{ca.server}}))
		x.must("start a proxy", err)
		c.TLS = backend.TLS{Mode: "verify-full", RootCert: ca.root}
		s := x.connectTo(c)
		s.everyReader("x|1", "select $1::text, 1::text", "x")
		x.same("a long result", s.value("select md5(string_agg(g::text, ',')) from generate_series(1, 1) g"), "c4ca4238a0b923820dcc509a6f75849b")
	}))
}

// tlsConnects runs one row against a proxy that speaks TLS, or not.
func (x *test) tlsConnects(row tlsRow) {
	var opts []faultproxy.Option
	root := ""
	if row.root != "" {
		root = x.newAuthority("127.0.0.1").root
	}
	if row.tls {
		ca := x.newAuthority(row.name)
		opts = append(opts, faultproxy.WithTLS(&tls.Config{Certificates: []tls.Certificate{ca.server}}))
		if row.root == "right" {
			root = ca.root
		}
	}
	p, c, err := x.Proxy(opts...)
	x.must("start a proxy", err)
	c.TLS = backend.TLS{Mode: row.mode, RootCert: root}
	db, err := x.Open(c)
	x.must("open", err)
	err = db.PingContext(x)
	if row.ok {
		x.must("connect", err)
		x.same("encrypted", strconv.FormatBool(p.Count("tls") > 0), strconv.FormatBool(row.secure))
		return
	}
	x.isError("connect", backend.Wrap(x.Backend, "connect", err), wants{backend.CodeConfiguration, ""})
	x.same("logins that reached the server", strconv.Itoa(p.Count("startup")), "0")
}
