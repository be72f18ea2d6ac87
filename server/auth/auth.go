package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/server"
)

// maxToken bounds a token in bytes.
const maxToken = 8 << 10

// JWT checks tokens. It is safe for concurrent use; Close it.
type JWT struct {
	required bool
	parser   *jwt.Parser
	skew     time.Duration
	source   source
	rules    *rules
	seen     *lru.Cache[string, *verified] // nil: none
	now      func() time.Time
}

var _ server.Authenticator = (*JWT)(nil)

// verified is a token that was good.
type verified struct {
	identity server.Identity
	keys     *keySet   // it was checked with
	until    time.Time // zero: it lasts
}

// New makes a JWT. Keys of a file are read before it returns; those of a URL are
// fetched from then on, and a service that can't be reached is no error: tokens
// are refused until it can.
func New(o Options) (*JWT, error) {
	o.defaults()
	j := &JWT{required: o.Required, skew: o.Skew, now: time.Now}
	if err := j.init(&o); err != nil {
		return nil, fmt.Errorf("set up authentication: %w", err)
	}
	return j, nil
}

func (j *JWT) init(o *Options) (err error) {
	if err = o.check(); err != nil {
		return err
	}
	if j.rules, err = newRules(o); err != nil {
		return err
	}
	if o.Cache > 0 {
		if j.seen, err = lru.New[string, *verified](o.Cache); err != nil {
			return err
		}
	}
	j.parser = newParser(o, func() time.Time { return j.now() })
	j.source, err = newSource(o)
	return err
}

func newSource(o *Options) (source, error) {
	inPEM := func(text []byte) (*keySet, error) { return parsePEM(text, o.Algorithms) }
	var f *file
	switch {
	case o.Secret != nil:
		set, err := secretSet(o.Secret, o.Algorithms)
		return fixed{set}, err
	case o.PublicKeys != nil:
		set, err := inPEM(bytes.Clone(o.PublicKeys))
		return fixed{set}, err
	case o.PublicKeyFile != "":
		f = &file{path: o.PublicKeyFile, parse: inPEM, log: o.Log}
	case o.JWKSFile != "":
		f = &file{path: o.JWKSFile, log: o.Log, parse: func(text []byte) (*keySet, error) { return parseJWKS(text, o.Algorithms, true) }}
	case o.JWKSURL != "":
		return newRemote(o, func(text []byte) (*keySet, error) { return parseJWKS(text, o.Algorithms, false) }), nil
	default:
		return fixed{}, nil
	}
	if err := f.load(true); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return f, nil
}

func newParser(o *Options, now func() time.Time) *jwt.Parser {
	valid := o.Algorithms
	if len(valid) == 0 {
		valid = algorithms
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(valid), jwt.WithLeeway(o.Skew), jwt.WithIssuedAt(), jwt.WithTimeFunc(now),
		jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
	}
	if !o.Lasting {
		options = append(options, jwt.WithExpirationRequired())
	}
	if len(o.Audience) > 0 {
		options = append(options, jwt.WithAudience(o.Audience...))
	}
	if o.Issuer != "" {
		options = append(options, jwt.WithIssuer(o.Issuer))
	}
	return jwt.NewParser(options...)
}

// Close ends the fetching of keys. Tokens are checked with the last ones after it.
func (j *JWT) Close() { j.source.close() }

// Reload reads the keys again, from the file or the URL. On an error the old ones
// stay.
func (j *JWT) Reload() error { return j.source.reload() }

// What is wrong with a request. The text is for the log, never for a client.
var (
	// ErrNoToken is that there is none, where one is needed.
	ErrNoToken = errors.New("no token")
	// ErrToken is that the token is not good: malformed, not signed by a key that
	// counts, expired, for others.
	ErrToken = errors.New("the token is not good")
	// ErrClaims is that a good token has claims that are not accepted: an unknown
	// tenant, a role that is not allowed, none where one is required.
	ErrClaims = errors.New("the claims of the token are not accepted")
)

// Authenticate finds out who sent r. The error wraps ErrNoToken, ErrToken or
// ErrClaims, or has backend.CodeServiceUnavailable while no keys could be fetched. The identity's Session is shared between requests: not to be changed.
func (j *JWT) Authenticate(r *http.Request) (server.Identity, error) {
	token, err := bearer(r.Header)
	if err != nil {
		return server.Identity{}, err
	}
	if token == "" {
		if j.required || j.rules.nobody == nil {
			return server.Identity{}, ErrNoToken
		}
		return j.rules.withHeaders(server.Identity{Session: j.rules.nobody}, r.Header), nil
	}
	v, err := j.check(r.Context(), token)
	if err != nil {
		return server.Identity{}, err
	}
	return j.rules.withHeaders(v.identity, r.Header), nil
}

// bearer is the token of the Authorization header (RFC 6750, section 2.1); "" where
// there is no such header.
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", fmt.Errorf("%w: %d Authorization headers", ErrToken, len(values))
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.Trim(token, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", fmt.Errorf("%w: the scheme is not Bearer", ErrToken)
	case token == "":
		return "", fmt.Errorf("%w: it is empty", ErrToken)
	case len(token) > maxToken:
		return "", fmt.Errorf("%w: %d bytes; at most %d", ErrToken, len(token), maxToken)
	}
	return token, nil
}

// check is verify with a memory.
func (j *JWT) check(ctx context.Context, token string) (*verified, error) {
	if j.seen == nil {
		return j.verify(ctx, token)
	}
	if v, ok := j.seen.Get(token); ok {
		if v.keys == j.source.current() && (v.until.IsZero() || j.now().Before(v.until)) {
			return v, nil
		}
		j.seen.Remove(token) // whether it is still good is for verify to say
	}
	v, err := j.verify(ctx, token)
	if err == nil {
		j.seen.Add(strings.Clone(token), v)
	}
	return v, err
}

func (j *JWT) verify(ctx context.Context, token string) (*verified, error) {
	v := &verified{keys: j.source.current()}
	claims := jwt.MapClaims{}
	_, err := j.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) { return j.keysFor(ctx, t, v) })
	switch {
	case backend.CodeOf(err) == backend.CodeServiceUnavailable:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	exp, err := claims.GetExpirationTime()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if exp != nil {
		v.until = exp.Add(j.skew)
	}
	payload, err := payloadOf(token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if v.identity, err = j.rules.identity(payload); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return v, nil
}

// keysFor finds the keys that t may be signed with.
func (j *JWT) keysFor(ctx context.Context, t *jwt.Token, v *verified) (any, error) {
	if _, ok := t.Header["crit"]; ok { // RFC 7515, section 4.1.11: none is understood
		return nil, errors.New("the header has crit")
	}
	var id string
	if raw, ok := t.Header["kid"]; ok {
		if id, ok = raw.(string); !ok {
			return nil, errors.New("kid is no string")
		}
	}
	found := v.keys.find(id, t.Method.Alg())
	if len(found) == 0 {
		v.keys = j.source.again(ctx)
		found = v.keys.find(id, t.Method.Alg())
	}
	switch _, fetched := j.source.(*remote); {
	case len(found) > 0:
	case fetched && v.keys == nil: // nobody can say whether the token is good
		return nil, backend.New("authenticate", backend.CodeServiceUnavailable, errNoKeys)
	default:
		return nil, errors.New("no key fits the header")
	}
	return jwt.VerificationKeySet{Keys: found}, nil
}

// payloadOf are the claims of a token that was parsed, as they were written.
func payloadOf(token string) (json.RawMessage, error) {
	_, rest, _ := strings.Cut(token, ".")
	part, _, _ := strings.Cut(rest, ".")
	return base64.RawURLEncoding.Strict().DecodeString(part)
}
