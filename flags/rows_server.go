package flags

import (
	"net/netip"
	"time"
)

// Server are the settings of serving over HTTP.
type Server struct {
	// Addr is where requests are taken, HOST:PORT; port 0 picks a free one.
	Addr string
	// AdminAddr is where health and metrics are told, HOST:PORT; "" for nowhere.
	AdminAddr string
	// TLSCertFile and TLSKeyFile are PEM files; both are set or none is.
	TLSCertFile, TLSKeyFile string
	// H2C takes HTTP/2 without TLS.
	H2C bool
	// Compression compresses answers for clients that ask for it.
	Compression bool
	// CORSOrigins may read answers in a browser; "*" is any. None: no other site.
	CORSOrigins []string
	// BodyLimit bounds a request's body, in bytes.
	BodyLimit int
	// ReadTimeout bounds the time in which a request has to arrive.
	ReadTimeout time.Duration
	// WriteTimeout bounds the time in which a client has to take a part of an answer.
	WriteTimeout time.Duration
	// RequestTimeout bounds a request with its answer; 0 means no limit.
	RequestTimeout time.Duration
	// DrainDelay is how long the end of the server is announced before it begins.
	DrainDelay time.Duration
	// ShutdownTimeout bounds the end of the server, DrainDelay with it.
	ShutdownTimeout time.Duration
	// MaxInFlight bounds the requests that run at one time; 0 means no limit.
	MaxInFlight int
	// RateLimit is how many requests a client may send each second; 0 means no limit.
	RateLimit int
	// RateBurst is how many it may send at once; 0 means RateLimit.
	RateBurst int
	// TrustedProxies are the networks whose X-Forwarded-For is believed: addresses, or
	// prefixes such as 10.0.0.0/8.
	TrustedProxies []string
	// RequestLog logs each request.
	RequestLog bool
	// Profiling serves profiles on AdminAddr.
	Profiling bool
	// Tracing is Auto (default), TracingOTLP or TracingOff: whether `fraiseql serve`
	// sends spans.
	Tracing string
}

// Proxies are TrustedProxies, read; what is none, which Validate refuses, is left
// out.
func (s *Server) Proxies() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range s.TrustedProxies {
		if p, ok := prefixOf(text); ok {
			list = append(list, p)
		}
	}
	return list
}

// prefixOf reads a network, or an address as a network of its own. A network that
// says more than its bits hold, such as 10.0.0.1/8, is not clear and refused.
func prefixOf(v string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(v); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), addr.Zone() == "" && !addr.Is4In6()
	}
	p, err := netip.ParsePrefix(v)
	return p, err == nil && p == p.Masked() && !p.Addr().Is4In6()
}

// The choices of Server.Tracing beside Auto.
const (
	TracingOTLP = "otlp"
	TracingOff  = "off"
)

const (
	addressAllowed = "HOST:PORT, such as 127.0.0.1:8000, or :8000 for every address of the machine; port 0 picks a free one"
	fileAllowed    = "the path of a file"
	maxBytes       = 1 << 30
)

// serverRows are the settings of serving over HTTP.
var serverRows = []Setting{
	word("Server", "FRAISEQL_CONFIG", "config", "", fileAllowed,
		"A YAML file with settings. Not set: fraiseql.yaml in the working directory, where there is one. It cannot be said in that file itself.",
		func(s *Settings) *string { return &s.Config }, fileName),
	word("Server", "FRAISEQL_ADDR", "addr", "127.0.0.1:8000", addressAllowed,
		"Where requests are taken.",
		func(s *Settings) *string { return &s.Server.Addr }, address),
	word("Server", "FRAISEQL_ADMIN_ADDR", "admin-addr", "", addressAllowed,
		"Where /healthz, /readyz, /metrics and the admin calls are answered, apart from the public address. Not set: there is no such listener.",
		func(s *Settings) *string { return &s.Server.AdminAddr }, address),
	word("Server", "FRAISEQL_TLS_CERT_FILE", "tls-cert-file", "", fileAllowed,
		"The certificate and its chain, PEM. With FRAISEQL_TLS_KEY_FILE requests are taken over TLS, by HTTP/2 too.",
		func(s *Settings) *string { return &s.Server.TLSCertFile }, fileName),
	word("Server", "FRAISEQL_TLS_KEY_FILE", "tls-key-file", "", fileAllowed,
		"The private key of the certificate, PEM.",
		func(s *Settings) *string { return &s.Server.TLSKeyFile }, fileName),
	truth("Server", "FRAISEQL_H2C", "h2c", "false",
		"Whether HTTP/2 without TLS is taken, for a proxy that speaks it.",
		func(s *Settings) *bool { return &s.Server.H2C }),
	truth("Server", "FRAISEQL_COMPRESSION", "compression", "true",
		"Whether answers are compressed with gzip or zstd for clients that ask for it.",
		func(s *Settings) *bool { return &s.Server.Compression }),
	list("Server", "FRAISEQL_CORS_ORIGINS", "cors-origins",
		"origins with commas between them, such as https://app.example.com,http://localhost:3000; one * in each stands for anything",
		"The web sites whose pages may call the server from a browser. Not set: none but its own.",
		func(s *Settings) *[]string { return &s.Server.CORSOrigins }, origin),
	count("Server", "FRAISEQL_BODY_LIMIT", "body-limit", "1048576", 1, maxBytes,
		"The most bytes of a request's body.",
		func(s *Settings) *int { return &s.Server.BodyLimit }),
	millis("Server", "FRAISEQL_READ_TIMEOUT_MS", "read-timeout-ms", "15000", 1,
		"How long a request may take to arrive.",
		func(s *Settings) *time.Duration { return &s.Server.ReadTimeout }),
	millis("Server", "FRAISEQL_WRITE_TIMEOUT_MS", "write-timeout-ms", "30000", 1,
		"How long a client may take to accept a part of an answer. An answer that flows may last longer.",
		func(s *Settings) *time.Duration { return &s.Server.WriteTimeout }),
	millis("Server", "FRAISEQL_REQUEST_TIMEOUT_MS", "request-timeout-ms", "0", 0,
		"How long a request may take, its answer with it. 0: no limit but that of each statement, FRAISEQL_DB_QUERY_TIMEOUT_MS.",
		func(s *Settings) *time.Duration { return &s.Server.RequestTimeout }),
	millis("Server", "FRAISEQL_DRAIN_DELAY_MS", "drain-delay-ms", "0", 0,
		"How long /readyz fails before the server ends, so that a load balancer takes it out.",
		func(s *Settings) *time.Duration { return &s.Server.DrainDelay }),
	millis("Server", "FRAISEQL_SHUTDOWN_TIMEOUT_MS", "shutdown-timeout-ms", "25000", 1,
		"How long the end of the server may take, FRAISEQL_DRAIN_DELAY_MS with it; requests that run longer are cut off.",
		func(s *Settings) *time.Duration { return &s.Server.ShutdownTimeout }),
	count("Server", "FRAISEQL_MAX_IN_FLIGHT", "max-in-flight", "1000", 0, 1_000_000,
		"The most requests that run at one time; more are answered with 503. 0: no limit.",
		func(s *Settings) *int { return &s.Server.MaxInFlight }),
	count("Server", "FRAISEQL_RATE_LIMIT", "rate-limit", "0", 0, 1_000_000,
		"How many requests a client may send each second: who proves to be somebody by a token, else an address (of IPv6 a network of 64 bits). More are answered with 429. Each process counts for itself. 0: no limit.",
		func(s *Settings) *int { return &s.Server.RateLimit }),
	count("Server", "FRAISEQL_RATE_BURST", "rate-burst", "0", 0, 1_000_000,
		"How many requests a client may send at once. 0: as many as FRAISEQL_RATE_LIMIT.",
		func(s *Settings) *int { return &s.Server.RateBurst }),
	list("Server", "FRAISEQL_TRUSTED_PROXIES", "trusted-proxies",
		"addresses and networks with commas between them, such as 10.0.0.0/8,192.0.2.7,2001:db8::/32",
		"The proxies whose X-Forwarded-For says where a request is from. Not set: a request is from where its connection is from.",
		func(s *Settings) *[]string { return &s.Server.TrustedProxies }, func(v string) bool { _, ok := prefixOf(v); return ok }),
	truth("Server", "FRAISEQL_REQUEST_LOG", "request-log", "false",
		"Whether each request is logged, with its id, status and time. Errors are logged in any case.",
		func(s *Settings) *bool { return &s.Server.RequestLog }),
	truth("Server", "FRAISEQL_PROFILING", "profiling", "false",
		"Whether profiles are served at /debug/pprof/ of FRAISEQL_ADMIN_ADDR. They show what is in memory.",
		func(s *Settings) *bool { return &s.Server.Profiling }),
	choice("Server", "FRAISEQL_TRACING", "tracing",
		"Whether `serve` sends OpenTelemetry spans of requests and statements by OTLP over HTTP, as the OTEL_ variables say. "+
			"auto does so where OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set.",
		func(s *Settings) *string { return &s.Server.Tracing }, Auto, TracingOTLP, TracingOff),
}
