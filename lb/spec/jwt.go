package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// JWT lets in who brings a signed token (RFC 7519, in the compact form of RFC 7515).
// Its keys come from exactly one place.
type JWT struct {
	// JWKSURL is where the keys are fetched (RFC 7517), KeyFile a file of them: PEM
	// or JWK, read again when it changes. Key is the text of such a file. All three
	// hold public keys only.
	JWKSURL string `key:"jwksurl"`
	KeyFile string `key:"keyfile"`
	Key     string `key:"key"`
	// Secret is shared with who signs, SecretFile a file of it.
	Secret     string `key:"secret"`
	SecretFile string `key:"secretfile"`
	// Algorithms are those that count, empty for all that suit the keys:
	// [PublicAlgorithms], or [SecretAlgorithms]. The two never mix.
	Algorithms []string `key:"algorithms"`
	// Issuers and Audiences are those a token may be of and for; empty for any.
	Issuers   []string `key:"issuers"`
	Audiences []string `key:"audiences"`
	// Claims have to be there, with one of the values between commas, or with any if
	// that is empty. A name finds the claim of that name, or else one inside others:
	// "realm_access.roles".
	Claims map[string]string `key:"claims"`
	// Headers are the request fields that get the value of a claim: X-User = "sub".
	// Clients cannot set them.
	Headers map[string]string `key:"headers"`
	// UserClaim names the user in the access log; empty for sub.
	UserClaim string `key:"userclaim"`
	// Cookie is where a token may be beside the field Authorization.
	Cookie string `key:"cookie"`
	// RemoveToken keeps the token from the upstream.
	RemoveToken bool   `key:"removetoken"`
	Realm       string `key:"realm"` // empty: none is named
	// Leeway is by how much clocks may differ.
	Leeway time.Duration `key:"leeway"`
	// WithoutExpiry takes tokens that never expire.
	WithoutExpiry bool `key:"withoutexpiry"`
	// Refresh is how old keys of JWKSURL get before they are fetched again, MaxAge
	// how long they count if that fails.
	Refresh time.Duration `key:"refresh"`
	MaxAge  time.Duration `key:"maxage"`
	// TLS is how JWKSURL is spoken to.
	TLS *ClientTLS `key:"tls"`
}

// DefaultJWT has the values of what is not said.
func DefaultJWT() *JWT {
	return &JWT{Leeway: 10 * time.Second, Refresh: 15 * time.Minute, MaxAge: 24 * time.Hour}
}

// PublicAlgorithms are those of signatures that a public key checks,
// SecretAlgorithms those that take the secret itself (RFC 7518 §3, RFC 8037).
var (
	PublicAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	SecretAlgorithms = []string{"HS256", "HS384", "HS512"}
)

// Bounds of what a JWT may say.
const (
	maxLeeway  = 5 * time.Minute
	minRefresh = 10 * time.Second
)

// Kind implements [Middleware].
func (*JWT) Kind() string { return "jwt" }

// IsSecret reports whether the keys are a secret.
func (j *JWT) IsSecret() bool { return j.Secret != "" || j.SecretFile != "" }

// Accepted are the algorithms that count.
func (j *JWT) Accepted() []string {
	switch {
	case len(j.Algorithms) > 0:
		return j.Algorithms
	case j.IsSecret():
		return SecretAlgorithms
	}
	return PublicAlgorithms
}

// Validate implements [Middleware].
func (j *JWT) Validate() error {
	sources := 0
	for _, source := range []string{j.JWKSURL, j.KeyFile, j.Key, j.Secret, j.SecretFile} {
		if source != "" {
			sources++
		}
	}
	var errs []error
	if sources != 1 {
		errs = append(errs, errors.New("the keys come from one of jwksurl, keyfile, key, secret and secretfile"))
	}
	errs = append(errs, j.checkAlgorithms())
	if j.Leeway < 0 || j.Leeway > maxLeeway {
		errs = append(errs, fmt.Errorf("leeway is from 0s to %v, not %v", maxLeeway, j.Leeway))
	}
	if j.Refresh < minRefresh || j.MaxAge < j.Refresh {
		errs = append(errs, fmt.Errorf("refresh is %v or more, and maxage no less than refresh", minRefresh))
	}
	if err := CheckCookieName(j.Cookie); err != nil {
		errs = append(errs, err)
	}
	for name, claim := range j.Headers {
		if claim == "" {
			errs = append(errs, fmt.Errorf("the field %s gets no claim", name))
		}
	}
	return errors.Join(errs...)
}

func (j *JWT) checkAlgorithms() error {
	known, keys := PublicAlgorithms, "public keys"
	if j.IsSecret() {
		known, keys = SecretAlgorithms, "a secret"
	}
	for _, name := range j.Algorithms {
		if !slices.Contains(known, name) {
			return fmt.Errorf("with %s there is no algorithm %q (%s)", keys, name, strings.Join(known, ", "))
		}
	}
	return nil
}
