package backend

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Setting is one run-time parameter.
type Setting struct{ Name, Value string }

// pinned are the parameters that the wire decoders rely on, or that change the
// meaning of text on one driver alone. Their value is the same in every session on
// every backend and nobody may change it:
// lib/pq 1.12.3 forces the first two only, pgx 5.12.0 forces none, so a role with
// client_encoding LATIN1 makes pgx store double-encoded text without an error.
var pinned = map[string]string{
	"client_encoding":             "UTF8",
	"datestyle":                   "ISO, MDY",
	"intervalstyle":               "postgres",
	"extra_float_digits":          "1",
	"bytea_output":                "hex",
	"standard_conforming_strings": "on",
}

// defaults are set alike on both backends unless the configuration says otherwise.
var defaults = map[string]string{
	"timezone":    "UTC",
	"lc_monetary": "C",
}

// poolerForwards are the start-up parameters that PgBouncer tracks and forwards
// (measured on 1.18.0); any other one is refused by it with 08P01.
var poolerForwards = map[string]bool{
	"client_encoding": true, "datestyle": true, "timezone": true,
	"standard_conforming_strings": true, "application_name": true,
}

// DefaultSession is a copy of the run-time parameters that every session has,
// by lower-case name; those for which Pinned is true can't be changed.
func DefaultSession() map[string]string {
	m := maps.Clone(defaults)
	maps.Copy(m, pinned)
	return m
}

// Pinned reports whether the run-time parameter called name (any letter case) has
// a value that can't be changed.
func Pinned(name string) bool {
	_, ok := pinned[strings.ToLower(name)]
	return ok
}

// SamePinned reports whether value is, in another spelling perhaps, the one that the
// parameter called name has; false where it is not Pinned.
func SamePinned(name, value string) bool {
	name = strings.ToLower(name)
	want, fixed := pinned[name]
	return fixed && samePinned(name, value, want)
}

// session merges the defaults, Session and ApplicationName.
func (c Config) session() (map[string]string, error) {
	m := DefaultSession()
	for name, value := range c.Session {
		key := strings.ToLower(name)
		if err := checkParameter(key, value); err != nil {
			return nil, err
		}
		if want, fixed := pinned[key]; fixed {
			if !samePinned(key, value, want) {
				return nil, fmt.Errorf("%s is pinned to %q and can't be %q", key, want, value)
			}
			continue
		}
		m[key] = value
	}
	if c.ApplicationName != "" {
		m["application_name"] = c.ApplicationName
	}
	return m, nil
}

// samePinned compares as the server would: UTF-8, unicode and UTF8 are one
// encoding, letter case and blanks do not count.
func samePinned(name, got, want string) bool {
	fold := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == ' ' || r == '-' || r == '_' {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	g, w := fold(got), fold(want)
	if name == "client_encoding" && g == "unicode" {
		return true
	}
	if name == "standard_conforming_strings" {
		return g == "on" || g == "true" || g == "yes" || g == "1"
	}
	return g == w || (name == "datestyle" && (g == "iso" || g == "iso,us" || g == "mdy,iso"))
}

// StartupParameters are the run-time parameters of a normalized c that go into the
// start-up message.
func (c Config) StartupParameters() map[string]string {
	m := make(map[string]string, len(c.Session)+1)
	for name, value := range c.Session {
		if !c.Pooler || poolerForwards[name] {
			m[name] = value
		}
	}
	if c.Options != "" {
		m["options"] = c.Options
	}
	return m
}

// TransactionSettings are the run-time parameters of a normalized c that the
// start-up message could not carry, by name. The executor sets them with
// set_config(name, value, true) at the start of each transaction. None without
// Pooler.
func (c Config) TransactionSettings() []Setting {
	if !c.Pooler {
		return nil
	}
	var list []Setting
	for _, name := range slices.Sorted(maps.Keys(c.Session)) {
		if !poolerForwards[name] {
			list = append(list, Setting{name, c.Session[name]})
		}
	}
	return list
}
