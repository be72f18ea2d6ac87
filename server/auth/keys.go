package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// algorithms are those of RFC 7518 and RFC 8037 that sign; "none" is not one.
var algorithms = []string{
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
	"PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

const (
	maxKeys  = 100     // of a set
	maxSet   = 1 << 20 // bytes
	maxTries = 8       // keys tried for a token that names none
	minRSA   = 2048    // bits; RFC 7518, section 3.3
)

// key is one key with the algorithms that it is for: they come from the key and
// never from the token.
type key struct {
	id    string // "" fits every token
	algs  []string
	value jwt.VerificationKey
}

// keySet is immutable. Two loads of the same keys give one keySet, so that the
// tokens checked with it stay checked.
type keySet struct {
	keys []key
	text []byte // what it was read from
}

// find lists the keys that a token of algorithm alg which names id may be signed
// with.
func (s *keySet) find(id, alg string) []jwt.VerificationKey {
	if s == nil {
		return nil
	}
	var found []jwt.VerificationKey
	for i := range s.keys {
		k := &s.keys[i]
		if (k.id == id || k.id == "" || id == "") && slices.Contains(k.algs, alg) && len(found) < maxTries {
			found = append(found, k.value)
		}
	}
	return found
}

// newKey is a key for the algorithms of its kind, of which only those of allowed
// are kept where that is not empty.
func newKey(id string, value any, allowed []string) (key, error) {
	var algs []string
	switch k := value.(type) {
	case []byte:
		for _, a := range []struct {
			bytes int
			name  string
		}{{32, "HS256"}, {48, "HS384"}, {64, "HS512"}} {
			if len(k) >= a.bytes {
				algs = append(algs, a.name)
			}
		}
		if algs == nil {
			return key{}, errors.New("a secret of less than 32 bytes can be guessed")
		}
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return key{}, fmt.Errorf("an RSA key of %d bits: want at least %d", k.N.BitLen(), minRSA)
		}
		algs = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		alg := map[elliptic.Curve]string{elliptic.P256(): "ES256", elliptic.P384(): "ES384", elliptic.P521(): "ES512"}[k.Curve]
		if alg == "" {
			return key{}, errors.New("an ECDSA key on a curve that no algorithm takes")
		}
		algs = []string{alg}
	case ed25519.PublicKey:
		algs = []string{"EdDSA"}
	default:
		return key{}, fmt.Errorf("a key of type %T: want RSA, ECDSA or Ed25519", value)
	}
	if len(allowed) > 0 {
		algs = slices.DeleteFunc(algs, func(a string) bool { return !slices.Contains(allowed, a) })
		if len(algs) == 0 {
			return key{}, errUnfit
		}
	}
	return key{id: id, algs: algs, value: value}, nil
}

var errUnfit = errors.New("none of the algorithms that are accepted fits the key")

// secretSet is the set of one secret.
func secretSet(secret []byte, allowed []string) (*keySet, error) {
	k, err := newKey("", bytes.Clone(secret), allowed)
	if err != nil {
		return nil, err
	}
	for _, a := range allowed { // a longer one was meant
		if !slices.Contains(k.algs, a) {
			return nil, fmt.Errorf("a secret of %d bytes is none for %s", len(secret), a)
		}
	}
	return &keySet{keys: []key{k}}, nil
}

// parsePEM reads public keys and certificates.
func parsePEM(text []byte, allowed []string) (*keySet, error) {
	set := &keySet{text: text}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		value, err := publicKey(block)
		if err != nil {
			return nil, err
		}
		k, err := newKey("", value, allowed)
		if err != nil {
			return nil, err
		}
		if set.keys = append(set.keys, k); len(set.keys) > maxKeys {
			return nil, errors.New("too many keys")
		}
	}
	if len(set.keys) == 0 {
		return nil, errors.New("no public key in PEM form")
	}
	return set, nil
}

func publicKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	}
	return nil, fmt.Errorf("a PEM block %.32q: want a public key or a certificate; keep what signs away from here", block.Type)
}

// parseJWKS reads a JSON Web Key Set. Keys that are not for signatures, or that
// nobody here can use, are passed over. Secrets are taken only where secrets says
// so: what is published is none.
func parseJWKS(text []byte, allowed []string, secrets bool) (*keySet, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	switch n := len(doc.Keys); {
	case doc.Keys == nil:
		return nil, errors.New(`read key set: "keys" is missing`)
	case n > maxKeys:
		return nil, fmt.Errorf("read key set: %d keys; at most %d", n, maxKeys)
	}
	set := &keySet{text: text}
	for i, raw := range doc.Keys {
		k, ok, err := parseJWK(raw, allowed, secrets)
		if err != nil {
			return nil, fmt.Errorf("read key %d of the set: %w", i, err)
		}
		if ok {
			set.keys = append(set.keys, k)
		}
	}
	return set, nil
}

func parseJWK(raw json.RawMessage, allowed []string, secrets bool) (k key, ok bool, err error) {
	var m jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &m); err != nil {
		return key{}, false, err
	}
	ops := len(m.KEYOPS) == 0 || slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify)
	if m.USE != "" && m.USE != jwkset.UseSig || !ops || m.KTY == jwkset.KtyOct && !secrets {
		return key{}, false, nil
	}
	alg := string(m.ALG)
	m.KEYOPS, m.USE, m.ALG = nil, "", "" // judged here, more strictly
	// Certificates say nothing that is asked for here, and nothing is fetched.
	m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", ""
	j, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: true}, jwkset.JWKValidateOptions{})
	if err != nil {
		if errors.Is(err, jwkset.ErrUnsupportedKey) {
			return key{}, false, nil
		}
		return key{}, false, err
	}
	value := j.Key()
	switch private := value.(type) {
	case *rsa.PrivateKey:
		value = &private.PublicKey
	case *ecdsa.PrivateKey:
		value = &private.PublicKey
	case ed25519.PrivateKey:
		value = private.Public()
	}
	if alg != "" {
		if len(allowed) > 0 && !slices.Contains(allowed, alg) {
			return key{}, false, nil
		}
		allowed = []string{alg}
	}
	k, err = newKey(m.KID, value, allowed)
	if err != nil { // weak, of another curve, for an algorithm that it does not fit
		return key{}, false, nil //nolint:nilerr // a set is published for others too: what is of no use is passed over
	}
	return k, true, nil
}
