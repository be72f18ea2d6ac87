package pgembed

import (
	"io"
	"maps"
	"time"
)

// Option changes how a server is found and started. An option's doc gives the
// default that holds without it.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	settings     map[string]string
	progress     io.Writer
	binDir       string
	startTimeout time.Duration
	download     bool
	repository   string
	cache        string          // "" for the user's cache directory
	search       func() []string // directories that may hold server binaries
	primary      *Server         // whose standby it is; nil: it is none
	backup       string          // pg_basebackup, where primary is set
}

func newConfig(opts []Option) *config {
	c := &config{
		settings:     maps.Clone(throwAway),
		progress:     io.Discard,
		startTimeout: time.Minute,
		download:     true,
		repository:   defaultRepository,
		search:       localBinDirs,
	}
	for _, o := range opts {
		o.apply(c)
	}
	return c
}

// throwAway are settings for data that nobody will miss: nothing waits for a
// disk, and there is no replication. synchronous_commit stays on: without fsync
// it costs one write to the page cache, and a killed server then keeps what it
// has confirmed.
var throwAway = map[string]string{
	"fsync":              "off",
	"full_page_writes":   "off",
	"wal_level":          "minimal",
	"max_wal_senders":    "0",
	"max_connections":    "200",
	"shared_buffers":     "128MB",
	"max_wal_size":       "4GB",
	"checkpoint_timeout": "1h",
	"log_timezone":       "UTC",
	"timezone":           "UTC",
}

// WithSetting sets a server setting as postgresql.conf would, for example
// WithSetting("wal_level", "logical"). Default: fast and unsafe, fit for data
// that is thrown away (fsync and full_page_writes off, wal_level minimal without
// WAL senders), 200 connections, UTC.
func WithSetting(name, value string) Option {
	return optionFunc(func(c *config) { c.settings[name] = value })
}

// Replicating lets the server have standbys (Standby). Default: it can't.
func Replicating() Option {
	return optionFunc(func(c *config) {
		c.settings["wal_level"], c.settings["max_wal_senders"] = "replica", "10"
		c.settings["wal_keep_size"] = "1GB" // a standby that is halted for a while can go on
	})
}

// Durable turns fsync and full_page_writes on again, for measurements
// in which the cost of a commit matters. Default: off.
func Durable() Option {
	return optionFunc(func(c *config) {
		for _, name := range []string{"fsync", "full_page_writes"} {
			c.settings[name] = "on"
		}
	})
}

// WithProgress is where a download reports its progress: a bar that redraws
// itself on a terminal, a line every few seconds elsewhere. Default: nowhere.
func WithProgress(w io.Writer) Option {
	return optionFunc(func(c *config) { c.progress = w })
}

// WithBinDir uses the server binaries in dir and looks nowhere else.
// Default: search (see Start).
func WithBinDir(dir string) Option {
	return optionFunc(func(c *config) { c.binDir = dir })
}

// WithDownload says whether binaries may be downloaded when none are found on
// the machine. Default: true.
func WithDownload(allowed bool) Option {
	return optionFunc(func(c *config) { c.download = allowed })
}

// WithRepository is the base URL of the Maven repository that binaries are
// downloaded from. Default: https://repo1.maven.org/maven2.
func WithRepository(url string) Option {
	return optionFunc(func(c *config) { c.repository = url })
}

// WithCache keeps downloaded binaries in dir/fraiseql-go. Default: the user's
// cache directory; for root /var/cache, which the server's user can enter.
func WithCache(dir string) Option {
	return optionFunc(func(c *config) { c.cache = dir })
}

// WithStartTimeout bounds the time from starting the server (not counting a
// download) until it accepts connections. Default: one minute.
func WithStartTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) { c.startTimeout = d })
}
