package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// remote is a source that is fetched from a URL, in the background and when a
// token names a key that is not known.
type remote struct {
	url    string
	client *http.Client
	parse  func([]byte) (*keySet, error)
	log    *slog.Logger
	every  time.Duration

	set    atomic.Pointer[keySet]
	ctx    context.Context //nolint:containedctx // ends with close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	flight chan struct{} // closed when the fetch that is under way has ended
	last   time.Time     // when the last one began
	err    error         // of the last one
}

const (
	// pause is the least time between two fetches that tokens have asked for.
	pause = 10 * time.Second
	// retry is the time after a fetch that failed.
	retry = 30 * time.Second
	// maxRedirects of one fetch.
	maxRedirects = 3
)

func newRemote(o *Options, parse func([]byte) (*keySet, error)) *remote {
	s := &remote{url: o.JWKSURL, client: o.Client, parse: parse, log: o.Log, every: o.Refresh}
	if s.client == nil {
		s.client = &http.Client{Timeout: fetchTimeout, CheckRedirect: safeRedirect}
		if t, ok := http.DefaultTransport.(*http.Transport); ok {
			s.client.Transport = t.Clone() // of our own, to close its connections
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.fetch(true) // under way before the first request asks
	s.wg.Go(s.run)
	return s
}

// safeRedirect follows a few, but not from https to what others can change.
func safeRedirect(r *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return errors.New("too many redirects")
	case r.URL.Scheme != "https" && via[0].URL.Scheme == "https":
		return errors.New("a redirect away from https")
	}
	return checkURL(r.URL.String())
}

// run fetches now and then until close.
func (s *remote) run() {
	for {
		s.mu.Lock()
		wait := s.every
		if s.err != nil {
			wait = min(retry, wait)
		}
		wait -= time.Since(s.last)
		s.mu.Unlock()
		if wait <= 0 {
			if done := s.fetch(true); done != nil {
				<-done
			}
			continue
		}
		timer := time.NewTimer(min(wait, retry)) // a fetch in between may have failed
		select {
		case <-s.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (s *remote) current() *keySet { return s.set.Load() }

// again waits for a fetch, unless the last one is too short ago: tokens with
// invented keys must not make us ask all the time.
func (s *remote) again(ctx context.Context) *keySet {
	if done := s.fetch(false); done != nil { //nolint:contextcheck // what is fetched is for all: it ends with the source
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	return s.set.Load()
}

func (s *remote) reload() error {
	if done := s.fetch(true); done != nil {
		<-done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && s.set.Load() == nil {
		return errNoKeys
	}
	return s.err
}

func (s *remote) close() {
	s.cancel()
	s.wg.Wait()
	s.client.CloseIdleConnections()
}

// fetch begins a fetch, or joins the one that is under way. nil: it is too early
// and not forced, or the source is closed.
func (s *remote) fetch(force bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.flight != nil:
		return s.flight
	case s.ctx.Err() != nil, !force && time.Since(s.last) < pause:
		return nil
	}
	done := make(chan struct{})
	s.flight, s.last = done, time.Now()
	s.wg.Go(func() {
		err := s.get()
		if err != nil && s.ctx.Err() == nil {
			s.log.Error("token keys: they can't be fetched; the old ones stay", "error", err)
		}
		s.mu.Lock()
		s.flight, s.err = nil, err
		s.mu.Unlock()
		close(done)
	})
	return done
}

func (s *remote) get() error {
	ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody) //nolint:gosec // the operator says where the keys are
	if err != nil {
		return fmt.Errorf("fetch keys: %w", err)
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := s.client.Do(r) //nolint:gosec // as above
	if err != nil {
		return fmt.Errorf("fetch keys: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch keys: status %d", res.StatusCode)
	}
	if err := replace(&s.set, res.Body, s.parse); err != nil {
		return fmt.Errorf("fetch keys: %w", err)
	}
	return nil
}
