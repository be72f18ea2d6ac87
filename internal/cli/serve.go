package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/internal/pgembed"

	fraiseql "github.com/fraiseql/fraiseql-go"
)

func newServe(a *app) *cobra.Command {
	printConfig, asJSON := false, false
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve GraphQL and JSON definitions over HTTP",
		Long: `Answers GraphQL at /graphql and JSON definitions at /definitions, from the database
that --database-url or DATABASE_URL names. Where none is named it serves sample
data from a PostgreSQL of its own, which ends with it. Prints one line with the
address to standard output when it is ready.

SIGINT and SIGTERM end it, after the requests that are running; a second one kills
it. SIGHUP reads the schema of the database again.

More settings (JWT, limits of documents, pool) are in ` + "`fraiseql help settings`.",
		Example: `  fraiseql serve --graphiql
  fraiseql serve --addr 127.0.0.1:0 --admin-addr 127.0.0.1:0
  fraiseql serve --print-config`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case printConfig:
				return a.printConfig(asJSON)
			case asJSON:
				return usage("--json goes with --print-config")
			}
			return a.serve(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&printConfig, "print-config", false, "show every setting with its value and where that came from, and serve nothing")
	f.BoolVar(&asJSON, "json", false, "with --print-config: print JSON instead of a table")
	cmd.SetHelpFunc(func(c *cobra.Command, args []string) {
		for _, row := range flags.Table() {
			if row.Group == "Server" || row.Group == "GraphQL" {
				c.Root().PersistentFlags().Lookup(row.Flag).Hidden = false
			}
		}
		c.Root().HelpFunc()(c, args)
	})
	return cmd
}

// gcPercent is GOGC of serve where the environment has none.
const gcPercent = 80

// serve answers requests until ctx ends.
func (a *app) serve(ctx context.Context) (err error) {
	if a.getenv("GOGC") == "" {
		// Most of the heap is the schema, which never changes, and little is thrown away
		// for each request: a little less than Go's default keeps a busy server with a
		// schema of a dozen tables at 40 MB.
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	s := *a.settings
	if s.DatabaseURL == "" {
		dsn, stop, err := a.sampleServer(ctx)
		if err != nil {
			return err
		}
		defer func() { a.tidy("the throw-away PostgreSQL", stop()) }()
		s.DatabaseURL = dsn
	}
	options := []fraiseql.Option{fraiseql.WithEnv(a.getenv), fraiseql.WithGraphQL(a.file.GraphQL), fraiseql.WithoutCollisions()}
	spans, err := a.tracing(ctx, s.Server.Tracing)
	if err != nil {
		return err
	}
	if spans != nil {
		defer a.endTracing(ctx, spans)
		options = append(options, fraiseql.WithTracerProvider(spans))
	}
	db, err := fraiseql.Open(ctx, "", &s, options...)
	if err != nil {
		return err
	}
	defer func() { a.tidy("the database", db.Close()) }() //nolint:contextcheck // what ends has no caller any more
	if err := a.tellBroken(db); err != nil {
		return err
	}
	// What the making of the schema has left behind is most of the heap where there
	// are many tables: given back now it does not stay until the heap has doubled.
	debug.FreeOSMemory()
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { a.reloadOnHangup(ctx, db) })
	listening := false
	err = db.Serve(ctx, func(addr, admin string) {
		listening = true
		a.ready(&s, addr, admin)
	})
	return serveError(err, listening)
}

// tidy tells of an error at the end, which changes nothing for what was served.
func (a *app) tidy(what string, err error) {
	if err != nil {
		fmt.Fprintf(a.Err, "close %s: %v\n", what, err)
	}
}

// tellBroken lists what the GraphQL schema lacks.
func (a *app) tellBroken(db *fraiseql.DB) error {
	broken, err := db.Broken()
	if err != nil {
		return err
	}
	for _, b := range broken {
		fmt.Fprintf(a.Err, "left out: %s: %s\n", b.Object, b.Reason)
	}
	return nil
}

// sampleServer starts a server with the sample data. stop ends it and removes it.
func (a *app) sampleServer(ctx context.Context) (dsn string, stop func() error, err error) {
	fmt.Fprintln(a.Err, "no database is named; serving sample data from a PostgreSQL that ends with this command")
	start := time.Now()
	done := a.step("starting PostgreSQL")
	cluster, err := pgembed.Start(ctx, pgembed.WithProgress(a.Err))
	if err != nil {
		done("not started")
		return "", nil, err
	}
	done(fmt.Sprintf("ready in %.1f s (%s)", time.Since(start).Seconds(), where(cluster)))
	dsn, drop, err := a.scratch(ctx, cluster)
	if err != nil {
		return "", nil, errors.Join(err, cluster.Stop())
	}
	return dsn, func() error { return errors.Join(drop(), cluster.Stop()) }, nil
}

// reloadOnHangup reads the schema again at each SIGHUP, until ctx ends.
func (a *app) reloadOnHangup(ctx context.Context, db *fraiseql.DB) {
	if a.Hangups == nil {
		return
	}
	for hangups := a.Hangups(); ; {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		done := a.step("reading the schema again")
		if err := db.Reload(ctx); err != nil {
			done(fmt.Sprintf("what can't be read stays as it was: %v", err))
			continue
		}
		done("ready") // what it lacks is in the log
	}
}

// ready prints where requests are answered. It is the one line of standard
// output: whoever starts the command can wait for it.
func (a *app) ready(s *flags.Settings, addr, admin string) {
	scheme := "http"
	if s.Server.TLSCertFile != "" {
		scheme = "https"
	}
	base := scheme + "://" + dialable(addr)
	if s.GraphQL.ServeDefinitions() {
		fmt.Fprintf(a.Err, "definitions: %s/definitions\n", base)
	}
	if s.GraphQL.GraphiQL {
		fmt.Fprintf(a.Err, "GraphiQL: %s/\n", base)
	}
	if admin != "" {
		fmt.Fprintf(a.Err, "for operators: http://%s/ (healthz, readyz, metrics, reload)\n", dialable(admin))
	}
	fmt.Fprintf(a.Out, "fraiseql serving %s%s\n", base, s.GraphQL.Path)
}

// dialable is an address that a client on this machine can use: one for every
// address of the machine is none to dial.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// serveError decides on the exit code of what ended the server, and adds what can
// be done about an address that is taken.
func serveError(err error, listening bool) error {
	switch {
	case err == nil:
		return nil
	case listening: // such as requests that were cut off: not only that there was a signal
		return &exit{code: ExitFailed, err: err}
	}
	if socket, ok := errors.AsType[*net.OpError](err); !ok || socket.Op != "listen" {
		if _, ok := errors.AsType[*backend.Error](err); !ok { // such as a certificate that can't be read
			err = &exit{code: ExitUsage, err: err}
		}
		return err
	}
	hint := "--addr and --admin-addr say where to listen"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		hint = "another program has that port; --addr 127.0.0.1:0 picks a free one"
	case errors.Is(err, os.ErrPermission):
		hint = "ports below 1024 need a privilege; --addr 127.0.0.1:8000 does not"
	}
	return &exit{code: ExitFailed, err: err, hint: hint}
}
