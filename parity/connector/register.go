package connector

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
)

// DriverName is the name that Register gives to database/sql.
const DriverName = "fraiseql-parity"

var registering sync.Once

// Register adds the driver "fraiseql-parity" to database/sql, for code that opens its
// database by a name from its configuration. Reports go to h. backends are further
// drivers that a DSN may name; those of database/sql it may name anyway. A second
// call panics, as sql.Register does.
//
// The DSN is
//
//	parity:?control=postgres&candidate=pgx&url=postgres%3A%2F%2F…&mode=mirror
//
// with these keys, each at most once and their values escaped as in any URL:
//
//	control        the driver that answers: a name of database/sql ("postgres" is lib/pq,
//	               "pgx" is pgx) or backend:NAME for one of backends ("backend:pgx/exec")
//	candidate      the driver that is compared; only with mode=mirror
//	url            the control's own DSN
//	candidate_url  the candidate's; without it url is
//	mode           mirror (compare) or record (write a corpus)
//	file           mode=record: the corpus; mode=mirror: one JSON line for each report,
//	               without values of rows. The file is appended to.
//	writes         skip, mirror, rollback or describe (see Writes); without it skip
//	types          strict: see WithStrictTypes
//	timeout        see WithTimeout, as "5s"
//	queue          lines that wait for the file (see WithRecord)
func Register(h *parity.Harness, backends ...backend.Backend) {
	again := true
	registering.Do(func() {
		again = false
		sql.Register(DriverName, &registered{h: h, backends: slices.Clone(backends)})
	})
	if again {
		panic("connector: Register called twice")
	}
}

// registered is the driver of database/sql.
type registered struct {
	h        *parity.Harness
	backends []backend.Backend
}

var _ driver.DriverContext = (*registered)(nil)

// Open opens one connection; database/sql uses OpenConnector.
func (r *registered) Open(dsn string) (driver.Conn, error) {
	c, err := r.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

// OpenConnector reads a DSN. Errors never show the DSNs inside it.
func (r *registered) OpenConnector(dsn string) (driver.Connector, error) {
	c, err := r.open(dsn)
	if err != nil {
		return nil, backend.New("open "+DriverName, backend.CodeConfiguration, err)
	}
	return c, nil
}

var keys = []string{"control", "candidate", "url", "candidate_url", "mode", "file", "writes", "types", "timeout", "queue"}

func (r *registered) open(dsn string) (*Connector, error) {
	query, ok := strings.CutPrefix(dsn, "parity:?")
	if !ok {
		return nil, errors.New("a DSN begins with parity:?")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("the DSN's keys and values are not escaped as in a URL")
	}
	for key, list := range values {
		if !slices.Contains(keys, key) {
			return nil, fmt.Errorf("key %q is none of %s", key, strings.Join(keys, ", "))
		}
		if len(list) > 1 {
			return nil, fmt.Errorf("key %q is given %d times", key, len(list))
		}
	}
	options, err := r.options(values)
	if err != nil {
		return nil, err
	}
	control, err := r.named(values.Get("control"), values.Get("url"))
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	var candidate driver.Connector
	if values.Get("mode") == "mirror" {
		at := values.Get("candidate_url")
		if at == "" {
			at = values.Get("url")
		}
		if candidate, err = r.named(values.Get("candidate"), at); err != nil {
			return nil, fmt.Errorf("candidate: %w", err)
		}
	}
	options, err = file(values, options) // last: nothing is opened for a DSN that is wrong
	if err != nil {
		return nil, err
	}
	return New(control, candidate, r.h, options...), nil
}

// options are those that need nothing to be opened.
func (r *registered) options(values url.Values) ([]Option, error) {
	o := []Option{WithNames(values.Get("control"), values.Get("candidate"))}
	switch values.Get("mode") {
	case "mirror":
		if values.Has("queue") {
			return nil, errors.New("queue goes with mode=record")
		}
	case "record":
		for _, key := range []string{"candidate", "candidate_url", "writes", "types", "timeout"} {
			if values.Has(key) {
				return nil, fmt.Errorf("%s goes with mode=mirror", key)
			}
		}
		if values.Get("file") == "" {
			return nil, errors.New("mode=record needs a file")
		}
	default:
		return nil, fmt.Errorf("mode is %q; it takes mirror or record", values.Get("mode"))
	}
	if values.Has("writes") {
		i := slices.Index(writesNames[:], values.Get("writes"))
		if i < 0 {
			return nil, fmt.Errorf("writes is %q; it takes %s", values.Get("writes"), strings.Join(writesNames[:], ", "))
		}
		o = append(o, WithWrites(Writes(i)))
	}
	if values.Has("types") {
		if values.Get("types") != "strict" {
			return nil, fmt.Errorf("types is %q; it takes strict", values.Get("types"))
		}
		o = append(o, WithStrictTypes())
	}
	if values.Has("timeout") {
		d, err := time.ParseDuration(values.Get("timeout"))
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("timeout is %q; it takes a duration such as 5s", values.Get("timeout"))
		}
		o = append(o, WithTimeout(d))
	}
	return o, nil
}

// file opens the file of a DSN, to be appended to and read by its owner only: SQL and
// arguments are in a corpus.
func file(values url.Values, o []Option) ([]Option, error) {
	if !values.Has("file") {
		return o, nil
	}
	queue := 0
	if values.Has("queue") {
		if _, err := fmt.Sscanf(values.Get("queue"), "%d", &queue); err != nil || queue < 1 {
			return nil, fmt.Errorf("queue is %q; it takes a number of lines", values.Get("queue"))
		}
	}
	f, err := os.OpenFile(values.Get("file"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	if values.Get("mode") == "record" {
		return append(o, WithRecord(f, queue)), nil
	}
	return append(o, WithReports(f)), nil
}

// named is a connector of the driver that a DSN calls name.
func (r *registered) named(name, dsn string) (driver.Connector, error) {
	if name == "" {
		return nil, errors.New("no driver is named")
	}
	if dsn == "" {
		return nil, errors.New("no url is given")
	}
	if want, ok := strings.CutPrefix(name, "backend:"); ok {
		for _, b := range r.backends {
			if b.Name() == want || backend.ModeOf(b) == want {
				cfg, err := backend.ParseDSN(dsn, os.Getenv)
				if err != nil {
					return nil, err
				}
				return b.Connector(cfg)
			}
		}
		return nil, fmt.Errorf("no backend %q was given to Register", want)
	}
	if name == DriverName || !slices.Contains(sql.Drivers(), name) {
		return nil, fmt.Errorf("no driver %q is registered; there are %s", name, strings.Join(slices.DeleteFunc(sql.Drivers(), func(s string) bool { return s == DriverName }), ", "))
	}
	db, err := sql.Open(name, "")
	if err != nil { // a driver that reads its DSN at once, and takes no empty one
		if db, err = sql.Open(name, dsn); err != nil {
			return nil, errors.New("its driver refuses the url")
		}
	}
	d := db.Driver()
	if err := db.Close(); err != nil {
		return nil, fmt.Errorf("look up the driver %q: %w", name, err)
	}
	if dc, ok := d.(driver.DriverContext); ok {
		c, err := dc.OpenConnector(dsn)
		if err != nil {
			return nil, errors.New("its driver refuses the url")
		}
		return c, nil
	}
	return byName{d, dsn}, nil
}

// byName opens connections of a driver without connectors.
type byName struct {
	driver driver.Driver
	dsn    string
}

// Connect never shows the DSN: a driver that reads it now may quote it.
func (b byName) Connect(context.Context) (driver.Conn, error) {
	c, err := b.driver.Open(b.dsn)
	if _, is := errors.AsType[*url.Error](err); is || err != nil && strings.Contains(err.Error(), b.dsn) {
		return nil, backend.New("connect "+DriverName, backend.CodeConfiguration, errors.New("the driver refuses the url"))
	}
	return c, err
}

func (b byName) Driver() driver.Driver { return b.driver }
