package pq

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	libpq "github.com/lib/pq"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/internal/gate"
	"github.com/fraiseql/fraiseql-go/backend/internal/liveness"
)

// Connector checks cfg and returns a connector for database/sql; it never dials.
func (b *Backend) Connector(cfg backend.Config) (driver.Connector, error) {
	plan, err := cfg.Plan()
	if err != nil {
		return nil, backend.Wrap(b, "configure", err)
	}
	cfg = plan.Config()
	oneFlight := b.binaryParameters || cfg.Pooler
	params := maps.Clone(cfg.StartupParameters())
	c := &connector{b: b, plan: plan, caching: !oneFlight && cfg.StatementCacheSize > 0}
	c.base = libpq.Config{
		User: cfg.User, Database: cfg.Database,
		SSLMode:                     libpq.SSLModeDisable, // TLS is below lib/pq
		BinaryParameters:            oneFlight,
		DisablePreparedBinaryResult: true,
		MinProtocolVersion:          libpq.ProtocolVersion30,
		MaxProtocolVersion:          libpq.ProtocolVersion30,
		// A path that can't be: with no password given, lib/pq would look for a
		// password file itself.
		Passfile:        filepath.Join(string(filepath.Separator), "nonexistent", "pgpass"),
		Options:         take(params, "options"),
		ApplicationName: take(params, "application_name"),
		ClientEncoding:  take(params, "client_encoding"),
		Datestyle:       take(params, "datestyle"),
		Runtime:         params,
	}
	return c, nil
}

func take(m map[string]string, key string) string {
	v := m[key]
	delete(m, key)
	return v
}

// connector opens connections for one Config.
type connector struct {
	b       *Backend
	plan    *backend.Plan
	base    libpq.Config
	caching bool
	// epoch counts the stale statements met on any connection: one that is behind
	// drops its cache before its next transaction.
	epoch atomic.Uint64
}

// Connect opens one connection. ctx bounds it together with Config.ConnectTimeout.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, backend.Wrap(c.b, "connect", err)
	}
	conn, err := backend.Connect(ctx, c.plan, c.open)
	if err != nil {
		return nil, backend.Wrap(c.b, "connect", backend.WithContext(ctx, err))
	}
	return conn, nil
}

// Driver returns lib/pq's driver.
func (c *connector) Driver() driver.Driver { return &libpq.Driver{} }

func (c *connector) open(ctx context.Context, a backend.Attempt) (_ *conn, err error) {
	cfg := c.base.Clone()
	cfg.Host, cfg.Port, cfg.Password = a.Host.Name, a.Host.Port, string(a.Host.Password)
	d := &dialer{a: a}
	lc, err := libpq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	lc.Dialer(d)
	// lib/pq minds ctx while it dials; the login after that ends by the deadline.
	dc, err := func() (driver.Conn, error) {
		stop := context.AfterFunc(ctx, d.expire)
		defer stop()
		return lc.Connect(ctx)
	}()
	if err != nil {
		return nil, d.explain(ctx, err)
	}
	inner, ok := dc.(inner)
	if !ok {
		_ = dc.Close()
		return nil, fmt.Errorf("lib/pq returned a connection of type %T", dc)
	}
	x := d.wire.Load()
	if err := errors.Join(ctx.Err(), x.SetDeadline(time.Time{})); err != nil {
		_ = dc.Close()
		return nil, err
	}
	notices, tell := new(gate.Notices), c.plan.Config().OnNotice
	libpq.SetNoticeHandler(dc, func(e *libpq.Error) {
		n := backend.Notice{SQLState: string(e.Code), Fields: fields(e)}
		notices.Add(n)
		if tell != nil {
			tell(n)
		}
	})
	if notified := c.plan.Config().OnNotification; notified != nil {
		libpq.SetNotificationHandler(dc, func(n *libpq.Notification) { notified(n.Channel, n.Extra) })
	}
	cn := &conn{inner: inner, c: c, probe: liveness.New(x.Conn), a: a, x: x, notices: notices, epoch: c.epoch.Load(), used: time.Now()}
	if c.caching {
		cn.cache = newCache(c.plan.Config().StatementCacheSize)
	}
	if err := backend.CheckAttrs(ctx, cn, a.Attrs); err != nil {
		_ = cn.Close()
		return nil, err
	}
	return cn, nil
}

// dialer makes the one network connection of a lib/pq connection.
type dialer struct {
	a    backend.Attempt
	wire atomic.Pointer[wire]
}

var (
	_ libpq.Dialer        = (*dialer)(nil)
	_ libpq.DialerContext = (*dialer)(nil)
)

// DialContext dials, with TLS where the attempt says so, and puts a wire between.
func (d *dialer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	nc, err := d.a.Dial(ctx)
	if err != nil {
		return nil, err
	}
	x := newWire(nc)
	d.wire.Store(x)
	if ctx.Err() != nil {
		d.expire() // the watcher found nothing to expire yet
	}
	return x, nil
}

// Dial is part of lib/pq's Dialer; lib/pq calls DialContext where there is one.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout is part of lib/pq's Dialer; lib/pq calls DialContext where there is one.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// expire makes the login fail now.
func (d *dialer) expire() {
	if x := d.wire.Load(); x != nil {
		_ = x.SetDeadline(time.Unix(1, 0))
	}
}

// explain puts the server's own words in the place of driver.ErrBadConn, and the
// context in that of the deadline that it brought about.
func (d *dialer) explain(ctx context.Context, err error) error {
	if x := d.wire.Load(); x != nil && x.fatal != nil {
		err = x.fatal
	} else if errors.Is(err, driver.ErrBadConn) {
		err = backend.ErrConnectionLost
	}
	return backend.WithContext(ctx, err)
}
