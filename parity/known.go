package parity

import (
	"path"
	"regexp"

	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// Known is a difference of the drivers that the seam does not take away, and that
// is accepted for good: the ledger. Each row was measured, says why it is accepted
// and where that is written. A difference that a row explains counts as equal by
// rule, under "known: NAME".
type Known struct {
	Name   string
	Mode   string // pattern (path.Match) of backend/mode of the side that is different
	Reason string
	Source string

	sql         *regexp.Regexp // of the statement; nil: any
	self, other string         // SQLSTATE of the side that is different, and of the other; "" is success
	miscounted  bool           // self is no success but an error of the driver's own: it has counted the arguments
}

// ledger is the table. It is short, because the seam makes the drivers alike.
var ledger = []Known{
	{
		Name: "simple protocol takes SET with an argument", Mode: "pgx/simple_protocol",
		Reason: "arguments are pasted into the text as quoted literals, so SET takes one; the mode is for poolers that can do nothing else",
		Source: "pgx 5.12.0, QueryExecModeSimpleProtocol",
		sql:    regexp.MustCompile(`(?i)^\s*set\s`), self: "", other: "42601",
	},
	{
		Name: "simple protocol needs no parameter type", Mode: "pgx/simple_protocol",
		Reason: "a quoted literal needs no parameter type, so a statement that the other modes refuse runs",
		Source: "pgx 5.12.0, QueryExecModeSimpleProtocol",
		self:   "", other: "42P18",
	},
	{
		Name: "pgx counts the arguments itself", Mode: "pgx/*",
		Reason: "the modes that know of the placeholders (cache_describe, describe_exec, simple_protocol) refuse a wrong number of arguments and ask no server, whose transaction goes on; the others get its 08P01: an internal error in every mode",
		Source: "pgx 5.12.0, ExtendedQueryBuilder and sanitize.SanitizeSQL",
		other:  "08P01", miscounted: true,
	},
	{
		Name: "pq counts the arguments itself", Mode: "pq/default",
		Reason: "a prepared statement of lib/pq refuses a wrong number of arguments and asks no server, whose transaction goes on; it answers 08P01 to the other modes: an internal error in every mode",
		Source: "lib/pq 1.12.3, stmt.exec",
		other:  "08P01", miscounted: true,
	},
}

// Ledger lists the known differences.
func Ledger() []Known { return append([]Known(nil), ledger...) }

// explains says that side of f is what k is about.
func (k *Known) explains(f *finding, side int) bool {
	self, other := f.failures[side], f.failures[1-side]
	if self.SQLState != k.self || other.SQLState != k.other {
		return false
	}
	if k.miscounted { // an error without SQLSTATE may be anything: the statement has to say so
		return self.Code != "" && self.Code == other.Code && sqltext.Parse(f.sql).Params != f.given
	}
	return k.self != "" || self.Code == ""
}

// known is the row of the ledger that explains f, or nil.
func (c *comparison) known(f *finding) *Known {
	if f.Kind == DiffState { // a server that was not asked has not failed the transaction
		for _, g := range c.found {
			if g.Kind == DiffError && g.step == f.step && g.sql == f.sql && g.sql != "" {
				if k := c.known(g); k != nil && k.miscounted {
					return k
				}
			}
		}
		return nil
	}
	if f.Kind != DiffError {
		return nil
	}
	for n := range ledger {
		k := &ledger[n]
		if c.h != nil && c.h.without == k.Name || k.sql != nil && !k.sql.MatchString(f.sql) {
			continue
		}
		for side := range c.modes {
			matches, _ := path.Match(k.Mode, c.modes[side]) // the patterns are ours
			if matches && k.explains(f, side) {
				return k
			}
		}
	}
	return nil
}
