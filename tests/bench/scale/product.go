package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	fraiseql "github.com/fraiseql/fraiseql-go"
	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/backend/pgx"
	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/tests/bench/proc"
)

// statements runs SQL, each statement by itself.
func (b *bench) statements(ctx context.Context, database string, list ...string) (err error) {
	cfg, err := backend.ParseDSN(b.server.DSN(database), noEnv)
	if err != nil {
		return err
	}
	c, err := pgx.New().Connector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, text := range list {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%.60s: %w", text, err)
		}
	}
	return nil
}

func noEnv(string) string { return "" }

// settings are the defaults, but for limits on what these requests ask for.
func settings(driver string, change func(*flags.Settings)) *flags.Settings {
	s := flags.Default()
	s.Backend, s.Limits.Cost, s.MaxRows = driver, 0, 0
	if change != nil {
		change(s)
	}
	return s
}

// open is the product in this process.
func (b *bench) open(ctx context.Context, database string, s *flags.Settings) (*fraiseql.DB, error) {
	return fraiseql.Open(ctx, b.server.DSN(database), s, fraiseql.WithEnv(noEnv))
}

// order is what a process that serves is told.
type order struct {
	DSN, Backend                           string
	Connections, Waiting, InFlight, Cached int
}

// serve is that process: it ends when its standard input does, with whoever started it.
func serve(in io.Reader, out io.Writer) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) //nolint:sloglint // lines are written, and not kept
	lines := bufio.NewReader(in)
	text, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		cancel()
	}()
	s := settings(o.Backend, func(s *flags.Settings) {
		s.MaxConnections, s.MaxWaiting, s.Server.MaxInFlight = o.Connections, o.Waiting, o.InFlight
		s.Server.Addr, s.Server.RequestLog = "127.0.0.1:0", false
	})
	db, err := fraiseql.Open(ctx, o.DSN, s, fraiseql.WithEnv(noEnv))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Serve(ctx, func(addr, _ string) { fmt.Fprintln(out, addr) })
}

// process is one that serves.
type process struct {
	cmd  *exec.Cmd
	in   io.Closer
	addr string
}

// start starts one and waits until it listens.
func start(ctx context.Context, o *order) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "serve")
	cmd.Env = append(os.Environ(), "GOGC=80") // what the command sets for itself
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, in: in}
	text, err := json.Marshal(o)
	if err == nil {
		_, err = in.Write(append(text, '\n'))
	}
	if err == nil {
		p.addr, err = bufio.NewReader(out).ReadString('\n')
	}
	p.addr = strings.TrimSpace(p.addr)
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *process) stop() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// cpu is the processor time that p has used.
func (p *process) cpu() time.Duration { return proc.CPU(p.cmd.Process.Pid) }

// peak is the largest resident memory since reset, in MB.
func (p *process) peak() float64 { return proc.Peak(p.cmd.Process.Pid) }

// reset has peak begin anew.
func (p *process) reset() { proc.ForgetPeak(p.cmd.Process.Pid) }
