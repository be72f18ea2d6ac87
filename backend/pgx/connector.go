package pgx

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	jackpgx "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

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
	mode := b.mode
	if mode == "" {
		mode = CacheStatement
		if cfg.Pooler {
			mode = Exec
		}
	}
	execMode, ok := modes[mode]
	if !ok {
		return nil, b.misconfigured(fmt.Errorf("mode %q: want one of %v", mode, Modes()))
	}
	if cfg.Pooler && (mode == CacheStatement || mode == DescribeExec) {
		return nil, b.misconfigured(fmt.Errorf("mode %s can't run behind a pooler in transaction mode: use exec", mode))
	}
	c := &connector{b: b, plan: plan, formats: b.formats(plan.Config())}
	c.local = maps.Clone(c.formats)
	for oid := range zoned {
		delete(c.local, oid)
	}
	if c.base, err = baseConfig(); err != nil {
		return nil, b.misconfigured(err)
	}
	cfg = plan.Config()
	p := c.base
	p.User, p.Database = cfg.User, cfg.Database
	p.RuntimeParams = cfg.StartupParameters()
	p.DefaultQueryExecMode = execMode
	p.StatementCacheCapacity, p.DescriptionCacheCapacity = max(cfg.StatementCacheSize, 0), max(cfg.StatementCacheSize, 0)
	if p.StatementCacheCapacity == 0 { // without a cache these two modes are errors in pgx
		switch execMode {
		case jackpgx.QueryExecModeCacheStatement:
			p.DefaultQueryExecMode = jackpgx.QueryExecModeDescribeExec
		case jackpgx.QueryExecModeCacheDescribe:
			p.DescriptionCacheCapacity = backend.DefaultStatementCacheSize // holds no server resource
		default: // the others use none
		}
	}
	if c.room = p.StatementCacheCapacity; c.room > 1 {
		// What goes by way of database/sql alone is in pgx's own cache: a fifth of it.
		p.StatementCacheCapacity = max(1, c.room/5)
		c.room -= p.StatementCacheCapacity
	}
	if c.room > 0 {
		c.formatsOf, _ = lru.New[string, []int16](maxFormats) // fails for a size below 1 only
	}
	p.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	if notified := cfg.OnNotification; notified != nil {
		p.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { notified(n.Channel, n.Payload) }
	}
	return c, nil
}

func (b *Backend) misconfigured(err error) error {
	return &backend.Error{Op: "configure", Backend: b.Name(), Code: backend.CodeConfiguration, Err: err}
}

// maxFormats bounds the statements whose formats are known to all connections: some
// hundred bytes each.
const maxFormats = 4096

// lastBuiltin is the end of the OIDs that PostgreSQL gives out itself
// (FirstGenbkiObjectId in access/transam.h): beyond it types differ by database.
const lastBuiltin = 9999

// zoned are the types whose text depends on TimeZone: their binary values can be
// decoded to the server's text only under UTC.
var zoned = map[uint32]bool{
	1184: true, 1185: true, // timestamptz
	3910: true, 3911: true, // tstzrange
	4534: true, 6153: true, // tstzmultirange
}

// formats is which columns come in binary.
func (b *Backend) formats(cfg backend.Config) jackpgx.QueryResultFormatsByOID {
	m := jackpgx.QueryResultFormatsByOID{}
	if b.binary == nil {
		return m
	}
	utc := isUTC(cfg.Session["timezone"])
	for oid := uint32(1); oid <= lastBuiltin; oid++ {
		if b.binary(oid) && (utc || !zoned[oid]) {
			m[oid] = 1
		}
	}
	return m
}

func isUTC(zone string) bool {
	switch strings.ToUpper(zone) {
	case "UTC", "ETC/UTC":
		return true
	}
	return false
}

// connector opens connections for one Config.
type connector struct {
	b       *Backend
	plan    *backend.Plan
	base    *jackpgx.ConnConfig
	room    int // for the statements of a conn
	formats jackpgx.QueryResultFormatsByOID
	local   jackpgx.QueryResultFormatsByOID // where the TimeZone is not UTC
	// formatsOf are those of the columns of reads that any connection has prepared, by
	// their text; see fresh. nil: nothing is kept.
	formatsOf *lru.Cache[string, []int16]
	// epoch counts the stale statements met on any connection: one that is behind
	// drops its cache before its next transaction.
	epoch  atomic.Uint64
	ending ending
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

// Driver returns pgx's driver.
func (c *connector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

func (c *connector) open(ctx context.Context, a backend.Attempt) (*conn, error) {
	cfg := c.base.Copy()
	cfg.Host, cfg.Port, cfg.Password = a.Host.Name, a.Host.Port, string(a.Host.Password)
	if cfg.Host == "" {
		cfg.Host = a.Host.Addr
	}
	// pgx dials again to cancel: then the server that answered is meant.
	var first atomic.Pointer[net.Conn]
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if f := first.Load(); f != nil {
			return a.Redial(ctx, *f)
		}
		nc, err := a.Dial(ctx)
		if err == nil {
			first.Store(&nc)
		}
		return nc, err
	}
	notices, tell := new(gate.Notices), c.plan.Config().OnNotice
	cfg.OnNotice = func(_ *pgconn.PgConn, e *pgconn.Notice) {
		n := backend.Notice{SQLState: e.Code, Fields: fields((*pgconn.PgError)(e))}
		notices.Add(n)
		if tell != nil {
			tell(n)
		}
	}
	dc, err := stdlib.GetConnector(*cfg).Connect(ctx)
	if err != nil {
		return nil, err
	}
	sc, ok := dc.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("pgx returned a connection of type %T", dc)
	}
	if err := backend.CheckAttrs(ctx, sc, a.Attrs); err != nil {
		_ = sc.Close()
		return nil, err
	}
	return &conn{Conn: sc, c: c, probe: liveness.New(sc.Conn().PgConn().Conn()), notices: notices, epoch: c.epoch.Load()}, nil
}

// baseConfig is a configuration with nothing of the environment in it. pgx accepts
// only what its own parser made, and that parser reads PG* variables, so every
// key with a variable is given here; PGSERVICE can't be overridden with nothing, so
// it is overridden with an empty service.
func baseConfig() (*jackpgx.ConnConfig, error) {
	// A socket's directory as the host: TLS files are not looked at then.
	dsn := "host=/nonexistent port=5432 user=none password=none dbname=none sslmode=disable sslcertmode=allow " +
		"target_session_attrs=any connect_timeout=10 min_protocol_version=3.0 max_protocol_version=3.0 " +
		"channel_binding=prefer require_auth='' passfile='' sslnegotiation=postgres"
	if os.Getenv("PGSERVICE") != "" {
		f, err := os.CreateTemp("", "pg_service_*.conf")
		if err != nil {
			return nil, fmt.Errorf("shield pgx from PGSERVICE: %w", err)
		}
		defer func() { _ = os.Remove(f.Name()) }()
		if _, err := f.WriteString("[none]\n"); err != nil {
			return nil, fmt.Errorf("shield pgx from PGSERVICE: %w", err)
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("shield pgx from PGSERVICE: %w", err)
		}
		dsn += fmt.Sprintf(" service=none servicefile='%s'", strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(f.Name()))
	}
	cfg, err := jackpgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("make an empty pgx configuration: %w", err)
	}
	// Both are bounded by the attempt already.
	cfg.ConnectTimeout = time.Duration(0)
	return cfg, nil
}
