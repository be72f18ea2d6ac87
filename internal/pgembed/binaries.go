package pgembed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MinMajor is the oldest PostgreSQL major version that Start accepts: the
// oldest that the PostgreSQL project still repaired when this was written.
const MinMajor = 14

// Binaries are the server binaries of one PostgreSQL installation.
type Binaries struct {
	// Dir holds postgres and initdb.
	Dir string
	// Version is what the server calls itself, such as "15.14" or "18beta1".
	Version string
	// Major is the major version, such as 15.
	Major int
}

// localBinDirs lists directories that may hold PostgreSQL server binaries:
// the PATH, what pg_config says, and where Linux distributions, Homebrew and
// Postgres.app put them. Debian and its kin keep them off the PATH.
func localBinDirs() []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                               // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                        // PGDG on RHEL and Fedora
		"/usr/lib/postgresql*/bin",                                // SUSE
		"/usr/libexec/postgresql*",                                // Alpine
		"/usr/local/pgsql/bin",                                    // from source, BSD
		"/opt/homebrew/opt/postgresql@*/bin",                      // Homebrew, Apple silicon
		"/usr/local/opt/postgresql@*/bin",                         // Homebrew, Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",         // Homebrew, Linux
		"/Applications/Postgres.app/Contents/Versions/[0-9]*/bin", // Postgres.app
	} {
		found, _ := filepath.Glob(pattern) // the patterns are constants and well formed
		dirs = append(dirs, found...)
	}
	return dirs
}

// errNoBinaries is a search that met no server at all, not even one too old.
var errNoBinaries = errors.New("no postgres and initdb there")

// newest returns the binaries of the newest version among dirs that run as
// the given user. The error says what was found and why it was not used.
func newest(ctx context.Context, dirs []string, as *account) (Binaries, error) {
	var found []Binaries
	var problems []error
	seen := map[string]bool{}
	for _, dir := range dirs {
		if dir == "" || !filepath.IsAbs(dir) {
			continue // never run something from the working directory
		}
		if resolved, err := filepath.EvalSymlinks(dir); err == nil {
			dir = resolved
		}
		if seen[dir] || !has(dir, "postgres") || !has(dir, "initdb") {
			continue
		}
		seen[dir] = true
		b, err := inspect(ctx, dir, as)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		found = append(found, b)
	}
	if len(found) == 0 {
		if len(problems) == 0 {
			return Binaries{}, errNoBinaries
		}
		return Binaries{}, errors.Join(problems...)
	}
	// Stable: among equal versions the earlier place, such as the PATH, wins.
	slices.SortStableFunc(found, func(a, b Binaries) int { return b.Major - a.Major })
	return found[0], nil
}

func has(dir, program string) bool {
	info, err := os.Stat(filepath.Join(dir, program))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// inspect asks the server in dir for its version. It runs as the user that the
// server will run as, so binaries which that user may not reach are found out
// here and not half way through a start.
func inspect(ctx context.Context, dir string, as *account) (Binaries, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version")
	cmd.Dir = "/"
	as.apply(cmd)
	out, err := cmd.Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("%s/postgres --version: %w", dir, err)
	}
	version, major, err := parseVersion(string(out))
	if err != nil {
		return Binaries{}, fmt.Errorf("%s/postgres --version: %w", dir, err)
	}
	if major < MinMajor {
		return Binaries{}, fmt.Errorf("%s holds PostgreSQL %s, older than %d", dir, version, MinMajor)
	}
	return Binaries{Dir: dir, Version: version, Major: major}, nil
}

// versionLine matches "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)",
// "postgres (PostgreSQL) 18beta1" and vendors' variants of them.
var versionLine = regexp.MustCompile(`\) ((\d+)\S*)`)

func parseVersion(out string) (version string, major int, err error) {
	m := versionLine.FindStringSubmatch(out)
	if m == nil {
		return "", 0, fmt.Errorf("no version in %q", strings.TrimSpace(out))
	}
	major, err = strconv.Atoi(m[2])
	if err != nil {
		return "", 0, fmt.Errorf("version in %q: %w", strings.TrimSpace(out), err)
	}
	return m[1], major, nil
}
