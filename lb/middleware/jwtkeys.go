package middleware

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// jwtKey is a key that tokens are checked with: public, or a secret.
type jwtKey struct {
	id         string // empty if it has none
	algorithms []string
	key        any
}

// Bounds of what is read of keys, for a token without a key's name may be tried with
// all of them; and the least strength of those of RSA (RFC 7518 §3.3), in bits.
const (
	maxJWTKeys = 64
	minRSABits = 2048
)

// parsePublicKeys reads keys of PEM blocks (keys and certificates), a JWK, or a set of
// them. What is no public key for signatures is left out, so that a set may hold keys
// for other purposes; if none is left that is an error. Errors do not repeat the text.
func parsePublicKeys(text []byte) ([]jwtKey, error) {
	parse := parsePEMKeys
	if trimmed := strings.TrimSpace(string(text)); strings.HasPrefix(trimmed, "{") {
		parse = parseJWKs
	}
	keys, err := parse(text)
	switch {
	case err != nil:
		return nil, err
	case len(keys) == 0:
		return nil, errors.New("there is no public key for signatures (RSA of 2048 bits or more, P-256, P-384, P-521, Ed25519)")
	case len(keys) > maxJWTKeys:
		return nil, fmt.Errorf("there are %d keys, more than %d", len(keys), maxJWTKeys)
	}
	return keys, nil
}

func parsePEMKeys(text []byte) (keys []jwtKey, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return keys, nil
		}
		var key any
		switch block.Type {
		case "CERTIFICATE":
			var certificate *x509.Certificate
			if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
				key = certificate.PublicKey
			}
		case "PUBLIC KEY":
			key, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "RSA PUBLIC KEY":
			key, err = x509.ParsePKCS1PublicKey(block.Bytes)
		default:
			err = errors.New("what is expected is a public key or a certificate")
		}
		if err != nil {
			return nil, fmt.Errorf("the PEM block %q: %w", block.Type, err)
		}
		if algorithms := algorithmsOf(key); algorithms != nil {
			keys = append(keys, jwtKey{algorithms: algorithms, key: key})
		}
	}
}

// parseJWKs reads a JWK or a set of them (RFC 7517).
func parseJWKs(text []byte) (keys []jwtKey, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("what begins like a JWK is not one")
	}
	if set.Keys == nil {
		set.Keys = []json.RawMessage{text}
	}
	for _, one := range set.Keys {
		var jwk jose.JSONWebKey
		if json.Unmarshal(one, &jwk) != nil || jwk.Use != "" && jwk.Use != "sig" {
			continue // RFC 7517 §5: what is not understood is ignored
		}
		public := jwk.Public().Key // a secret has none
		algorithms := algorithmsOf(public)
		if jwk.Algorithm != "" {
			algorithms = slices.DeleteFunc(algorithms, func(a string) bool { return a != jwk.Algorithm })
		}
		if len(algorithms) > 0 {
			keys = append(keys, jwtKey{jwk.KeyID, algorithms, public})
		}
	}
	return keys, nil
}

// algorithmsOf are those a public key is for, nil if it is not fit for any.
func algorithmsOf(key any) []string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= minRSABits {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		switch key.Params().BitSize {
		case 256:
			return []string{"ES256"}
		case 384:
			return []string{"ES384"}
		case 521:
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// parseSecret makes a key of a secret, without the end of a file's last line. It has
// to be as long as the digests that are made with it (RFC 7518 §3.2).
func parseSecret(text []byte) ([]jwtKey, error) {
	secret := strings.TrimRight(string(text), "\r\n")
	var algorithms []string
	for _, one := range []struct {
		name string
		size int
	}{{"HS256", 32}, {"HS384", 48}, {"HS512", 64}} {
		if len(secret) >= one.size {
			algorithms = append(algorithms, one.name)
		}
	}
	if algorithms == nil {
		return nil, fmt.Errorf("a secret has 32 bytes or more, not %d", len(secret))
	}
	return []jwtKey{{algorithms: algorithms, key: []byte(secret)}}, nil
}

// candidates are the keys that a token of that algorithm may be signed with. Keys
// without a name suit any, and tokens without one any key.
func candidates(keys []jwtKey, algorithm, id string) (suitable []jwtKey) {
	for _, k := range keys {
		if (id == "" || k.id == "" || k.id == id) && slices.Contains(k.algorithms, algorithm) {
			suitable = append(suitable, k)
		}
	}
	return suitable
}
