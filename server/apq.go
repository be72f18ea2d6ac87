package server

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// persisted are the automatically persisted queries: documents by their SHA-256,
// as clients sent them, bounded by their bytes.
type persisted struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[[sha256.Size]byte, string]
	bytes int64
	limit int64
}

// entryBytes is about what an entry takes besides its text.
const entryBytes = 200

func newPersisted(limit int64) *persisted {
	p := &persisted{limit: limit}
	// The only error is that of a size that is not positive.
	p.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ [sha256.Size]byte, query string) {
		p.bytes -= int64(len(query)) + entryBytes
	})
	return p
}

func (p *persisted) get(hash [sha256.Size]byte) (query string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lru.Get(hash)
}

// add keeps query, which hash is of. One that alone is larger than the limit is
// not kept.
func (p *persisted) add(hash [sha256.Size]byte, query string) {
	size := int64(len(query)) + entryBytes
	p.mu.Lock()
	defer p.mu.Unlock()
	if size > p.limit || p.lru.Contains(hash) {
		return
	}
	p.bytes += size
	p.lru.Add(hash, query)
	for p.bytes > p.limit {
		p.lru.RemoveOldest()
	}
}

// document finds the text that p asks for. Keep says to remember it under p.hash
// once it has proven valid.
func (g *graphQL) document(p *params) (query string, keep bool, err *refusal) {
	if g.o.Trusted != nil {
		query, err = g.o.Trusted.document(p)
		return query, false, err
	}
	var ok bool
	switch {
	case p.documentID != "":
		hash, named := hashOf(p.documentID)
		if !named || g.persisted == nil {
			return "", false, errNoDocument
		}
		if query, ok = g.persisted.get(hash); !ok {
			return "", false, errNoDocument
		}
	case !p.persisted:
		return p.query, false, nil
	case g.persisted == nil && p.hasQuery: // as well as without
		return p.query, false, nil
	case g.persisted == nil:
		return "", false, errPersistedOff
	case !p.hasQuery:
		if query, ok = g.persisted.get(p.hash); !ok {
			g.o.Metrics.APQ(APQMiss)
			return "", false, errNotPersisted
		}
		g.o.Metrics.APQ(APQHit)
	default:
		if sha256.Sum256([]byte(p.query)) != p.hash {
			g.o.Metrics.APQ(APQMismatch)
			return "", false, errMismatch
		}
		return p.query, true, nil
	}
	return query, false, nil
}

// hashOf reads "sha256:" and 64 lower-case hexadecimal digits (GraphQL over HTTP,
// appendix Persisted Documents).
func hashOf(id string) (hash [sha256.Size]byte, ok bool) {
	digits, ok := strings.CutPrefix(id, "sha256:")
	if !ok || len(digits) != 2*sha256.Size || strings.ToLower(digits) != digits {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(digits))
	return hash, err == nil
}
