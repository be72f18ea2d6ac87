package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// source has the keys. current never waits for long and may be nil while there
// are none. again looks for newer ones, for a token that none of current fits; it
// waits no longer than ctx.
type source interface {
	current() *keySet
	again(ctx context.Context) *keySet
	reload() error
	close()
}

// fixed is a source that does not change.
type fixed struct{ set *keySet }

func (f fixed) current() *keySet              { return f.set }
func (f fixed) again(context.Context) *keySet { return f.set }
func (fixed) reload() error                   { return nil }
func (fixed) close()                          {}

// file is a source that is read again when the file has changed.
type file struct {
	path  string
	parse func([]byte) (*keySet, error)
	log   *slog.Logger

	set  atomic.Pointer[keySet]
	next atomic.Int64 // when to look at the file, in Unix nanoseconds
	mu   sync.Mutex
	seen os.FileInfo
}

// lookEvery is how often a file is looked at.
const lookEvery = time.Second

func (f *file) current() *keySet {
	now := time.Now().UnixNano()
	if next := f.next.Load(); now >= next && f.next.CompareAndSwap(next, now+int64(lookEvery)) {
		if err := f.load(false); err != nil {
			f.log.Error("token keys: the file can't be read; the old keys stay", "error", err)
		}
	}
	return f.set.Load()
}

func (f *file) again(context.Context) *keySet { return f.set.Load() }
func (f *file) reload() error                 { return f.load(true) }
func (*file) close()                          {}

// load reads the file if it is not the one that was seen, or always.
func (f *file) load(always bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if s := f.seen; !always && s != nil && os.SameFile(s, info) && s.ModTime().Equal(info.ModTime()) && s.Size() == info.Size() {
		return nil
	}
	f.seen = info // a bad file is told of once
	r, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(replace(&f.set, r, f.parse), r.Close())
}

// replace reads a set into p. The same text leaves what is there.
func replace(p *atomic.Pointer[keySet], r io.Reader, parse func([]byte) (*keySet, error)) error {
	text, err := io.ReadAll(io.LimitReader(r, maxSet+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxSet:
		return errTooLarge
	}
	if old := p.Load(); old != nil && bytes.Equal(old.text, text) {
		return nil
	}
	set, err := parse(text)
	if err == nil {
		p.Store(set)
	}
	return err
}

var errTooLarge = fmt.Errorf("the keys have more than %d bytes", maxSet)

var errNoKeys = errors.New("there are no keys yet")
