package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fraiseql/fraiseql-go/server"
)

// from is a request of an address, by way of proxies.
func from(addr string, forwarded ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", http.NoBody)
	r.RemoteAddr = addr
	if len(forwarded) > 0 {
		r.Header["X-Forwarded-For"] = forwarded
	}
	return r
}

// TestRateLimitTime: a burst, then one request each time that the rate allows, and
// a refusal costs nothing.
func TestRateLimitTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := server.NewRateLimiter(server.RateOptions{PerSecond: 2, Burst: 3})
		r, nobody := from("192.0.2.1:1"), &server.Identity{}
		var got []time.Duration
		take := func(n int) { got = append(got, l.Allow(r, nobody, n)) }
		take(1)
		take(2)
		take(1)
		take(1)
		time.Sleep(400 * time.Millisecond)
		take(1)
		time.Sleep(100 * time.Millisecond)
		take(1)
		take(50) // counts as 3
		time.Sleep(1500 * time.Millisecond)
		take(50)
		want := []time.Duration{0, 0, 500 * time.Millisecond, 500 * time.Millisecond, 100 * time.Millisecond, 0, 1500 * time.Millisecond, 0}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("waits (-want +got)\n%s", d)
		}
	})
}

// TestRateLimitClients: who shares a bucket and who does not.
func TestRateLimitClients(t *testing.T) {
	t.Parallel()
	known := func(subject string) server.Identity {
		return server.Identity{Authenticated: true, Subject: subject}
	}
	long := strings.Repeat("x", 5000)
	for _, tc := range []struct {
		name   string
		first  *http.Request
		one    server.Identity
		second *http.Request
		two    server.Identity
		shared bool
	}{
		{"one address, other port", from("192.0.2.1:1"), server.Identity{}, from("192.0.2.1:2"), server.Identity{}, true},
		{"two addresses", from("192.0.2.1:1"), server.Identity{}, from("192.0.2.2:1"), server.Identity{}, false},
		{"one subject, two addresses", from("192.0.2.1:1"), known("a"), from("192.0.2.2:1"), known("a"), true},
		{"two subjects, one address", from("192.0.2.1:1"), known("a"), from("192.0.2.1:1"), known("b"), false},
		{"a long subject", from("192.0.2.1:1"), known(long), from("192.0.2.2:1"), known(long), true},
		{"two long subjects", from("192.0.2.1:1"), known(long), from("192.0.2.1:1"), known(long + "x"), false},
		{"a subject, and its address", from("192.0.2.1:1"), known("a"), from("192.0.2.1:1"), server.Identity{}, false},
		{"a subject that is an address", from("192.0.2.1:1"), server.Identity{}, from("192.0.2.9:1"), known("192.0.2.1"), false},
		{"a subject that proves nothing", from("192.0.2.1:1"), server.Identity{Subject: "a"}, from("192.0.2.2:1"), server.Identity{Subject: "a"}, false},
		{"a token without a subject", from("192.0.2.1:1"), known(""), from("192.0.2.2:1"), known(""), false},
		{"IPv6, one network", from("[2001:db8::1]:1"), server.Identity{}, from("[2001:db8::2:0:0:1]:1"), server.Identity{}, true},
		{"IPv6, two networks", from("[2001:db8::1]:1"), server.Identity{}, from("[2001:db8:0:1::1]:1"), server.Identity{}, false},
		{"IPv4 inside of IPv6", from("192.0.2.1:1"), server.Identity{}, from("[::ffff:192.0.2.1]:1"), server.Identity{}, true},
		{"forwarded by anybody", from("192.0.2.1:1", "1.1.1.1"), server.Identity{}, from("192.0.2.1:1", "2.2.2.2"), server.Identity{}, true},
		{"forwarded by a proxy", from("10.0.0.1:1", "1.1.1.1"), server.Identity{}, from("10.0.0.1:1", "2.2.2.2"), server.Identity{}, false},
		{"by two proxies", from("10.0.0.1:1", "1.1.1.1, 10.0.0.2"), server.Identity{}, from("10.0.0.3:1", "1.1.1.1", "10.0.0.9"), server.Identity{}, true},
		{"with what the client made up", from("10.0.0.1:1", "8.8.8.8, 1.1.1.1"), server.Identity{}, from("10.0.0.1:1", "9.9.9.9,1.1.1.1"), server.Identity{}, true},
		{"made up, no address", from("10.0.0.1:1", "x, 1.1.1.1"), server.Identity{}, from("10.0.0.1:1", "1.1.1.1"), server.Identity{}, true},
		{"with a port", from("10.0.0.1:1", "1.1.1.1:80"), server.Identity{}, from("10.0.0.1:1", "1.1.1.1"), server.Identity{}, true},
		{"IPv6 with a port", from("10.0.0.1:1", "[2001:db8::1]:80"), server.Identity{}, from("10.0.0.1:1", "2001:db8::1"), server.Identity{}, true},
		{"no address behind a proxy", from("10.0.0.1:1", "1.1.1.1, unknown"), server.Identity{}, from("10.0.0.1:1", "2.2.2.2, _hidden"), server.Identity{}, true},
		{"proxies alone", from("10.0.0.1:1", "10.0.0.2"), server.Identity{}, from("10.0.0.1:1", "10.0.0.3"), server.Identity{}, false},
		{"a Unix socket", from("@"), server.Identity{}, from(""), server.Identity{}, true},
	} {
		l := server.NewRateLimiter(server.RateOptions{PerSecond: 1e-9, Burst: 1, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		if wait := l.Allow(tc.first, &tc.one, 1); wait != 0 {
			t.Errorf("%s: the first waits %v", tc.name, wait)
		}
		if got := l.Allow(tc.second, &tc.two, 1) != 0; got != tc.shared {
			t.Errorf("%s: one bucket %v, want %v", tc.name, got, tc.shared)
		}
	}
}

// TestRateLimitMemory: however many clients there are, however long their names,
// memory stays; and a client that is known costs no allocation.
func TestRateLimitMemory(t *testing.T) { //nolint:paralleltest // it counts allocations
	const keys, most = 2000, 2000 * 600
	l := server.NewRateLimiter(server.RateOptions{PerSecond: 1e6, Keys: keys})
	id := server.Identity{Authenticated: true, Subject: "alice"}
	r := from("192.0.2.1:1")
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range 50 * keys {
		l.Allow(r, &server.Identity{Authenticated: true, Subject: fmt.Sprint(strings.Repeat("x", 1000), i)}, 1)
	}
	if grown := heap() - before; grown > most {
		t.Errorf("%d bytes for %d clients of at most %d", grown, 50*keys, keys)
	}
	for _, tc := range []struct {
		name string
		id   server.Identity
	}{{"subject", id}, {"address", server.Identity{}}} {
		if n := testing.AllocsPerRun(100, func() { l.Allow(r, &tc.id, 1) }); n > 0 {
			t.Errorf("%s: %v allocations", tc.name, n)
		}
	}
	runtime.KeepAlive(l)
	var off *server.RateLimiter
	if off.Allow(r, &id, 1) != 0 || server.NewRateLimiter(server.RateOptions{}) != nil {
		t.Error("no limit refuses")
	}
}

// TestRateLimitAnswers: over HTTP, for both endpoints together. What one client
// sends is nothing to another.
func TestRateLimitAnswers(t *testing.T) {
	t.Parallel()
	who := callers{"alice": {Authenticated: true, Subject: "alice"}, "bob": {Authenticated: true, Subject: "bob"}}
	limit := func() *server.RateLimiter {
		return server.NewRateLimiter(server.RateOptions{PerSecond: 1.0 / 90, Burst: 2})
	}
	type request struct{ token, body, want string }
	const good, two, three = `{"query":"{hello}"}`, `[{"query":"{hello}"},{"query":"{hello}"}]`, `[{"query":"{hello}"},{"query":"{hello}"},{"query":"{hello}"}]`
	const over = "429 RATE_LIMIT_EXCEEDED"
	for _, tc := range []struct {
		name     string
		requests []request
	}{
		{"one exhausts their own", []request{{"alice", good, "200"}, {"alice", good, "200"}, {"alice", good, over}, {"bob", good, "200"}, {"", good, "200"}}},
		{"a list counts whole", []request{{"alice", two, "200"}, {"alice", good, over}}},
		{"a list that is too long for what is left", []request{{"alice", good, "200"}, {"alice", two, over}}},
		{"a list that is longer than a burst takes all of it", []request{{"alice", three, "200"}, {"alice", good, over}}},
		{"forged tokens count for the address", []request{{"forged", good, "401 UNAUTHENTICATED"}, {"guess", good, "401 UNAUTHENTICATED"}, {"again", good, over}, {"", good, over}, {"alice", good, "200"}}},
		{"what is refused counts", []request{{"alice", `{}`, "400 REQUEST_ERROR"}, {"alice", `{}`, "400 REQUEST_ERROR"}, {"alice", good, over}}},
	} {
		m := newMemory()
		h := server.NewGraphQL(m, server.Options{Logger: silent, Authenticator: who, Batching: true, RateLimit: limit()})
		for i, r := range tc.requests {
			headers := []string{"Content-Type", jsonType, "Accept", responseType}
			if r.token != "" {
				headers = append(headers, "Authorization", "Bearer "+r.token)
			}
			w := ask(h, http.MethodPost, "/graphql", r.body, headers...)
			got := fmt.Sprint(w.Code)
			if w.Code != http.StatusOK {
				got = outcome(t, w)
			}
			if got != r.want {
				t.Errorf("%s, request %d: %s, want %s", tc.name, i+1, got, r.want)
			}
			retry := w.Header().Get("Retry-After")
			if limited := r.want == over; limited != (retry != "") || limited && (retry < "1" || w.Header().Get("WWW-Authenticate") != "") {
				t.Errorf("%s, request %d: Retry-After %q, WWW-Authenticate %q", tc.name, i+1, retry, w.Header().Get("WWW-Authenticate"))
			}
		}
	}
	shared := limit()
	graphql := server.NewGraphQL(newMemory(), server.Options{Logger: silent, RateLimit: shared})
	definitions := server.NewDefinitions(nil, server.DefinitionOptions{Logger: quiet, RateLimit: shared, MaxBody: 1})
	post(graphql, good)
	post(graphql, good)
	w := httptest.NewRecorder()
	definitions.ServeHTTP(w, definitionRequest(oneUser))
	const want = `{"data":null,"errors":[{"message":"too many requests; try again later","extensions":{"code":"RATE_LIMIT_EXCEEDED"}}]}`
	if w.Code != http.StatusTooManyRequests || w.Body.String() != want || w.Header().Get("Retry-After") != "90" {
		t.Errorf("definitions: %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
}

func BenchmarkRateLimit(b *testing.B) {
	l := server.NewRateLimiter(server.RateOptions{PerSecond: 1e9, Burst: 1 << 30})
	r, id := from("192.0.2.1:1"), &server.Identity{}
	b.ReportAllocs()
	for b.Loop() {
		l.Allow(r, id, 1)
	}
}
