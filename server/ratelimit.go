package server

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// DefaultRateKeys is how many clients a RateLimiter keeps in mind.
const DefaultRateKeys = 1 << 16

// RateOptions of NewRateLimiter.
type RateOptions struct {
	// PerSecond is how many requests a client may send each second, on average.
	PerSecond float64
	// Burst is how many it may send at once; at least 1. 0 is one second's worth.
	Burst int
	// Keys bounds the clients that are kept in mind, at about 300 bytes each; who has
	// asked for nothing for longest is forgotten first, and begins anew. 0 is
	// DefaultRateKeys.
	Keys int
	// TrustedProxies are those whose X-Forwarded-For is believed. None: the address of
	// a client is that of its connection.
	TrustedProxies []netip.Prefix
}

// RateLimiter gives each client a bucket of requests of its own: each
// Identity.Subject that has proved who it is, else each address (of IPv6: each
// network of 64 bits, which is what one client gets). A nil *RateLimiter lets
// everything through. It is safe for concurrent use.
type RateLimiter struct {
	o       RateOptions
	buckets *lru.Cache[client, *rate.Limiter]
}

// client is who a bucket belongs to.
type client struct {
	subject string // "" for an address
	addr    netip.Addr
}

// NewRateLimiter makes a RateLimiter; nil where PerSecond is not positive.
func NewRateLimiter(o RateOptions) *RateLimiter {
	if o.PerSecond <= 0 {
		return nil
	}
	if o.Burst <= 0 {
		o.Burst = max(1, int(o.PerSecond))
	}
	if o.Keys <= 0 {
		o.Keys = DefaultRateKeys
	}
	buckets, err := lru.New[client, *rate.Limiter](o.Keys)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &RateLimiter{o: o, buckets: buckets}
}

// Allow takes n requests of the client of r, who is id. Where they are too many it
// takes nothing and says how long to wait, always more than 0; 0 lets them
// through. More than a full bucket count as a full one.
func (l *RateLimiter) Allow(r *http.Request, id *Identity, n int) time.Duration {
	if l == nil {
		return 0
	}
	var key client
	if id.Authenticated && id.Subject != "" {
		key.subject = bounded(id.Subject)
	} else {
		key.addr = l.address(r)
	}
	b, ok := l.buckets.Get(key)
	if !ok {
		key.subject = strings.Clone(key.subject) // not the whole token with it
		fresh := rate.NewLimiter(rate.Limit(l.o.PerSecond), l.o.Burst)
		if b, ok, _ = l.buckets.PeekOrAdd(key, fresh); !ok {
			b = fresh
		}
	}
	now := time.Now()
	n = min(n, l.o.Burst)
	if b.AllowN(now, n) {
		return 0
	}
	missing := float64(n) - b.TokensAt(now)
	wait := time.Duration(missing / l.o.PerSecond * float64(time.Second))
	return max(time.Millisecond, (wait + time.Millisecond - 1).Truncate(time.Millisecond))
}

// rest is what a list of n requests takes beyond its first: not more than a full
// bucket in all, or it would never be let through.
func (l *RateLimiter) rest(n int) int {
	if l == nil {
		return 0
	}
	return min(n, l.o.Burst) - 1
}

// bounded is subject, or for a long one something shorter that stands for it.
func bounded(subject string) string {
	if len(subject) <= 2*sha256.Size {
		return subject
	}
	sum := sha256.Sum256([]byte(subject))
	return string(sum[:])
}

// address is where r is from. Proxies append to X-Forwarded-For, so that what a
// client makes up stands to the left of what is true: from the right, the first
// address that is no trusted proxy's.
func (l *RateLimiter) address(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr) // of a Unix socket: nothing, and all of it is one client
	addr := peer.Addr().Unmap()
	if !l.trusted(addr) {
		return network(addr)
	}
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for rest := line; rest != ""; {
			at := strings.LastIndexByte(rest, ',')
			hop, ok := parseHop(strings.TrimSpace(rest[at+1:]))
			if !ok {
				return network(addr) // whoever wrote that, addr is the last one who is known
			}
			if addr = hop; !l.trusted(addr) {
				return network(addr)
			}
			rest = rest[:max(at, 0)]
		}
	}
	return network(addr)
}

// parseHop reads an address, with a port or without.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap(), true
	}
	hop, err := netip.ParseAddrPort(text)
	return hop.Addr().Unmap(), err == nil
}

func (l *RateLimiter) trusted(addr netip.Addr) bool {
	for _, p := range l.o.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// network is addr, or of IPv6 its first 64 bits.
func network(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}

// retryAfter is wait as the header has it: whole seconds, never too few.
func retryAfter(wait time.Duration) string {
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}
