package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNotPreferred is what an Attempt's opener returns (wrapped) when the server is
// not what Attempt.Attrs asks for: the next host is tried.
var ErrNotPreferred = errors.New("the server is not what target_session_attrs asks for")

// Attempt is one try at one host in one way. Backends open it; Config.Connect
// decides which attempts follow each other, alike for every driver.
type Attempt struct {
	Host  Host
	Attrs string // target_session_attrs for this attempt; prefer-standby never appears

	tls       *tls.Config // nil: plain
	direct    bool
	keepAlive time.Duration
	timeout   time.Duration
}

// plan is what one host's attempts look like, built once.
type plan struct {
	host Host
	ways []*tls.Config
}

// Plan is a normalized Config with its certificates loaded, ready to connect.
type Plan struct {
	cfg   Config
	plans map[Host]plan
}

// Plan checks c and loads the files that it names; it never dials.
func (c Config) Plan() (*Plan, error) {
	c, err := c.Normalize()
	if err != nil {
		return nil, err
	}
	p := &Plan{cfg: c, plans: make(map[Host]plan, len(c.Hosts))}
	for _, h := range c.Hosts {
		ways, err := c.TLS.ways(h)
		if err != nil {
			return nil, New("configure", CodeConfiguration, err)
		}
		p.plans[h] = plan{h, ways}
	}
	return p, nil
}

// Config is the normalized configuration.
func (p *Plan) Config() Config { return p.cfg }

// ways are the TLS configurations to try for h in order; nil is plain text.
func (t TLS) ways(h Host) ([]*tls.Config, error) {
	if h.unix() || t.Mode == "disable" {
		return []*tls.Config{nil}, nil
	}
	c, err := t.config(h)
	if err != nil {
		return nil, err
	}
	switch t.Mode {
	case "allow":
		return []*tls.Config{nil, c}, nil
	case "prefer":
		return []*tls.Config{c, nil}, nil
	}
	return []*tls.Config{c}, nil
}

// Connect tries the hosts until open succeeds. As in libpq (PostgreSQL
// documentation, "Specifying Multiple Hosts"), a server that refuses the login
// ends the search, and prefer-standby is a second round without the wish.
func Connect[C any](ctx context.Context, p *Plan, open func(context.Context, Attempt) (C, error)) (C, error) {
	var none C
	rounds := []string{p.cfg.TargetSessionAttrs}
	if rounds[0] == "prefer-standby" {
		rounds = []string{"standby", "any"}
	}
	var errs []error
	for _, attrs := range rounds {
		for _, h := range p.cfg.order() {
			conn, err, last := connectHost(ctx, p, h, attrs, open)
			if err == nil {
				return conn, nil
			}
			errs = append(errs, fmt.Errorf("%s: %w", h.Label(), err))
			if last || ctx.Err() != nil {
				return none, errors.Join(errs...)
			}
		}
	}
	return none, errors.Join(errs...)
}

// connectHost tries one host with and without TLS as sslmode says; last reports
// that no other host may be tried.
func connectHost[C any](ctx context.Context, p *Plan, h Host, attrs string, open func(context.Context, Attempt) (C, error)) (conn C, err error, last bool) { //nolint:revive // err is not last: the flag belongs to it
	ctx, cancel := context.WithTimeout(ctx, p.cfg.ConnectTimeout)
	defer cancel()
	for i, way := range p.plans[h].ways {
		a := Attempt{
			Host: h, Attrs: attrs,
			tls: way, direct: p.cfg.TLS.Direct, keepAlive: p.cfg.KeepAlive, timeout: p.cfg.ConnectTimeout,
		}
		var e error
		conn, e = open(ctx, a)
		if e == nil {
			return conn, nil, false
		}
		// The second way's error only says that the fallback failed too.
		if i == 0 || errors.Is(err, ErrTLSRefused) {
			err = e
		}
		var dial *net.OpError
		if errors.Is(e, ErrNotPreferred) || ctx.Err() != nil || (errors.As(e, &dial) && dial.Op == "dial") {
			return conn, err, false
		}
	}
	state := SQLStateOf(err)
	return conn, err, strings.HasPrefix(state, "28") || state == "3D000" || state == "42501"
}

// Label names the host for operators, such as db.internal:5432; clients never see it.
func (h Host) Label() string {
	_, address := h.address()
	return address
}

func (h Host) address() (network, address string) {
	port := strconv.Itoa(int(h.port()))
	switch {
	case h.Addr != "":
		return "tcp", net.JoinHostPort(h.Addr, port)
	case h.unix():
		return "unix", filepath.Join(h.Name, ".s.PGSQL."+port)
	}
	return "tcp", net.JoinHostPort(h.Name, port)
}

// Dial opens the attempt's network connection, protected by TLS where the attempt
// says so. It is bounded by ctx and by ConnectTimeout, whichever ends first.
func (a Attempt) Dial(ctx context.Context) (net.Conn, error) {
	network, address := a.Host.address()
	return a.dial(ctx, network, address)
}

// Redial opens a second connection to the server at the other end of first: a
// cancel request must not go where the name points to by now.
func (a Attempt) Redial(ctx context.Context, first net.Conn) (net.Conn, error) {
	network, address := a.Host.address()
	if remote := first.RemoteAddr(); network == "tcp" && remote != nil {
		address = remote.String()
	}
	return a.dial(ctx, network, address)
}

func (a Attempt) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: a.keepAlive > 0, Idle: a.keepAlive, Interval: a.keepAlive, Count: 3,
	}}
	if a.keepAlive < 0 {
		d.KeepAlive = -1
	}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil || a.tls == nil {
		return conn, err
	}
	// The deadline covers the plain exchange that comes before the handshake.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	secure, err := startTLS(ctx, conn, a.tls, a.direct)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}
