package flags

import (
	"fmt"
	"slices"
	"strings"
)

// File is what a configuration file says of settings. Package config reads one.
type File struct {
	// Name is how messages call the file: "fraiseql.yaml".
	Name string
	// Values are its settings, in the file's order.
	Values []FileValue
}

// FileValue is one setting of a File.
type FileValue struct {
	// Key is the name of the setting's flag: "db-max-connections".
	Key string
	// Line is where the value is, from 1.
	Line int
	// Text is the value as it was written; "" for a list.
	Text string
	// Items are the members of a list. It is nil where there is none; an empty list
	// is one.
	Items []string
}

// source says where a value came from.
type source struct {
	text string // "environment DATABASE_URL"
	name string // "DATABASE_URL", as an Error names the setting
}

// Origin says where the value of a setting came from: "default", "environment
// DATABASE_URL", "fraiseql.yaml:12" or "flag --addr". env is the setting's
// variable. What Go code has put in is not known of.
func (s *Settings) Origin(env string) string {
	if from, ok := s.origins[env]; ok {
		return from.text
	}
	return "default"
}

// given says whether a flag, the environment or the file has set env.
func (s *Settings) given(env string) bool {
	_, ok := s.origins[env]
	return ok
}

// mark notes where r came from.
func (s *Settings) mark(r *Setting, from source) {
	if s.origins == nil {
		s.origins = map[string]source{}
	}
	s.origins[r.Env] = from
	if r.Env == urlEnv {
		s.DatabaseURLFrom, _, _ = strings.Cut(from.name, ": ") // of a file, the line
	}
}

// nameOf is how an Error names r: as it was given.
func (s *Settings) nameOf(r *Setting) string {
	if from, ok := s.origins[r.Env]; ok {
		return from.name
	}
	return r.Env
}

// takeFile sets what f says and nothing stronger has said.
func (s *Settings) takeFile(f File) (problems []error) {
	lines := map[string]int{}
	for _, v := range f.Values {
		at := fmt.Sprintf("%s:%d", f.Name, v.Line)
		name := at + ": " + v.Key
		problem := func(format string, args ...any) {
			problems = append(problems, &Error{Name: name, Problem: fmt.Sprintf(format, args...)})
		}
		i := slices.IndexFunc(table, func(r Setting) bool { return r.Flag == v.Key })
		switch {
		case i < 0:
			problem("unknown setting%s", meant(v.Key))
			continue
		case table[i].Env == configEnv:
			problem("a file cannot name the file that is read; use --config or " + configEnv)
			continue
		case lines[v.Key] > 0:
			problem("is on line %d already", lines[v.Key])
			continue
		}
		lines[v.Key] = v.Line
		r := &table[i]
		text, shown := v.Text, v.Text
		if v.Items != nil {
			text, shown = showList(v.Items), "["+strings.Join(v.Items, ", ")+"]"
			if !r.List {
				problems = append(problems, r.problem(name, shown))
				continue
			}
		}
		problems = append(problems, s.take(r, text, shown, source{at, name})...)
	}
	return problems
}

// meant is a hint at the key that key is most likely meant to be, or "".
func meant(key string) string {
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].Flag
		if key == table[i].Env {
			return "; write " + table[i].Flag + ", the name of its flag"
		}
	}
	if near := Nearest(strings.ReplaceAll(strings.ToLower(key), "_", "-"), names, 0); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
