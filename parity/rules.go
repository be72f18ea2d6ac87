package parity

import (
	"strings"

	"github.com/fraiseql/fraiseql-go/builder"
	"github.com/fraiseql/fraiseql-go/codec"
)

// Rule is a normalization beyond the canonical form of a value. It is counted in
// the Report whenever two observations are equal only through it.
type Rule struct {
	Name    string // in Report.Rules
	Why     string
	Applies string // to what
}

// The names of the rules.
const (
	// RuleBag: rows whose order the statement does not fix came in another order.
	RuleBag = "row order"
	// RuleVolatile: a value that each execution makes anew (identity, sequence,
	// now(), random) differed, and was matched by where it first appeared.
	RuleVolatile = "volatile value"
	// RuleRunTime: a moment that both sides took from their own clock while the run
	// lasted differed. Only where the two have databases of their own.
	RuleRunTime = "time of the run"
	// RuleOwn: two databases differ in what each has of its own: its name, numbers of
	// transactions and of things that were made in it.
	RuleOwn = "own to each database"
	// RuleKeyOrder: the members of a JSON object came in another order.
	RuleKeyOrder = "json key order"
	// RuleParser: a notice that PostgreSQL gives when it parses came on one side
	// only, where the other had the statement prepared already.
	RuleParser = "notice of the parser"
)

// rules is the table: what is not in it is never forgiven, but for an Ignore and a
// Known difference, which are counted under names of their own.
var rules = []Rule{
	{
		Name: RuleBag, Applies: "the rows of a statement that is not Ordered",
		Why: "SQL fixes no order of rows without a complete ORDER BY; they are matched as a bag",
	},
	{
		Name: RuleVolatile, Applies: "Volatile columns of a write's rows, and later values that refer to one",
		Why: "each execution makes such a value anew; the first on each side is number one, and from then on they must stay together",
	},
	{
		Name: RuleRunTime, Applies: "timestamp and timestamptz, in NewSeparateRunner only",
		Why: "two databases have two clocks; both moments must lie in the run",
	},
	{
		Name: RuleOwn, Applies: "the database's name, xid, xid8, pg_lsn, oid from 16384 on, and numbers of types that nobody knows, in NewSeparateRunner only",
		Why: "each database counts by itself; a number on one side stands for one on the other, the same throughout a column of an operation",
	},
	{
		Name: RuleKeyOrder, Applies: "json and jsonb",
		Why: "the members of a JSON object have no order; the texts must be equally long, so that nothing else has changed",
	},
	{
		Name: RuleParser, Applies: "notices of SQLSTATE 42622, a name that is cut",
		Why: "they come when a statement is parsed, and how often that is depends on who prepared it before",
	},
}

// Rules lists the rules in the order of the documentation.
func Rules() []Rule { return append([]Rule(nil), rules...) }

// may says whether the rule is in force. All are, but in the tests that take one
// out to see that it is needed.
func (c *comparison) may(rule string) bool { return c.h == nil || c.h.without != rule }

// excuse is the rule by which the cells a (control) and b (candidate) of a column,
// which differ, count as equal; "" where there is none.
func (c *comparison) excuse(statement string, col builder.Column, a, b string) string {
	switch {
	case c.apart != nil && isMoment(col) && c.may(RuleRunTime) && c.apart.during(strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v")):
		return RuleRunTime
	case c.apart != nil && c.may(RuleOwn) && c.own(statement, col, a, b):
		return RuleOwn
	case c.may(RuleVolatile) && c.same(statement, col, a, b):
		return RuleVolatile
	case isDocument(col) && c.may(RuleKeyOrder) && a != "n" && b != "n" && sameDocument(a[1:], b[1:]):
		return RuleKeyOrder
	}
	return ""
}

// isDocument says that a column holds JSON.
func isDocument(col builder.Column) bool {
	return col.Type != nil && col.Type.Kind().Has(codec.KindJSON|codec.KindJSONB)
}
