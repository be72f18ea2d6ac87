package replica

import (
	"log/slog"
	"time"
)

// Option changes how a Runner works.
type Option interface{ apply(*options) }

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

type options struct {
	maxLag   time.Duration
	wait     time.Duration
	interval time.Duration
	log      *slog.Logger
}

// The defaults of the options.
const (
	DefaultMaxLag = 10 * time.Second
	DefaultWait   = 100 * time.Millisecond
	defaultCheck  = time.Second
)

// WithMaxLag takes a replica out that is further behind the primary than d, until it
// has caught up. It is measured to the interval of the checks. Default 10 s; 0 means
// no limit.
func WithMaxLag(d time.Duration) Option {
	return optionFunc(func(o *options) { o.maxLag = max(d, 0) })
}

// WithWait bounds how long a read waits for a replica that has not replayed what its
// session wrote, before it goes to the primary. Default 100 ms; 0 means not at all.
func WithWait(d time.Duration) Option {
	return optionFunc(func(o *options) { o.wait = max(d, 0) })
}

// WithInterval is how often each replica, and the primary's position, is looked at,
// and how long a look may take (one second at least). Default 1 s; not positive means
// the default.
func WithInterval(d time.Duration) Option {
	return optionFunc(func(o *options) {
		if o.interval = d; d <= 0 {
			o.interval = defaultCheck
		}
	})
}

// WithLogger is told when a replica goes out or comes back. Default: slog.Default().
func WithLogger(l *slog.Logger) Option {
	return optionFunc(func(o *options) { o.log = l })
}
