package flags

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Error is one setting that is wrong.
type Error struct {
	// Name is the variable, or the flag with its dashes.
	Name string
	// Value is the value as written; "" for a secret one and an unknown variable.
	Value string
	// Problem says what is wrong and what is allowed: "want pgx or pq".
	Problem string
}

// Error is FRAISEQL_DB_BACKEND="mysql": want pgx or pq.
func (e *Error) Error() string {
	if e.Value == "" {
		return e.Name + ": " + e.Problem
	}
	return fmt.Sprintf("%s=%q: %s", e.Name, e.Value, e.Problem)
}

// Option changes what Parse looks at.
type Option interface{ apply(*options) }

type options struct {
	environ []string
	known   []string
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithEnviron gives Parse the whole environment, as os.Environ has it, so that
// it can refuse FRAISEQL_ variables that are no setting. The default is not to
// look for them.
func WithEnviron(environ []string) Option {
	return optionFunc(func(o *options) { o.environ = environ })
}

// WithKnown names further FRAISEQL_ variables that are no settings of this
// table but belong to the program. Default: none.
func WithKnown(names ...string) Option {
	return optionFunc(func(o *options) { o.known = append(o.known, names...) })
}

// FromEnv is Parse over the process's environment, unknown variables refused.
func FromEnv(o ...Option) (*Settings, error) {
	return Parse(os.Getenv, append([]Option{WithEnviron(os.Environ())}, o...)...)
}

// Parse reads every setting through getenv. An empty value counts as not set.
// The error joins one *Error for each problem, in the table's order.
func Parse(getenv func(string) string, o ...Option) (*Settings, error) {
	var opt options
	for _, f := range o {
		f.apply(&opt)
	}
	s := Default()
	var problems []error
	given := map[string]bool{}
	for i := range table {
		r := &table[i]
		name := r.Env
		v := getenv(name)
		if v == "" && r.Fallback != "" {
			name = r.Fallback
			v = getenv(name)
		}
		if v == "" {
			continue
		}
		given[r.Env] = true
		if err := r.set(s, v); err != nil {
			problems = append(problems, r.problem(name, v))
		} else if r.Env == urlEnv {
			s.DatabaseURLFrom = name
		}
	}
	if !given["FRAISEQL_DB_MIN_IDLE"] {
		s.MinIdle = min(s.MinIdle, s.MaxConnections)
	}
	problems = append(problems, unknown(opt)...)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

const (
	urlEnv = "FRAISEQL_DATABASE_URL"
	prefix = "FRAISEQL_"
	// testPrefix is left to test code.
	testPrefix = "FRAISEQL_TEST_"
)

func (r Setting) problem(name, value string) *Error {
	if r.Secret {
		value = ""
	}
	return &Error{Name: name, Value: value, Problem: "want " + r.Allowed}
}

// unknown finds FRAISEQL_ variables that no row knows: a misspelt name would
// silently leave the default in place. Their values are not shown.
func unknown(o options) (problems []error) {
	var names []string
	for _, entry := range o.environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(strings.ToUpper(name), prefix) || strings.HasPrefix(name, testPrefix) ||
			value == "" || lookup(name) != nil || slices.Contains(o.known, name) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		problem := "unknown setting"
		if near := nearest(name, o.known); near != "" {
			problem += "; did you mean " + near + "?"
		}
		problems = append(problems, &Error{Name: name, Problem: problem})
	}
	return problems
}

// nearest is the known name that name is most likely meant to be, or "".
func nearest(name string, known []string) string {
	// A third of the part after the prefix may be wrong, as far as one typo for
	// three letters still reads as the same word.
	best, most := "", max(2, (len(name)-len(prefix))/3)
	names := slices.Clone(known)
	for i := range table {
		names = append(names, table[i].Env)
	}
	for _, n := range names {
		if d := distance(strings.ToUpper(name), n, most); d <= most {
			best, most = n, d-1
		}
	}
	return best
}

// distance is the number of single-letter edits between a and b. Lengths that
// differ by more than most are not looked at: most+1 stands for them.
func distance(a, b string, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// Validate checks what single values cannot tell: settings that contradict each
// other, and values that Go code has put in. The error joins one *Error for
// each problem.
func (s *Settings) Validate() error {
	var problems []error
	scratch := Default()
	for i := range table {
		r := &table[i]
		if v := r.show(s); r.set(scratch, v) != nil {
			problems = append(problems, r.problem(r.Env, v))
		}
	}
	add := func(env, problem string) {
		problems = append(problems, &Error{Name: env, Value: lookup(env).Value(s), Problem: problem})
	}
	if s.MinIdle > s.MaxConnections {
		add("FRAISEQL_DB_MIN_IDLE", fmt.Sprintf("want at most FRAISEQL_DB_MAX_CONNECTIONS, which is %d", s.MaxConnections))
	}
	if s.Pooler == PoolerTransaction {
		// Everything else names statements, or looks at a statement in one round
		// trip and runs it in another: a pooler may change the server in between.
		if m := s.ExecMode(); m != "exec" && m != "simple_protocol" {
			add("FRAISEQL_PGX_EXEC_MODE", "want auto, exec or simple_protocol with FRAISEQL_DB_POOLER=transaction: another client's answer could be read")
		}
		if !s.BinaryParameters() {
			add("FRAISEQL_PQ_BINARY_PARAMETERS", "want auto or true with FRAISEQL_DB_POOLER=transaction: another client's answer could be read")
		}
	}
	return errors.Join(problems...)
}

// Register adds a flag for each setting to fs. A flag that is given overrides
// what s had; call Validate once the flags are parsed.
func (s *Settings) Register(fs *pflag.FlagSet) {
	for i := range table {
		r := &table[i]
		f := fs.VarPF(&flagValue{row: r, settings: s}, r.Flag, "", r.Doc+" Allowed: "+r.Allowed+". Variable: "+r.Env+".")
		if r.Allowed == boolAllowed {
			f.NoOptDefVal = "true" // --parity-testing
		}
	}
}

// flagValue is one setting as a pflag.Value.
type flagValue struct {
	row      *Setting
	settings *Settings
}

// Set reads the flag's value.
func (f *flagValue) Set(v string) error {
	if err := f.row.set(f.settings, v); err != nil {
		return f.row.problem("--"+f.row.Flag, v)
	}
	if f.row.Env == urlEnv {
		f.settings.DatabaseURLFrom = "--" + f.row.Flag
	}
	return nil
}

// String is the current value, hidden for a secret one.
func (f *flagValue) String() string {
	if f.row == nil { // pflag asks a zero value for its default
		return ""
	}
	return f.row.Value(f.settings)
}

// Type is what the help text shows behind the flag.
func (f *flagValue) Type() string {
	if f.row.Allowed == boolAllowed {
		return "bool"
	}
	return "string"
}
