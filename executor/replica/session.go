package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Session is what one user's reads must not miss: the position of the last write. It
// is safe for concurrent use. Make one with NewSession, or of tokens that an earlier
// one gave (Resume).
type Session struct {
	mu       sync.Mutex
	position Position
	primary  bool // read there: what was written has no position that is known
	wrote    bool // since it was made
}

// NewSession is a Session in which nothing was written yet.
func NewSession() *Session { return &Session{} }

// OnPrimary is the token of a Session all of whose reads go to the primary.
const OnPrimary = "primary"

// maxTokens bounds what a client may send: one for each of several writes at a time.
const maxTokens = 16

// ErrToken is what Resume's error wraps.
var ErrToken = errors.New("not a session token")

// Resume is a Session that goes on after what the tokens tell of, in any order.
// Each may be several with commas between them; what is empty is left out. A token
// grants nothing: at worst its reads go to the primary.
func Resume(tokens ...string) (*Session, error) {
	s := NewSession()
	var n int
	for _, list := range tokens {
		for token := range strings.SplitSeq(list, ",") {
			token = strings.Trim(token, " \t")
			if token == "" {
				continue
			}
			if n++; n > maxTokens {
				return nil, fmt.Errorf("%w: more than %d of them", ErrToken, maxTokens)
			}
			p, ok := parsePosition(token)
			switch {
			case token == OnPrimary:
				s.primary = true
			case !ok:
				return nil, fmt.Errorf("%w: want what an answer gave, such as %s, or %s", ErrToken, Position{1, 0x16B3748}, OnPrimary)
			case p.after(s.position):
				s.position = p
			}
		}
	}
	return s, nil
}

// Token is the text by which Resume goes on after what was written. It is "" where
// nothing was, and OnPrimary where the position of a write is not known.
func (s *Session) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.primary:
		return OnPrimary
	case s.position == Position{}:
		return ""
	}
	return s.position.String()
}

// Wrote says whether something was written since the Session was made or resumed.
func (s *Session) Wrote() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote
}

// note tells of a write; ok is false where its position is not known. A later write
// whose position is known is behind it.
func (s *Session) note(p Position, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrote = true
	switch {
	case !ok:
		s.primary = true
	case p.after(s.position):
		s.position, s.primary = p, false
	}
}

// needs is what a read must not miss.
func (s *Session) needs() (p Position, primary bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position, s.primary
}

type sessionKey struct{}

// WithSession gives ctx the Session that operations with it belong to.
func WithSession(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// SessionOf is the Session of ctx, nil where it has none.
func SessionOf(ctx context.Context) *Session {
	s, _ := ctx.Value(sessionKey{}).(*Session)
	return s
}
