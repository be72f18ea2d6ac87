package connector

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/parity"
)

// pairs matches what two servers made anew, each for itself: a value of the
// control and the candidate's in its place. They meet only with two databases.
type pairs struct {
	databases [2]string
	since     time.Time
	lag       time.Duration // by which two clocks, or two runs of a statement, may differ

	mu        sync.Mutex
	candidate map[string]string // by the control's value
	control   map[string]string // by the candidate's
	times     map[int64]int64   // control's microseconds to candidate's
}

// maxPairs bounds what is remembered; beyond it values differ.
const maxPairs = 100_000

func newPairs(control, candidate string, lag time.Duration) *pairs {
	return &pairs{
		databases: [2]string{control, candidate}, since: time.Now().Add(-time.Minute), lag: lag,
		candidate: make(map[string]string), control: make(map[string]string), times: make(map[int64]int64),
	}
}

// systemTypes hold numbers that each server gives out for itself.
var systemTypes = map[string]bool{
	"OID": true, "XID": true, "XID8": true, "CID": true, "TID": true, "PG_LSN": true, "REGCLASS": true, "REGTYPE": true, "REGPROC": true, "TXID_SNAPSHOT": true, "PG_SNAPSHOT": true,
}

// explain names the rule under which two cells of a column are the same although
// their values differ.
func (s *side) explain(col column, a, b cell) (string, bool) {
	p := s.m.pairs
	if s.m.writes != MirrorWrites || p == nil || a.null() || b.null() {
		return "", false
	}
	x, y := a.text(), b.text()
	if x == p.databases[0] && y == p.databases[1] {
		return RuleDatabase, true
	}
	p.mu.Lock()
	known := p.candidate[x] == y
	p.mu.Unlock()
	if known {
		return parity.RuleVolatile, true
	}
	switch {
	case isTime(col.typ):
		return parity.RuleVolatile, p.instants(col.typ, x, y)
	case systemTypes[col.typ]:
		return parity.RuleVolatile, p.match(x, y)
	case s.volatileColumn(col.name):
		return parity.RuleVolatile, p.match(x, y)
	}
	return "", false
}

func isTime(typ string) bool {
	return typ == "TIMESTAMPTZ" || typ == "TIMESTAMP" || typ == "DATE" || typ == "TIME" || typ == "TIMETZ"
}

// match takes x and y for one value, unless one of them has met another.
func (p *pairs) match(x, y string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	other, seenX := p.candidate[x]
	_, seenY := p.control[y]
	if seenX || seenY {
		return seenX && other == y
	}
	if len(p.candidate) >= maxPairs {
		return false
	}
	p.candidate[x], p.control[y] = y, x
	return true
}

// instants takes two moments for one: both in the time of this run, and close.
func (p *pairs) instants(typ, x, y string) bool {
	layout := map[string]string{"TIMESTAMPTZ": layoutTimestamp + "Z", "TIMESTAMP": layoutTimestamp, "DATE": layoutDate, "TIME": layoutClock, "TIMETZ": layoutClock + "-07:00:00"}[typ]
	a, errA := time.Parse(layout, x)
	b, errB := time.Parse(layout, y)
	if errA != nil || errB != nil || a.Sub(b).Abs() > p.lag {
		return false
	}
	switch typ {
	case "TIMESTAMPTZ":
		if !p.now(a) || !p.now(b) {
			return false
		}
	case "TIMESTAMP": // a wall clock in a zone that is not known here
		if time.Until(a).Abs() > 15*time.Hour {
			return false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.times) < maxPairs {
		p.times[a.UnixMicro()] = b.UnixMicro()
	}
	return true
}

func (p *pairs) now(t time.Time) bool {
	return t.After(p.since) && t.Before(time.Now().Add(time.Minute))
}

// volatileSQL finds whether a column of that name has values of the server's own
// making: identity, or a default that is no constant.
const volatileSQL = `select 1 from pg_catalog.pg_attribute a join pg_catalog.pg_class r on r.oid = a.attrelid
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attname = $1 and a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p')
	and (a.attidentity <> '' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~* '(nextval|random|uuid|clock_timestamp|now)\(|timestamp|current_|localtime')
limit 1`

// volatileColumn asks the candidate, where its connection is free.
func (s *side) volatileColumn(name string) bool {
	if s.open != nil || s.conn == nil {
		return false
	}
	found := false
	err := s.do(background, func(ctx context.Context, conn driver.Conn) error {
		rows, err := ask(ctx, conn, volatileSQL, name)
		found = len(rows) > 0
		return err
	})
	return err == nil && found
}

// translate gives the candidate its own values where the caller passes on what the
// control has made.
func (m *mirror) translate(args []driver.NamedValue) []driver.NamedValue {
	out := originals(args)
	p := m.pairs
	if m.writes != MirrorWrites || p == nil {
		return out
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, nv := range args {
		a, ok := nv.Value.(arg)
		if !ok {
			a = arg{original: nv.Value, control: nv.Value}
		}
		if v, ok := p.translated(a.control); ok {
			if &out[0] == &args[0] {
				out = append([]driver.NamedValue(nil), out...)
			}
			out[i].Value = v
		}
	}
	return out
}

// translated is the candidate's value for v. Numbers are left alone: the same one
// may mean something else.
func (p *pairs) translated(v driver.Value) (any, bool) {
	switch v := v.(type) {
	case time.Time:
		if us, ok := p.times[v.UnixMicro()]; ok && us != v.UnixMicro() {
			return time.UnixMicro(us).In(v.Location()), true
		}
	case string:
		return p.translatedText(v)
	case []byte:
		if s, ok := p.translatedText(string(v)); ok {
			return []byte(s.(string)), true //nolint:forcetypeassert // it is one
		}
	}
	return nil, false
}

func (p *pairs) translatedText(v string) (any, bool) {
	if v == p.databases[0] && v != "" {
		return p.databases[1], p.databases[0] != p.databases[1]
	}
	if len(v) == 36 && strings.Count(v, "-") == 4 {
		other, ok := p.candidate[v]
		return other, ok
	}
	return nil, false
}
