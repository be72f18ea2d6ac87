package pgembed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// downloadVersion is what is downloaded where the machine has no server.
const downloadVersion = embeddedpostgres.V18

// defaultRepository is where the binaries that embedded-postgres knows are
// published (io.zonky.test.postgres).
const defaultRepository = "https://repo1.maven.org/maven2"

// NotFoundError is the failure to get server binaries. Its text names the ways
// out; Unwrap gives the reasons.
type NotFoundError struct {
	// Local says why what is on the machine was not used; nil if there is nothing.
	Local error
	// Download says why nothing was downloaded; nil if it was not allowed.
	Download error
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	b.WriteString("no PostgreSQL to work with. Do one of these:\n" +
		"  1. set DATABASE_URL to a server, such as postgres://user:password@localhost:5432/postgres;\n" +
		fmt.Sprintf("  2. install PostgreSQL %d or newer (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql);\n", MinMajor) +
		"  3. allow a download of it from " + defaultRepository + ".")
	if e.Local != nil {
		fmt.Fprintf(&b, "\nOn this machine: %v.", strings.ReplaceAll(e.Local.Error(), "\n", "; "))
	}
	if e.Download != nil {
		fmt.Fprintf(&b, "\nThe download: %v.", e.Download)
	}
	return b.String()
}

// Unwrap gives both reasons to errors.Is and errors.As.
func (e *NotFoundError) Unwrap() []error {
	var reasons []error
	for _, err := range []error{e.Local, e.Download} {
		if err != nil {
			reasons = append(reasons, err)
		}
	}
	return reasons
}

// binaries finds the server binaries: WithBinDir, this machine, a download.
func (c *config) binaries(ctx context.Context, as *account) (Binaries, error) {
	if c.binDir != "" {
		b, err := newest(ctx, []string{c.binDir}, as)
		if err != nil {
			return Binaries{}, fmt.Errorf("use the PostgreSQL in %s: %w", c.binDir, err)
		}
		return b, nil
	}
	b, local := newest(ctx, c.search(), as)
	if local == nil {
		return b, nil
	}
	if errors.Is(local, errNoBinaries) {
		local = nil // the ordinary case, not worth a line
	}
	if !c.download {
		return Binaries{}, &NotFoundError{Local: local}
	}
	b, err := c.fetch(ctx, as)
	if err != nil {
		return Binaries{}, &NotFoundError{Local: local, Download: err}
	}
	return b, nil
}

// fetch downloads server binaries through embedded-postgres, once: they are
// kept in the user's cache directory.
func (c *config) fetch(ctx context.Context, as *account) (Binaries, error) {
	cache, err := c.cacheDir(as)
	if err != nil {
		return Binaries{}, err
	}
	target := filepath.Join(cache, "postgresql-"+string(downloadVersion))
	if has(filepath.Join(target, "bin"), "initdb") {
		return newest(ctx, []string{filepath.Join(target, "bin")}, as)
	}
	// Unpack aside and rename, so that a half unpacked tree, or two processes
	// at once, never leave something that looks whole.
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return Binaries{}, err
	}
	defer os.RemoveAll(work) // what is left of it; a temporary copy in a cache
	if err := c.unpack(ctx, work); err != nil {
		return Binaries{}, err
	}
	tree := filepath.Join(work, "tree")
	if err := os.Chmod(tree, 0o755); err != nil { //nolint:gosec // the server's user, another one, runs what is in it
		return Binaries{}, err
	}
	if err := os.Rename(tree, target); err != nil && !has(filepath.Join(target, "bin"), "initdb") {
		return Binaries{}, fmt.Errorf("keep the download: %w", err)
	}
	return newest(ctx, []string{filepath.Join(target, "bin")}, as)
}

// unpack makes embedded-postgres put its binaries into work/tree. It has no
// call for that alone, and starting a server with it is out of the question:
// it cannot drop root, and its server outlives a killed owner. So it is given
// a data directory that looks initialised but holds nothing to start: it
// downloads, checks, unpacks, and then fails where it no longer matters.
func (c *config) unpack(ctx context.Context, work string) error {
	data := filepath.Join(work, "data")
	major, _, _ := strings.Cut(string(downloadVersion), ".")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(major+"\n"), 0o600); err != nil {
		return err
	}
	mirror, err := startMirror(ctx, c.repository, c.progress)
	if err != nil {
		return err
	}
	defer mirror.close()
	port, holder, err := freePort()
	if err != nil {
		return err
	}
	defer holder.Close() //nolint:errcheck // it holds nothing but the port
	logs, err := filepath.Glob(filepath.Join(os.TempDir(), leftoverLog))
	if err != nil {
		return err
	}
	tree := filepath.Join(work, "tree")
	err = embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(downloadVersion).
		BinaryRepositoryURL(mirror.url).
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(filepath.Join(work, "run")).
		BinariesPath(tree).
		DataPath(data).
		Port(uint32(port)).
		Logger(io.Discard)).Start()
	removeNewLogs(logs)
	// The mirror knows better than the library what went wrong. It also fails
	// where the checksum file is missing; the library would go without.
	if cause := mirror.failure(); cause != nil {
		return cause
	}
	if has(filepath.Join(tree, "bin"), "initdb") && has(filepath.Join(tree, "bin"), "postgres") {
		return nil
	}
	if err == nil {
		err = errors.New("the archive holds no server")
	}
	return fmt.Errorf("download PostgreSQL %s from %s: %w", downloadVersion, c.repository, err)
}

// leftoverLog matches the log files that embedded-postgres makes in the
// temporary directory and never removes.
const leftoverLog = "embedded_postgres_log*"

// removeNewLogs removes the log files that were not there before.
func removeNewLogs(before []string) {
	old := map[string]bool{}
	for _, name := range before {
		old[name] = true
	}
	now, _ := filepath.Glob(filepath.Join(os.TempDir(), leftoverLog)) // a well-formed constant
	for _, name := range now {
		if !old[name] {
			_ = os.Remove(name) // an empty file more or less
		}
	}
}

// cacheDir is where downloaded binaries are kept: $XDG_CACHE_HOME/fraiseql-go
// or what the system has instead of it. The server's user must be able to
// enter it, which for root rules out root's own home.
func (c *config) cacheDir(as *account) (string, error) {
	var problems []error
	for _, dir := range c.cachePlaces(as) {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // see fetch
			problems = append(problems, err)
			continue
		}
		if as != nil && !as.mayEnter(dir) {
			problems = append(problems, fmt.Errorf("user %s may not enter %s", as.name, dir))
			continue
		}
		// Somebody else could have made a directory of this name and left
		// programs in it for us to run.
		if err := onlyOurs(dir); err != nil {
			problems = append(problems, err)
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("find a place for the download: %w", errors.Join(problems...))
}

func (c *config) cachePlaces(as *account) []string {
	const name = "fraiseql-go"
	if c.cache != "" {
		return []string{filepath.Join(c.cache, name)}
	}
	var places []string
	if home, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(home, name))
	}
	if as != nil {
		places = append(places, filepath.Join("/var/cache", name))
	}
	return append(places, filepath.Join(os.TempDir(), fmt.Sprintf("%s-%d", name, os.Getuid())))
}
