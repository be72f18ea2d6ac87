package connector

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/parity"
	"github.com/fraiseql/fraiseql-go/parity/internal/sqltext"
)

// Connector opens the control's connections for database/sql, each with what is
// beside it. Make one with New; (*sql.DB).Close closes it.
type Connector struct {
	control  driver.Connector
	mirror   *mirror // nil: nothing is mirrored
	recorder *recorder
	reports  *reportFile
	texts    *lru.Cache[string, *sqltext.Text]
	conns    atomic.Uint64
	txs      atomic.Uint64
}

var (
	_ driver.Connector = (*Connector)(nil)
	_ io.Closer        = (*Connector)(nil)
)

// New makes a Connector whose connections are control's, and which reports to h
// how candidate's compare. With candidate or h nil nothing is compared: see WithRecord.
// What else is missing or unknown is the error of every Connect.
//
// Both connectors are used as database/sql would use them, so the candidate is the
// driver that a program would have after the change, with its own conversions of
// arguments.
func New(control, candidate driver.Connector, h *parity.Harness, o ...Option) *Connector {
	s := settings{timeout: 5 * time.Second, maxDiffs: 10, maxBytes: 64 << 20}
	for _, option := range o {
		if option != nil {
			option.apply(&s)
		}
	}
	switch {
	case control == nil:
		control = broken{errors.New("the control is nil")}
	case s.missing != "":
		control = broken{errors.New(s.missing)}
	case int(s.writes) >= len(writesNames):
		control = broken{fmt.Errorf("there is no Writes(%d)", s.writes)}
	}
	cache, err := lru.New[string, *sqltext.Text](1000)
	if err != nil {
		panic(err) // its size is positive
	}
	c := &Connector{control: control, texts: cache}
	if candidate != nil && h != nil {
		c.mirror = &mirror{
			control: control, candidate: candidate, h: h,
			writes: s.writes, strictTypes: s.strictTypes, timeout: s.timeout, maxDiffs: s.maxDiffs, maxBytes: s.maxBytes,
			names: [2]string{nameOf(s.names[0], control), nameOf(s.names[1], candidate)}, volatile: make(map[string]bool),
		}
	}
	if s.reports != nil {
		c.reports = &reportFile{w: s.reports}
	}
	if s.record != nil {
		c.recorder = newRecorder(s.record, s.queue)
	}
	return c
}

// broken is the control of a Connector that was made in a way that can't work.
type broken struct{ err error }

func (b broken) Connect(context.Context) (driver.Conn, error) {
	return nil, backend.New("connector", backend.CodeConfiguration, b.err)
}
func (b broken) Driver() driver.Driver            { return b }
func (b broken) Open(string) (driver.Conn, error) { return b.Connect(context.Background()) }

func nameOf(name string, c driver.Connector) string {
	if name != "" {
		return name
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", c.Driver()), "*")
}

// Connect opens a connection of the control. The candidate's is opened when there
// is something to compare.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	control, err := c.control.Connect(ctx)
	if err != nil {
		return nil, err
	}
	w := &conn{control: control, of: c, id: c.conns.Add(1)}
	if c.recorder != nil {
		w.start = startSettings(ctx, control)
	}
	if c.mirror != nil {
		w.m = &side{candidate: candidate{m: c.mirror}, c: w}
	}
	return shapeConn(w), nil
}

// Driver is the control's driver.
func (c *Connector) Driver() driver.Driver { return c.control.Driver() }

// closeLimit bounds how long Close waits for candidates that hang.
const closeLimit = 10 * time.Second

// Close waits for what candidates still run, ends the record, and closes both
// connectors where they can be closed.
func (c *Connector) Close() error {
	var errs []error
	if m := c.mirror; m != nil {
		idle := make(chan struct{})
		go func() { m.running.Wait(); close(idle) }()
		timer := time.NewTimer(closeLimit)
		defer timer.Stop()
		select {
		case <-idle:
		case <-timer.C:
			errs = append(errs, errors.New("a candidate still runs: its connection is given up"))
		}
		if closer, ok := m.candidate.(io.Closer); ok {
			errs = append(errs, closer.Close())
		}
	}
	if c.recorder != nil {
		errs = append(errs, c.recorder.close())
	}
	errs = append(errs, c.reports.close())
	if closer, ok := c.control.(io.Closer); ok {
		errs = append(errs, closer.Close())
	}
	return errors.Join(errs...)
}

// parse is sqltext.Parse, which is remembered.
func (c *Connector) parse(sql string) *sqltext.Text {
	if t, ok := c.texts.Get(sql); ok {
		return t
	}
	t := sqltext.Parse(sql)
	if len(sql) <= 16<<10 {
		c.texts.Add(sql, t)
	}
	return t
}
