package parity

import (
	"path"
	"regexp"
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
}

// Ledger lists the known differences.
func Ledger() []Known { return append([]Known(nil), ledger...) }

// known is the row of the ledger that explains f, or nil.
func (c *comparison) known(f *finding) *Known {
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
			if matches && f.failures[side].SQLState == k.self && (k.self != "" || f.failures[side].Code == "") && f.failures[1-side].SQLState == k.other {
				return k
			}
		}
	}
	return nil
}
