package flags

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
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

// Option changes what Parse and Load look at.
type Option interface{ apply(*options) }

type options struct {
	environ []string
	known   []string
	file    File
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

// WithFile gives Parse what a configuration file says. Default: no file.
func WithFile(f File) Option {
	return optionFunc(func(o *options) { o.file = f })
}

// FromEnv is Parse over the process's environment, unknown variables refused. It
// reads no file: package config does.
func FromEnv(o ...Option) (*Settings, error) {
	return Parse(os.Getenv, append([]Option{WithEnviron(os.Environ())}, o...)...)
}

// Parse reads every setting through getenv. An empty value counts as not set.
// The error joins one *Error for each problem, in the table's order.
func Parse(getenv func(string) string, o ...Option) (*Settings, error) {
	s := Default()
	if err := s.Load(getenv, o...); err != nil {
		return nil, err
	}
	return s, nil
}

// Load is Parse into s, after flags that Register made have been parsed: a flag
// wins over the environment, which wins over the file, which wins over the
// default. Values that are not used because of that are checked all the same.
func (s *Settings) Load(getenv func(string) string, o ...Option) error {
	var opt options
	for _, f := range o {
		f.apply(&opt)
	}
	var problems []error
	for i := range table {
		r := &table[i]
		name := r.Env
		v := getenv(name)
		if v == "" && r.Fallback != "" {
			name = r.Fallback
			v = getenv(name)
		}
		if v != "" {
			problems = append(problems, s.take(r, v, v, source{"environment " + name, name})...)
		}
	}
	problems = append(problems, unknown(opt)...)
	problems = append(problems, s.takeFile(opt.file)...)
	if !s.given("FRAISEQL_DB_MIN_IDLE") {
		s.MinIdle = min(s.MinIdle, s.MaxConnections)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	return s.Validate()
}

// take sets r to v, which was written as shown, unless something stronger has set
// it.
func (s *Settings) take(r *Setting, v, shown string, from source) []error {
	to := s
	if s.given(r.Env) {
		to = &Settings{} // to check the value
	}
	if r.set(to, v) != nil {
		return []error{r.problem(from.name, shown)}
	}
	if to == s {
		s.mark(r, from)
	}
	return nil
}

const (
	urlEnv    = "FRAISEQL_DATABASE_URL"
	configEnv = "FRAISEQL_CONFIG"
	prefix    = "FRAISEQL_"
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
	names := slices.Clone(known)
	for i := range table {
		names = append(names, table[i].Env)
	}
	return Nearest(strings.ToUpper(name), names, len(prefix))
}

// Nearest is the one of names that name is most likely meant to be, or "" where
// none is near. skip is the length of a beginning that they have in common.
func Nearest(name string, names []string, skip int) string {
	// A third of the letters may be wrong, as far as one typo for three letters
	// still reads as the same word.
	best, most := "", max(2, (len(name)-skip)/3)
	for _, n := range names {
		if d := distance(name, n, most); d <= most {
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
