package server

import (
	"context"
	"net/http"
	"time"
)

// SessionHeader carries the token of a session: an answer whose request wrote has it,
// and a request that has it again does not miss what was written. Several tokens may
// be sent with commas between them, in any order.
const SessionHeader = "X-Fraiseql-Session"

// SessionPrimary is the token for reading from the primary.
const SessionPrimary = "primary"

// sessionCookie carries the token for clients that have cookies and no code for it.
const sessionCookie = "fraiseql_session"

// Sessions let a client read what it has written, where reads are answered from
// copies of the database that are late. Two requests without a token have no promise.
type Sessions struct {
	// Open gives the context of a request whose client sent tokens, and what tells the
	// token for its answer: "" where nothing was written. The error says that a token
	// is none.
	Open func(ctx context.Context, tokens []string) (context.Context, func() string, error)
	// Cookie gives the token as a cookie too, and takes it back from there.
	Cookie bool
	// CookieAge is how long the cookie lasts, in whole seconds: until no copy is that
	// late any more. 0: as long as the browser runs.
	CookieAge time.Duration
}

var errSession = &refusal{
	http.StatusBadRequest, 0, "REQUEST_ERROR",
	"the header " + SessionHeader + " is not what an answer gave; send that, or " + SessionPrimary + ", or leave it out",
}

// open is Open for r; its error is errSession.
func (s *Sessions) open(r *http.Request) (*http.Request, func() string, error) {
	tokens := r.Header.Values(SessionHeader)
	if s.Cookie {
		// A browser can't mend its cookie: one that is none reads from the primary.
		for _, c := range r.CookiesNamed(sessionCookie) {
			if _, _, err := s.Open(r.Context(), []string{c.Value}); err != nil {
				c.Value = SessionPrimary
			}
			tokens = append(tokens, c.Value)
		}
	}
	ctx, token, err := s.Open(r.Context(), tokens)
	if err != nil {
		return r, nil, errSession
	}
	return r.WithContext(ctx), token, nil
}

// tell puts token into the head of the answer to r.
func (s *Sessions) tell(h http.Header, r *http.Request, token string) {
	vary(h, SessionHeader)
	if s.Cookie {
		vary(h, "Cookie")
	}
	if token == "" {
		return
	}
	h.Set(SessionHeader, token)
	if s.Cookie {
		c := http.Cookie{ //nolint:gosec // Secure where the connection is; it is no secret
			Name: sessionCookie, Value: token, Path: "/", MaxAge: int(s.CookieAge.Seconds()),
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
		}
		h.Add("Set-Cookie", c.String())
	}
}
