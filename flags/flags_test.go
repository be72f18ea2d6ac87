package flags_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"
	"pgregory.net/rapid"

	"github.com/fraiseql/fraiseql-go/flags"
)

var update = flag.Bool("update", false, "rewrite docs/reference/settings.md")

// values compares settings without where they came from.
var values = cmpopts.IgnoreUnexported(flags.Settings{})

// env is a getenv over KEY=value pairs.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name {
				return v
			}
		}
		return ""
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := &flags.Settings{
		Backend: "pgx", ParityMode: "strict", ParitySample: 1, PerformanceThreshold: 100 * time.Millisecond,
		MaxConnections: 20, MinIdle: 2, MaxWaiting: 1000, ConnectionTimeout: 30 * time.Second, IdleTimeout: 10 * time.Minute,
		MaxLifetime: 30 * time.Minute, QueryTimeout: 30 * time.Second, StatementCacheSize: 100, MaxRetries: 3,
		PGXExecMode: "auto", PQBinaryParameters: "auto", Pooler: "none", TimeZone: "UTC",
		BigInt: "number", JSONKeys: "keep", MutationTx: "root",
		Replicas: flags.Replicas{MaxLag: 10 * time.Second, Wait: 100 * time.Millisecond},
		Shadow:   flags.Shadow{Stage: "shadow", Share: 0.05, Floor: 10, Pool: 2, Deadline: 5 * time.Second},
		Server: flags.Server{
			Addr: "127.0.0.1:8000", Compression: true, BodyLimit: 1 << 20, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
			ShutdownTimeout: 25 * time.Second, MaxInFlight: 1000, Tracing: "auto",
		},
		GraphQL: flags.GraphQL{
			Path: "/graphql", Definitions: "auto", Introspection: "public", APQBytes: 8 << 20, QueryTx: "none", PlanCacheSize: 1000, SchemaReload: "off",
		},
		Limits: flags.Limits{
			Bytes: 100_000, Tokens: 2000, Depth: 15, Aliases: 30, Roots: 20, Directives: 50, Fragments: 100, Cost: 5000,
			InputDepth: 32, Errors: 20, IntrospectionDepth: 20, VariableBytes: 1_000_000,
		},
		JWT: flags.JWT{ClockSkew: 30 * time.Second},
	}
	got, err := flags.Parse(env())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, values); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, flags.Default(), values); d != "" {
		t.Error(d)
	}
	if got.String() != "" {
		t.Errorf("String of defaults: %q", got.String())
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, why string
		env       []string
		change    func(*flags.Settings)
	}{
		{
			"own URL first", "the product's variable wins over the common one",
			[]string{"FRAISEQL_DATABASE_URL=postgres://a", "DATABASE_URL=postgres://b"},
			func(s *flags.Settings) { s.DatabaseURL, s.DatabaseURLFrom = "postgres://a", "FRAISEQL_DATABASE_URL" },
		},
		{
			"common URL", "the name that hosts give it",
			[]string{"DATABASE_URL=postgres://b"},
			func(s *flags.Settings) { s.DatabaseURL, s.DatabaseURLFrom = "postgres://b", "DATABASE_URL" },
		},
		{
			"switches in any case", "TRUE and False are what shells and charts write",
			[]string{"FRAISEQL_PARITY_TESTING=TRUE", "FRAISEQL_LOG_PERFORMANCE=False", "FRAISEQL_PQ_BINARY_PARAMETERS=True"},
			func(s *flags.Settings) { s.ParityTesting, s.PQBinaryParameters = true, "true" },
		},
		{
			"zero is a value", "0 switches a limit off and is not the default",
			[]string{
				"FRAISEQL_DB_QUERY_TIMEOUT_MS=0", "FRAISEQL_DB_IDLE_TIMEOUT_MS=0", "FRAISEQL_DB_MAX_LIFETIME_MS=0",
				"FRAISEQL_PERFORMANCE_THRESHOLD_MS=0", "FRAISEQL_DB_STATEMENT_CACHE_SIZE=0", "FRAISEQL_DB_MAX_RETRIES=0", "FRAISEQL_DB_MIN_IDLE=0",
			},
			func(s *flags.Settings) {
				s.QueryTimeout, s.IdleTimeout, s.MaxLifetime, s.PerformanceThreshold = 0, 0, 0, 0
				s.StatementCacheSize, s.MaxRetries, s.MinIdle = 0, 0, 0
			},
		},
		{
			"exact milliseconds", "less than a second is not rounded; the most is PostgreSQL's int4",
			[]string{"FRAISEQL_DB_CONNECTION_TIMEOUT_MS=1", "FRAISEQL_DB_QUERY_TIMEOUT_MS=2147483647", "FRAISEQL_PERFORMANCE_THRESHOLD_MS=1999"},
			func(s *flags.Settings) {
				s.ConnectionTimeout, s.QueryTimeout = time.Millisecond, 2147483647*time.Millisecond
				s.PerformanceThreshold = 1999 * time.Millisecond
			},
		},
		{
			"small pool", "a pool of one cannot keep the two idle connections that are the default",
			[]string{"FRAISEQL_DB_MAX_CONNECTIONS=1"},
			func(s *flags.Settings) { s.MaxConnections, s.MinIdle = 1, 1 },
		},
		{
			"choices", "each word of each choice is a case of TestChoices",
			[]string{
				"FRAISEQL_DB_BACKEND=pq", "FRAISEQL_PARITY_MODE=shadow", "FRAISEQL_PARITY_SAMPLE=0.05", "FRAISEQL_BIGINT=string",
				"FRAISEQL_JSON_KEYS=camel", "FRAISEQL_MUTATION_TX=document", "FRAISEQL_MAX_ROWS=9223372036854775807", "FRAISEQL_TIMEZONE=Europe/Paris",
				"FRAISEQL_PGX_EXEC_MODE=simple_protocol", "FRAISEQL_DB_POOLER=transaction", "FRAISEQL_DATABASE_READ_URL=host=replica",
			},
			func(s *flags.Settings) {
				s.Backend, s.ParityMode, s.ParitySample, s.BigInt = "pq", "shadow", 0.05, "string"
				s.JSONKeys, s.MutationTx, s.MaxRows, s.TimeZone = "camel", "document", math.MaxInt64, "Europe/Paris"
				s.PGXExecMode, s.Pooler, s.DatabaseReadURL = "simple_protocol", "transaction", "host=replica"
			},
		},
		{
			"search path", "letter case is kept; quotes where a name needs them",
			[]string{`FRAISEQL_SEARCH_PATH=App, "my, ""odd"" schema" ,public`},
			func(s *flags.Settings) { s.SearchPath = []string{"App", `my, "odd" schema`, "public"} },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := flags.Default()
			c.change(want)
			got, err := flags.Parse(env(c.env...))
			if err != nil {
				t.Fatalf("%v (%s)", err, c.why)
			}
			if d := cmp.Diff(want, got, values); d != "" {
				t.Errorf("%s\n%s", c.why, d)
			}
		})
	}
}

// Every value here must be refused, by the message that its row gives.
func TestRefused(t *testing.T) {
	t.Parallel()
	numbers := []string{"-1", "+1", "1.5", "1e3", "0x10", "1_000", " 1", "1 ", "5s", "abc", "٣", "99999999999999999999"}
	for name, values := range map[string][]string{
		"FRAISEQL_DB_BACKEND":               {"PGX", "rust", "postgres", "pgx ", "pgx,pq"},
		"FRAISEQL_PARITY_TESTING":           {"1", "yes", "on", "t", "true ", "ｔｒｕｅ"},
		"FRAISEQL_LOG_PERFORMANCE":          {"0", "no", "off"},
		"FRAISEQL_PQ_BINARY_PARAMETERS":     {"yes", "1"},
		"FRAISEQL_PARITY_MODE":              {"Strict", "both"},
		"FRAISEQL_PARITY_SAMPLE":            {"-0.1", "1.1", "2", "NaN", "Inf", "1e-3", "0x1p-2", "1.00000000000000001", ".", "0,5", "1.0.0", "50%"},
		"FRAISEQL_DB_MAX_CONNECTIONS":       append(numbers, "0", "262144"),
		"FRAISEQL_DB_MIN_IDLE":              numbers,
		"FRAISEQL_DB_CONNECTION_TIMEOUT_MS": append(numbers, "0", "2147483648"),
		"FRAISEQL_DB_QUERY_TIMEOUT_MS":      append(numbers, "2147483648"),
		"FRAISEQL_DB_STATEMENT_CACHE_SIZE":  append(numbers, "100001"),
		"FRAISEQL_DB_MAX_RETRIES":           append(numbers, "101"),
		"FRAISEQL_MAX_ROWS":                 append(numbers, "9223372036854775808"),
		"FRAISEQL_DB_POOLER":                {"session", "true"},
		"FRAISEQL_PGX_EXEC_MODE":            {"cached", "Exec"},
		"FRAISEQL_TIMEZONE":                 {" UTC", "a\nb", "\xff"},
		"FRAISEQL_SEARCH_PATH":              {",", "a,", "a,,b", `"a`, `a"b`, "a b", `"a"b`, "a,a", `""`, "a\x01"},
	} {
		for _, v := range values {
			_, err := flags.Parse(env(name + "=" + v))
			var e *flags.Error
			if !errors.As(err, &e) {
				t.Errorf("%s=%q: accepted", name, v)
				continue
			}
			row := find(t, name)
			if want := (flags.Error{Name: name, Value: v, Problem: "want " + row.Allowed}); *e != want {
				t.Errorf("%s=%q: %+v, want %+v", name, v, *e, want)
			}
		}
	}
}

func find(t *testing.T, name string) flags.Setting {
	t.Helper()
	for _, r := range flags.Table() {
		if r.Env == name {
			return r
		}
	}
	t.Fatalf("no setting %s", name)
	return flags.Setting{}
}

func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := flags.Parse(env("FRAISEQL_DB_BACKEND=mysql", "FRAISEQL_PARITY_TESTING=1", "DATABASE_URL=postgres://u:secret@h/\x00"),
		flags.WithEnviron([]string{"FRAISEQL_DB_BACKND=pq", "FRAISEQL_ZZZZZZ=s3cret", "PATH=/bin", "FRAISEQL_EMPTY=", "FRAISEQL_TEST_X=1", "FRAISEQL_MINE=1", "fraiseql_bigint=string"}),
		flags.WithKnown("FRAISEQL_MINE"))
	want := `DATABASE_URL: want a PostgreSQL connection URL or keyword string
FRAISEQL_DB_BACKEND="mysql": want pgx or pq
FRAISEQL_PARITY_TESTING="1": want true or false, in any letter case
FRAISEQL_DB_BACKND: unknown setting; did you mean FRAISEQL_DB_BACKEND?
FRAISEQL_ZZZZZZ: unknown setting
fraiseql_bigint: unknown setting; did you mean FRAISEQL_BIGINT?`
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Error(d)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, why string
		change    func(*flags.Settings)
		want      string // "" for valid
	}{
		{"default", "", func(*flags.Settings) {}, ""},
		{"idle", "more idle than there may be", func(s *flags.Settings) { s.MinIdle = 21 }, `FRAISEQL_DB_MIN_IDLE="21": want at most FRAISEQL_DB_MAX_CONNECTIONS, which is 20`},
		{"pooler", "auto follows the pooler", func(s *flags.Settings) { s.Pooler = "transaction" }, ""},
		{"pooler with exec", "", func(s *flags.Settings) { s.Pooler, s.PGXExecMode, s.PQBinaryParameters = "transaction", "exec", "true" }, ""},
		{"pooler with names", "named statements are on another server connection", func(s *flags.Settings) { s.Pooler, s.PGXExecMode = "transaction", "cache_statement" }, `FRAISEQL_PGX_EXEC_MODE="cache_statement": want auto, exec or simple_protocol`},
		{"pooler with two trips", "", func(s *flags.Settings) { s.Pooler, s.PQBinaryParameters = "transaction", "false" }, `FRAISEQL_PQ_BINARY_PARAMETERS="false": want auto or true`},
		{"half a millisecond", "would read as 0: no limit", func(s *flags.Settings) { s.QueryTimeout = 500 * time.Microsecond }, `FRAISEQL_DB_QUERY_TIMEOUT_MS="500µs"`},
		{"negative", "", func(s *flags.Settings) { s.QueryTimeout = -time.Second }, `FRAISEQL_DB_QUERY_TIMEOUT_MS="-1000"`},
		{"NaN", "", func(s *flags.Settings) { s.ParitySample = math.NaN() }, `FRAISEQL_PARITY_SAMPLE="NaN"`},
		{"shadow without a mode", "nothing would shadow", func(s *flags.Settings) { s.ParityTesting, s.Shadow.Share = true, 0.5 }, `FRAISEQL_SHADOW_SHARE="0.5": want FRAISEQL_PARITY_TESTING=true and FRAISEQL_PARITY_MODE=shadow with it`},
		{"shadow without testing", "", func(s *flags.Settings) { s.ParityMode, s.Shadow.Stage = "shadow", "live" }, `FRAISEQL_SHADOW_STAGE="live": want`},
		{"shadow", "", func(s *flags.Settings) { s.ParityTesting, s.ParityMode, s.Shadow.Share = true, "shadow", 0.5 }, ""},
		{"no backend", "the zero value is not usable", func(s *flags.Settings) { s.Backend = "" }, "FRAISEQL_DB_BACKEND: want pgx or pq"},
		{"empty schema", "", func(s *flags.Settings) { s.SearchPath = []string{""} }, "FRAISEQL_SEARCH_PATH"},
		{"secret stays secret", "", func(s *flags.Settings) { s.DatabaseURL = "postgres://u:secret@h/\x00" }, "FRAISEQL_DATABASE_URL: want a PostgreSQL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := flags.Default()
			c.change(s)
			err := s.Validate()
			if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.HasPrefix(got, c.want) && c.want != "" || strings.Contains(got, "secret") {
				t.Errorf("Validate: %v, want %q (%s)", err, c.want, c.why)
			}
		})
	}
}

func TestResolved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exec, binary, pooler string
		wantExec             string
		wantBinary           bool
	}{
		{"auto", "auto", "none", "cache_statement", false},
		{"auto", "auto", "transaction", "exec", true},
		{"", "", "", "cache_statement", false},
		{"describe_exec", "true", "none", "describe_exec", true},
		{"simple_protocol", "false", "transaction", "simple_protocol", false},
	} {
		s := &flags.Settings{PGXExecMode: c.exec, PQBinaryParameters: c.binary, Pooler: c.pooler}
		if s.ExecMode() != c.wantExec || s.BinaryParameters() != c.wantBinary {
			t.Errorf("%+v: %s, %v", c, s.ExecMode(), s.BinaryParameters())
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	s, err := flags.Parse(env("DATABASE_URL=postgres://u:hunter2@h/d", "FRAISEQL_DATABASE_READ_URL=password=hunter2", "FRAISEQL_DB_BACKEND=pq"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	s.Register(fs)
	for what, text := range map[string]string{
		"%v": fmt.Sprintf("%v", s), "%+v": fmt.Sprintf("%+v", s), "%#v": fmt.Sprintf("%#v", s),
		"json": string(j), "slog": s.LogValue().String(), "usage": fs.FlagUsages(),
	} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s shows the password: %s", what, text)
		}
	}
	if d := cmp.Diff(`FRAISEQL_DATABASE_URL="(set)" FRAISEQL_DATABASE_READ_URL="(set)" FRAISEQL_DB_BACKEND="pq"`, s.String()); d != "" {
		t.Error(d)
	}
	var all map[string]string
	if err := json.Unmarshal(j, &all); err != nil || len(all) != len(flags.Table()) || all["FRAISEQL_DB_BACKEND"] != "pq" {
		t.Errorf("json: %v: %s", err, j)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	parse := func(args ...string) (*flags.Settings, error) {
		s, err := flags.Parse(env("FRAISEQL_DB_BACKEND=pq", "DATABASE_URL=postgres://a", "FRAISEQL_DB_MAX_CONNECTIONS=7"))
		if err != nil {
			t.Fatal(err)
		}
		fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
		s.Register(fs)
		return s, fs.Parse(args)
	}
	s, err := parse("--backend", "pgx", "--database-url=postgres://b", "--parity-testing", "--log-performance=FALSE", "--db-query-timeout-ms=5")
	if err != nil {
		t.Fatal(err)
	}
	got := []any{s.Backend, s.DatabaseURL, s.DatabaseURLFrom, s.ParityTesting, s.LogPerformance, s.QueryTimeout, s.MaxConnections}
	want := []any{"pgx", "postgres://b", "--database-url", true, false, 5 * time.Millisecond, 7}
	if d := cmp.Diff(want, got, values); d != "" {
		t.Error(d)
	}
	_, err = parse("--backend=mysql")
	var e *flags.Error
	if !errors.As(err, &e) || e.Name != "--backend" || !strings.Contains(err.Error(), "want pgx or pq") {
		t.Errorf("bad flag: %v", err)
	}
}

// Every row is complete, its default is what Default gives, and what it shows
// can be read back.
func TestTable(t *testing.T) {
	t.Parallel()
	envs, names := map[string]bool{}, map[string]bool{}
	for _, r := range flags.Table() {
		if envs[r.Env] || names[r.Flag] {
			t.Errorf("%s, --%s: twice", r.Env, r.Flag)
		}
		envs[r.Env], names[r.Flag] = true, true
		if !strings.HasPrefix(r.Env, "FRAISEQL_") || r.Flag == "" || r.Allowed == "" || r.Group == "" || !strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%+v: incomplete", r)
		}
		if got := r.Value(flags.Default()); got != r.Default {
			t.Errorf("%s: default %q, Default gives %q", r.Env, r.Default, got)
		}
	}
}

// What is shown is read back as the same settings.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := flags.Default()
		s.ParityTesting, s.ParityMode = true, flags.ParityShadow
		s.ParitySample = rapid.Float64Range(0, 1).Draw(t, "sample")
		s.Shadow.Share, s.Shadow.Budget = rapid.Float64Range(0, 1).Draw(t, "share"), rapid.Float64Range(0, 1000).Draw(t, "budget")
		s.QueryTimeout = time.Duration(rapid.IntRange(0, math.MaxInt32).Draw(t, "ms")) * time.Millisecond
		s.SearchPath = rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zA-Z ,."é]{1,9}`), 0, 4, rapid.ID[string]).Draw(t, "path")
		if len(s.SearchPath) == 0 {
			s.SearchPath = nil
		}
		var pairs []string
		for _, r := range flags.Table() {
			pairs = append(pairs, r.Env+"="+r.Value(s))
		}
		got, err := flags.Parse(env(pairs...))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, got, values); d != "" {
			t.Fatal(d)
		}
	})
}

func TestFromEnv(t *testing.T) { // not parallel: it sets variables
	t.Setenv("FRAISEQL_DB_BACKEND", "pq")
	t.Setenv("FRAISEQL_DB_MAX_CONECTIONS", "5")
	_, err := flags.FromEnv()
	if err == nil || !strings.Contains(err.Error(), "did you mean FRAISEQL_DB_MAX_CONNECTIONS?") {
		t.Errorf("misspelt variable: %v", err)
	}
	s, err := flags.FromEnv(flags.WithKnown("FRAISEQL_DB_MAX_CONECTIONS"))
	if err != nil || s.Backend != "pq" {
		t.Errorf("FromEnv: %v, %v", s, err)
	}
}

const reference = "../docs/reference/settings.md"

// The reference page is made from the table. go test ./flags -update rewrites it.
func TestReference(t *testing.T) {
	t.Parallel()
	want := page()
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("%s is not what the table says; run go test ./flags -update\n%s", reference, d)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(`<!-- Made from flags/table.go by: go test ./flags -update -->
# Settings

Each setting is an environment variable, a command line flag, and a key of ~fraiseql.yaml~. A flag wins over the
environment, which wins over the file, which wins over the default. An empty variable counts as not set. A value that is not
allowed is an error at the start, and so are a FRAISEQL_ variable that is not listed here (FRAISEQL_TEST_ is left to
tests) and a key that the file cannot have. All problems are reported at once, each with where it was written.

~fraiseql config~ shows every setting, its value and where that came from.

The file is ~fraiseql.yaml~ in the working directory, or what ~--config~ names. Settings have the names of their flags;
several values are a list, claims and their settings may be keys and values:

~~~yaml
settings:
  addr: 0.0.0.0:8000
  cors-origins: [https://app.example.com]
  jwt-claims: {sub: app.user_id}
graphql:
  tables:
    users:
      columns:
        password: {omit: true}
~~~

What can be said below ~graphql~ is what ~graphql.Config~ has.
`, "~", "`"))
	var groups []string
	for _, r := range flags.Table() {
		if !slices.Contains(groups, r.Group) {
			groups = append(groups, r.Group)
		}
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n| variable and flag | default | allowed | meaning |\n|---|---|---|---|\n", g)
		for _, r := range flags.Table() {
			if r.Group != g {
				continue
			}
			name, def := "`"+r.Env+"`", "`"+r.Default+"`"
			if r.Fallback != "" {
				name += ", then `" + r.Fallback + "`"
			}
			if r.Default == "" {
				def = "not set"
			}
			fmt.Fprintf(&b, "| %s<br>`--%s` | %s | %s | %s |\n", name, r.Flag, def, r.Allowed, r.Doc)
		}
	}
	return b.String()
}

func ExampleParse() {
	_, err := flags.Parse(env("FRAISEQL_DB_BACKEND=mysql", "FRAISEQL_PARITY_TESTING=yes"))
	fmt.Println(err)
	// Output:
	// FRAISEQL_DB_BACKEND="mysql": want pgx or pq
	// FRAISEQL_PARITY_TESTING="yes": want true or false, in any letter case
}

func ExampleSettings_Register() {
	s := flags.Default()
	fs := pflag.NewFlagSet("fraiseql", pflag.ContinueOnError)
	s.Register(fs)
	if err := fs.Parse([]string{"--backend=pq", "--db-pooler=transaction"}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(s.Backend, s.ExecMode(), s.BinaryParameters(), s.Validate())
	// Output: pq exec true <nil>
}

func FuzzParse(f *testing.F) {
	for i, r := range flags.Table() {
		f.Add(uint8(i), r.Default)
	}
	rows := flags.Table()
	f.Fuzz(func(t *testing.T, row uint8, value string) {
		r := rows[int(row)%len(rows)]
		s, err := flags.Parse(func(name string) string {
			if name == r.Env {
				return value
			}
			return ""
		})
		if err == nil && s.Validate() != nil {
			t.Errorf("%s=%q: parsed, but not valid: %v", r.Env, value, s.Validate())
		}
	})
}
