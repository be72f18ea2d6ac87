package backend

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Set is an ordered list of backends with unique names. The zero Set is empty.
// A Set is immutable and safe for concurrent use.
type Set struct{ list []Backend }

// NewSet returns a Set of list, in that order. It refuses a nil backend, an
// empty name, and a name used twice.
func NewSet(list ...Backend) (Set, error) {
	var s Set
	for i, b := range list {
		if b == nil || b.Name() == "" {
			return Set{}, New("new set", CodeConfiguration, fmt.Errorf("backend %d has no name", i))
		}
		if slices.ContainsFunc(s.list, func(o Backend) bool { return o.Name() == b.Name() }) {
			return Set{}, New("new set", CodeConfiguration, fmt.Errorf("two backends are named %q", b.Name()))
		}
		s.list = append(s.list, b)
	}
	return s, nil
}

// Lookup returns the backend called name. The error names what there is.
func (s Set) Lookup(name string) (Backend, error) {
	for _, b := range s.list {
		if b.Name() == name {
			return b, nil
		}
	}
	if len(s.list) == 0 {
		return nil, New("look up backend", CodeConfiguration, errors.New("there are no backends"))
	}
	return nil, New("look up backend", CodeConfiguration,
		fmt.Errorf("no backend is named %q; there are %s", name, strings.Join(s.Names(), ", ")))
}

// All returns the backends in order. The slice is the caller's.
func (s Set) All() []Backend { return slices.Clone(s.list) }

// Names returns the backends' names in order.
func (s Set) Names() []string {
	names := make([]string, len(s.list))
	for i, b := range s.list {
		names[i] = b.Name()
	}
	return names
}
