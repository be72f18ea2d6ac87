package backend_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/backend"
)

// env is a getenv.
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

// brief is what of a Config the table below looks at.
func brief(c backend.Config) string {
	var hosts []string
	for _, h := range c.Hosts {
		s := fmt.Sprintf("%s:%d", h.Name, h.Port)
		if h.Addr != "" {
			s += "@" + h.Addr
		}
		if h.Password != "" {
			s += "/" + string(h.Password)
		}
		hosts = append(hosts, s)
	}
	return fmt.Sprintf("%s %s %s %s", strings.Join(hosts, ","), c.User, c.Database, c.TLS.Mode)
}

func TestParseDSN(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dsn, want string }{
		{"postgres://u:p@h:1/d", "h:1/p u d prefer"},
		{"postgresql://u@h", "h:5432 u u prefer"},
		{"postgres://u:p%40%2F%3A%25@h/d%20b?sslmode=disable", "h:5432/p@/:% u d b disable"},
		{"postgres://u:a+b@h/d", "h:5432/a+b u d prefer"},
		{"postgres://u@h/d#x", "h:5432 u d#x prefer"},
		{"postgres://u@a:1,b,[::1]:3/d", "a:1,b:5432,::1:3 u d prefer"},
		{"postgres://u@a,b/d?port=7", "a:7,b:7 u d prefer"},
		{"postgres://u@%2Frun%2Fpg:6/d", "/run/pg:6 u d prefer"},
		{"postgres:///d?host=/run/pg&user=u&port=6", "/run/pg:6 u d prefer"},
		{"postgres://u@h/d?ssl=true", "h:5432 u d require"},
		{"postgres://h?user=u&dbname=d", "h:5432 u d prefer"},
		{"host=h user=u dbname=d port=9 password=p", "h:9/p u d prefer"},
		{"  host = 'h' user=u\tdbname='a \\'b\\\\'  password=''", "h:5432 u a 'b\\ prefer"},
		{"host=h user=u\\ v dbname=d sslmode=verify-full sslrootcert=system", "h:5432 u v d verify-full"},
		{"host=a,b hostaddr=10.0.0.1,::1 port=1,2 user=u", "a:1@10.0.0.1,b:2@::1 u u prefer"},
		{"hostaddr=10.0.0.1 user=u", ":5432@10.0.0.1 u u prefer"},
		{"host=h user=u dbname=", "h:5432 u u prefer"},
		{"host=h user=u sslrootcert=system", "h:5432 u u verify-full"},
		{"host=h user=u channel_binding=prefer gssencmode=disable sslcompression=0 requiressl=0", "h:5432 u u prefer"},
	} {
		cfg, err := backend.ParseDSN(c.dsn, nil)
		if err != nil {
			t.Errorf("%s: %v", c.dsn, err)
			continue
		}
		if d := cmp.Diff(c.want, brief(cfg)); d != "" {
			t.Errorf("%s: %s", c.dsn, d)
		}
	}
}

func TestParseDSNRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dsn, want string }{
		{"postgres://u:p@h/d?user=v", "user: given twice"},
		{"postgres://u@h/d?sslmode=disable&sslmode=require", "sslmode: given twice"},
		{"host=a host=b", "host: given twice"},
		{"host=h Work_Mem=1 work_mem=2", "work_mem: given twice"},
		{"postgres://u:a@b@h/d", "write %40"},
		{"postgres://u:p%zz@h/d", "password: a percent sign"},
		{"postgres://u:p%4@h/d", "password: a percent sign"},
		{"postgres://u@h/d?application_name=a%00b", "application_name: %00"},
		{"host=h\x00", "NUL"},
		{"postgres://u@h/d?x", `x: a parameter without "="`},
		{"postgres://u@h/d?a=b=c", `a: a second "="`},
		{"postgres://u@h/d?%zz=1", "badly escaped"},
		{"postgres://u@h/d?=1", "name is empty"},
		{"postgres://u@[::1/d", "closing bracket"},
		{"postgres://u@[::1]x/d", "after an IPv6 address"},
		{"mysql://h/d", "must start with postgres://"},
		{"justaname", `without "="`},
		{"=x", "without a keyword"},
		{"host 'x'", `without "="`},
		{"host='x", "closing quote"},
		{"host=x\\", "backslash at the end"},
		{"host=h port=0", "port"},
		{"host=h port=65536", "port"},
		{"host=h port=1x", "port"},
		{"host=a,b,c port=1,2", "port: 2 values for 3 hosts"},
		{"host=a,b hostaddr=1.2.3.4", "hostaddr: 1 values for 2 hosts"},
		{"hostaddr=nowhere", "want an IP address"},
		{"host=h sslmode=on", `sslmode "on"`},
		{"host=h sslsni=2", "sslsni"},
		{"host=h sslnegotiation=direct", "needs sslmode"},
		{"host=h sslnegotiation=direct sslmode=prefer", "too weak"},
		{"host=h sslnegotiation=x", "sslnegotiation"},
		{"host=h sslrootcert=system sslmode=require", "too weak"},
		{"host=h ssl_min_protocol_version=SSLv3", "TLSv1.2"},
		{"host=h ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", "above"},
		{"host=h target_session_attrs=best", "read-write"},
		{"host=h load_balance_hosts=x", "disable or random"},
		{"host=h connect_timeout=soon", "number of seconds"},
		{"host=h keepalives_idle=-x", "number of seconds"},
		{"host=h keepalives=2", "keepalives=2"},
		{"host=h channel_binding=require", "channel_binding=require: not supported"},
		{"host=h require_auth=scram-sha-256", "require_auth"},
		{"host=h sslcrl=/x", "sslcrl"},
		{"host=h requirepeer=postgres", "requirepeer"},
		{"host=h gssencmode=require", "gssencmode"},
		{"host=h binary_parameters=yes", "FRAISEQL_PQ_BINARY_PARAMETERS"},
		{"host=h default_query_exec_mode=exec", "FRAISEQL_PGX_EXEC_MODE"},
		{"host=h statement_cache_capacity=1", "FRAISEQL_DB_STATEMENT_CACHE_SIZE"},
		{"host=h pool_max_conns=1", "FRAISEQL_DB_MAX_CONNECTIONS"},
		{"host=h database=d", "instead: dbname"},
		{"host=h replication=true", "replication"},
		{"host=h sslpassword=x", "sslkey"},
		{"host=h a-b=1", "not the name of a run-time parameter"},
		{"host=h _pq_.x=1", "not the name of a run-time parameter"},
		{"host=h datestyle=German", `datestyle is pinned to "ISO, MDY"`},
		{"host=h client_encoding=LATIN1", "client_encoding is pinned"},
		{"host=h service=nowhere", `service "nowhere": no service file`},
		{"host=h service=x servicefile=/nonexistent", "no such file"},
	} {
		_, err := backend.ParseDSN(c.dsn, nil)
		if backend.CodeOf(err) != backend.CodeConfiguration || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v, want %q", c.dsn, err, c.want)
		}
	}
	for _, name := range []string{"PGREQUIREAUTH", "PGSSLCRL", "PGREQUIREPEER", "PGCHANNELBINDING", "PGGSSENCMODE", "PGREQUIRESSL", "PGKRBSRVNAME"} {
		if _, err := backend.ParseDSN("host=h", env(name, "require")); err == nil {
			t.Errorf("%s was dropped", name)
		}
	}
}

func TestParseDSNSources(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(".pg_service.conf", "# comment\n[other]\nhost=o\n\n[s]\nhost=sh\r\nport=77\nuser=su\ndbname=sd\napplication_name=from service\nsearch_path=a\n[after]\nhost=x\n")
	write(".pgpass", "# comment\nshort:line\nsh:77:sd:su:secret\\:\\\\1\nlocalhost:*:*:lu:local\n*:5432:*:eu:any\n")
	for _, c := range []struct {
		name, dsn string
		env       []string
		want      string
	}{
		{"environment alone", "", []string{"PGHOST", "eh", "PGPORT", "5433", "PGUSER", "eu", "PGDATABASE", "ed", "PGPASSWORD", "ep", "PGSSLMODE", "require"}, "eh:5433/ep eu ed require"},
		{"DSN wins over environment", "host=h user=u", []string{"PGHOST", "eh", "PGUSER", "eu", "PGDATABASE", "ed"}, "h:5432 u ed prefer"},
		{"service wins over environment", "service=s", []string{"HOME", home, "PGHOST", "eh", "PGUSER", "eu"}, `sh:77/secret:\1 su sd prefer`},
		{"DSN wins over service", "service=s dbname=mine", []string{"HOME", home}, "sh:77 su mine prefer"},
		{"service by environment", "postgres://u@/d", []string{"HOME", home, "PGSERVICE", "s"}, "sh:77 u d prefer"},
		{"service of the system", "service=s", []string{"PGSYSCONFDIR", home + "/etc"}, "sys:5432 u u prefer"},
		{"password file, any host", "host=h user=eu", []string{"HOME", home}, "h:5432/any eu eu prefer"},
		{"password file, socket", "host=/run/pg user=lu", []string{"HOME", home}, "/run/pg:5432/local lu lu prefer"},
		{"password file, each host", "host=sh,h port=77,5432 user=eu", []string{"HOME", home}, "sh:77,h:5432/any eu eu prefer"},
		{"password wins over file", "host=h user=eu password=p", []string{"HOME", home}, "h:5432/p eu eu prefer"},
	} {
		if err := os.MkdirAll(filepath.Join(home, "etc"), 0o700); err != nil {
			t.Fatal(err)
		}
		write("etc/pg_service.conf", "[s]\nhost=sys\nuser=u\n")
		cfg, err := backend.ParseDSN(c.dsn, env(c.env...))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if d := cmp.Diff(c.want, brief(cfg)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	open := write("open", "*:*:*:u:p")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.ParseDSN("host=h user=u passfile="+open, nil); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a password file that all may read: %v", err)
	}
	if _, err := backend.ParseDSN("host=h user=other passfile="+open, nil); err != nil {
		t.Errorf("one that holds nothing for us: %v", err)
	}
	for name, text := range map[string]string{"no equals": "[s]\nhost\n", "twice": "[s]\nhost=a\nhost=b\n", "nested": "[s]\nservice=t\n", "ldap": "[s]\nldap://x=y\n"} {
		if _, err := backend.ParseDSN("user=u service=s servicefile="+write("bad", text), nil); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseDSNSettings(t *testing.T) {
	t.Parallel()
	cfg, err := backend.ParseDSN("host=h user=u connect_timeout=3 keepalives_idle=7 load_balance_hosts=random target_session_attrs=read-write "+
		"fallback_application_name=fb options='-c geqo=off' Work_Mem=1MB my.setting=x timezone=Europe/Paris datestyle=iso client_encoding=unicode sslsni=0",
		env("PGTZ", "Asia/Tokyo", "PGDATESTYLE", "ISO, MDY"))
	if err != nil {
		t.Fatal(err)
	}
	want := backend.DefaultSession()
	want["work_mem"], want["my.setting"], want["timezone"], want["application_name"] = "1MB", "x", "Europe/Paris", "fb"
	if d := cmp.Diff(want, cfg.Session); d != "" {
		t.Error(d)
	}
	if cfg.ConnectTimeout != 3*time.Second || cfg.KeepAlive != 7*time.Second || !cfg.LoadBalance || cfg.TargetSessionAttrs != "read-write" || !cfg.TLS.NoSNI {
		t.Errorf("%+v", cfg)
	}
	if p := cfg.StartupParameters(); p["options"] != "-c geqo=off" || p["work_mem"] != "1MB" || len(p) != len(want)+1 {
		t.Error(p)
	}
	if s := cfg.TransactionSettings(); s != nil {
		t.Error(s)
	}
	// A normalized Config stays as it is.
	again, err := cfg.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(cfg, again, cmp.Comparer(func(a, b func(backend.Notice)) bool { return (a == nil) == (b == nil) })); d != "" {
		t.Error(d)
	}
	cfg.Pooler = true
	if _, err := cfg.Normalize(); err == nil {
		t.Error("options behind a pooler")
	}
	for _, dsn := range []string{"host=h user=u connect_timeout=-1", "host=h user=u connect_timeout=0", "host=h user=u"} {
		if cfg, err := backend.ParseDSN(dsn, nil); err != nil || cfg.ConnectTimeout != backend.DefaultConnectTimeout || cfg.StatementCacheSize != backend.DefaultStatementCacheSize {
			t.Errorf("%s: %v %v", dsn, cfg.ConnectTimeout, err)
		}
	}
	if cfg, err := backend.ParseDSN("host=h user=u keepalives=0", nil); err != nil || cfg.KeepAlive != -1 {
		t.Error(cfg.KeepAlive, err)
	}
	if !backend.Pinned("DateStyle") || backend.Pinned("timezone") {
		t.Error("Pinned")
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	cfg, err := backend.ParseDSN("postgres://u:hunter2@a,b/d?application_name=it's", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(struct {
		P backend.Secret `json:"p"`
		H []backend.Host `json:"h"`
	}{cfg.Password, cfg.Hosts})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		cfg.String(), fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, cfg), fmt.Sprintf("%v %+v %#v %q", cfg.Hosts, cfg.Hosts, cfg.Hosts, cfg.Password), string(text),
	} {
		if strings.Contains(s, "hunter2") || !strings.Contains(s, "(redacted)") {
			t.Error(s)
		}
	}
	if got := backend.Secret("").String(); got != "" {
		t.Error(got)
	}
	for _, dsn := range []string{"postgres://u:hunter2@h:x/d", "postgres://u:hunter2@h/d?a", "host=h password=hunter2 x", "host=h password='hunter2", "postgres://u:hunter2:5@h@i/d"} {
		if _, err := backend.ParseDSN(dsn, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

// FuzzParseDSN looks for panics, for passwords in errors, and for a Config that
// is not stable.
func FuzzParseDSN(f *testing.F) {
	for _, s := range []string{
		"", "host=h user=u", "postgres://u:p@h:1,[::1]/d?sslmode=disable&a.b=c", "host='a b' port=1,2", "postgres://%2Ftmp/x?user=%41", "a=\\", "'='", "postgres://u@[",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		cfg, err := backend.ParseDSN(dsn, env("PGUSER", "u", "PGPASSWORD", "hunter2hunter2"))
		if err != nil {
			if backend.CodeOf(err) != backend.CodeConfiguration || strings.Contains(err.Error(), "hunter2hunter2") {
				t.Errorf("%v", err)
			}
			return
		}
		if len(cfg.Hosts) == 0 || cfg.ConnectTimeout <= 0 || cfg.User == "" || cfg.Session["client_encoding"] != "UTF8" {
			t.Errorf("%q: %v", dsn, cfg)
		}
		again, err := cfg.Normalize()
		if err != nil || again.String() != cfg.String() {
			t.Errorf("%q: %v, then %v, %v", dsn, cfg, again, err)
		}
	})
}
