//go:build unix

package pgembed

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// nowhere makes a search find nothing, as on a machine without PostgreSQL.
func nowhere() Option {
	return optionFunc(func(c *config) { c.search = func() []string { return nil } })
}

// TestDownload serves the server binaries of this machine in the form in which
// the repository has them, and starts a server from what was downloaded.
func TestDownload(t *testing.T) {
	jar := jarOf(t, stepOver(t))
	requests := 0
	repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/maven2/io/zonky/test/postgres/") {
			http.NotFound(w, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			sum := sha256.Sum256(jar)
			fmt.Fprint(w, hex.EncodeToString(sum[:]))
			return
		}
		requests++
		w.Header().Set("Content-Length", fmt.Sprint(len(jar)))
		_, _ = w.Write(jar)
	}))
	defer repository.Close()
	cache := enterable(t)
	before, err := filepath.Glob(filepath.Join(os.TempDir(), leftoverLog))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first, downloads", "second, from the cache"} {
		var progress bytes.Buffer
		s, err := Start(t.Context(), nowhere(), WithCache(cache), WithRepository(repository.URL+"/maven2/"), WithProgress(&progress))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := filepath.Join(cache, "fraiseql-go", "postgresql-"+string(downloadVersion), "bin"); s.Binaries().Dir != want {
			t.Errorf("%s: started from %s, want %s", name, s.Binaries().Dir, want)
		}
		if err := s.Stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if downloads := strings.Contains(progress.String(), "100% of"); downloads != strings.HasPrefix(name, "first") {
			t.Errorf("%s: progress %q", name, progress.String())
		}
	}
	if requests != 1 {
		t.Errorf("%d downloads, want 1", requests)
	}
	left, err := os.ReadDir(filepath.Join(cache, "fraiseql-go"))
	if err != nil || len(left) != 1 {
		t.Errorf("the cache holds %v (%v), want the binaries alone", left, err)
	}
	after, err := filepath.Glob(filepath.Join(os.TempDir(), leftoverLog))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("log files of embedded-postgres are left (-before +after):\n%s", diff)
	}
}

func TestDownloadFails(t *testing.T) {
	jar := jarOf(t, stepOver(t))
	sumOf := func(body string) string {
		sum := sha256.Sum256([]byte(body))
		return hex.EncodeToString(sum[:])
	}
	withSum := func(body, sum string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha256") {
				fmt.Fprint(w, sum)
				return
			}
			fmt.Fprint(w, body)
		}
	}
	for _, tc := range []struct {
		name, why string
		handler   http.HandlerFunc
		want      string
	}{
		{"no network", "the usual case in a closed CI", nil, "connection refused"},
		{"not there", "a mirror that lacks the artifact", http.NotFound, "404 Not Found"},
		{"not an archive", "a proxy that answers with its login page", withSum("<html>", sumOf("<html>")), "zip"},
		{"no checksum", "what cannot be checked must not run", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha256") {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write(jar)
		}, ".sha256: the repository answers 404"},
		{"wrong checksum", "a damaged download must never run", withSum(string(jar), strings.Repeat("0", 64)), "checksums do not match"},
		{"cut short", "a connection that breaks half way", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "unexpected EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			repository := httptest.NewServer(tc.handler)
			defer repository.Close()
			if tc.handler == nil {
				repository.Close()
			}
			cache := enterable(t)
			_, err := Start(t.Context(), nowhere(), WithCache(cache), WithRepository(repository.URL))
			if _, ok := errors.AsType[*NotFoundError](err); !ok {
				t.Fatalf("error %v, want a NotFoundError", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q, want it to say %q", err, tc.want)
			}
			for _, way := range []string{"1. set DATABASE_URL", "2. install PostgreSQL", "3. allow a download"} {
				if !strings.Contains(err.Error(), way) {
					t.Errorf("error %q does not name the way out %q", err, way)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "fraiseql-go", "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestDownloadEndsWithContext(t *testing.T) {
	reached := make(chan struct{})
	repository := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done() // a server that never answers
	}))
	defer repository.Close()
	reason := errors.New("the user pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-reached
		cancel(reason)
	}()
	_, err := Start(ctx, nowhere(), WithCache(enterable(t)), WithRepository(repository.URL))
	if !errors.Is(err, reason) {
		t.Errorf("error %v, want %v", err, reason)
	}
}

func TestNoDownloadWanted(t *testing.T) {
	old := fakeServer(t, "postgres (PostgreSQL) 9.6.24")
	_, err := Start(t.Context(), WithDownload(false), optionFunc(func(c *config) { c.search = func() []string { return []string{old} } }))
	missing, ok := errors.AsType[*NotFoundError](err)
	if !ok || missing.Download != nil || !strings.Contains(err.Error(), "PostgreSQL 9.6.24, older than 14") {
		t.Errorf("error %v, want one that says why 9.6.24 was not used", err)
	}
}

func TestCacheIsOnlyOurs(t *testing.T) {
	t.Parallel()
	cache := enterable(t)
	planted := filepath.Join(cache, "fraiseql-go")
	if err := os.Mkdir(planted, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(planted, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), nowhere(), WithCache(cache), WithRepository("http://127.0.0.1:1"))
	if err == nil || !strings.Contains(err.Error(), "only its owner") {
		t.Errorf("error %v, want a refusal of a directory that others may write to", err)
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	v14, v15, v16beta := fakeServer(t, "postgres (PostgreSQL) 14.3"), fakeServer(t, "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), fakeServer(t, "postgres (PostgreSQL) 16beta2")
	other15, old, mute := fakeServer(t, "postgres (PostgreSQL) 15.1"), fakeServer(t, "postgres (PostgreSQL) 13.9"), fakeServer(t, "hello")
	link := filepath.Join(enterable(t), "link")
	if err := os.Symlink(v15, link); err != nil {
		t.Fatal(err)
	}
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, why string
		dirs      []string
		want      Binaries
		fails     string
	}{
		{"newest major", "whatever the order", []string{v14, v16beta, v15}, Binaries{v16beta, "16beta2", 16}, ""},
		{"first of equals", "the PATH comes first", []string{other15, v15}, Binaries{other15, "15.1", 15}, ""},
		{"symbolic link", "Homebrew's opt directory is made of them", []string{link}, Binaries{v15, "15.14", 15}, ""},
		{"one broken", "does not spoil the rest", []string{mute, "", "relative", "/does/not/exist", v14}, Binaries{v14, "14.3", 14}, ""},
		{"too old", "said, rather than failing later", []string{old}, Binaries{}, "13.9, older than 14"},
		{"no version", "something else named postgres", []string{mute}, Binaries{}, `no version in "hello"`},
		{"none", "", nil, Binaries{}, errNoBinaries.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := newest(t.Context(), tc.dirs, as)
			if (err == nil) != (tc.fails == "") || (err != nil && !strings.Contains(err.Error(), tc.fails)) {
				t.Fatalf("error %v, want %q", err, tc.fails)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, tc := range []struct {
		name     string
		total    int64
		steps    []int
		terminal bool
		want     string
	}{
		{"known size", 4 * mib, []int{mib, 2 * mib, mib}, false, "get [#######.......................]  25% of 4.0 MiB\nget [##############################] 100% of 4.0 MiB\n"},
		{"unknown size", -1, []int{mib / 2}, false, "get: 0.5 MiB\nget: 0.5 MiB\n"},
		{"terminal", 2 * mib, []int{2 * mib}, true, "\rget [##############################] 100% of 2.0 MiB\rget [##############################] 100% of 2.0 MiB\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			b := newBar(&out, "get", tc.total)
			b.terminal, b.every = tc.terminal, time.Hour
			for _, n := range tc.steps {
				b.add(n)
			}
			b.end()
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestConfigFile(t *testing.T) {
	t.Parallel()
	got := configFile(map[string]string{"b": `it's`, "a": "1"})
	if want := "a = '1'\nb = 'it''s'\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// enterable is a temporary directory that every user may enter: t.TempDir is
// closed to the user that the server runs as when the tests run as root.
func enterable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgembed-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fakeServer is a directory with programs that only print a version.
func fakeServer(t *testing.T, version string) string {
	t.Helper()
	dir := enterable(t)
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho '"+version+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// stepOver makes two programs that pass themselves on to the real ones of this
// machine, so that the archive under test is small and yet a server starts.
func stepOver(t *testing.T) fs.FS {
	t.Helper()
	as, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	b, err := newConfig(nil).binaries(t.Context(), as)
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	if err := os.Mkdir(filepath.Join(tree, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb", "pg_ctl"} {
		script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\"\n", filepath.Join(b.Dir, name))
		if err := os.WriteFile(filepath.Join(tree, "bin", name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return os.DirFS(tree)
}

// jarOf packs tree as the repository does: a tar in xz in zip.
func jarOf(t *testing.T, tree fs.FS) []byte {
	t.Helper()
	var tarball bytes.Buffer
	tw := tar.NewWriter(&tarball)
	if err := tw.AddFS(tree); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	zw := zip.NewWriter(&jar)
	w, err := zw.Create("postgres-linux-x86_64.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(xz(tarball.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}

// xz wraps data in the xz format without compressing it: LZMA2 has chunks that
// hold bytes as they are (The .xz File Format 1.2.1, sections 2 to 4).
func xz(data []byte) []byte {
	crc := func(b []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)) }
	varint := binary.AppendUvarint // the same encoding as xz's multibyte integers

	flags := []byte{0x00, 0x01} // the check is CRC32
	out := append([]byte{0xFD, '7', 'z', 'X', 'Z', 0x00}, flags...)
	out = append(out, crc(flags)...)

	header := []byte{0x02, 0x00, 0x21, 0x01, 0x00, 0x00, 0x00, 0x00} // one filter: LZMA2, 4 KiB dictionary
	block := append(header, crc(header)...)
	for i, rest := 0, data; len(rest) > 0; i++ {
		chunk := rest[:min(len(rest), 1<<16)]
		rest = rest[len(chunk):]
		control := byte(0x02)
		if i == 0 {
			control = 0x01 // resets the dictionary
		}
		block = append(block, control, byte((len(chunk)-1)>>8), byte(len(chunk)-1))
		block = append(block, chunk...)
	}
	block = append(block, 0x00)
	unpadded := uint64(len(block) + 4)
	for len(block)%4 != 0 {
		block = append(block, 0)
	}
	out = append(append(out, block...), crc(data)...)

	index := varint(varint([]byte{0x00, 0x01}, unpadded), uint64(len(data)))
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = append(index, crc(index)...)
	out = append(out, index...)

	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, flags...)
	return append(append(append(out, crc(footer)...), footer...), 'Y', 'Z')
}
