package acme

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/acme/dns01"
)

// LetsEncrypt is the directory of the authority that is asked if none is named.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// How an authority finds out that a name is ours.
const (
	// ChallengeTLS is TLS-ALPN-01 (RFC 8737): it asks for a special certificate at
	// port 443.
	ChallengeTLS = "tls-alpn"
	// ChallengeHTTP is HTTP-01 (RFC 8555 §8.3): it asks for a special page at port
	// 80.
	ChallengeHTTP = "http"
	// ChallengeDNS is DNS-01 (RFC 8555 §8.4): it asks for a record of the name's zone,
	// and is the only one for all names below one.
	ChallengeDNS = "dns"
)

// Challenges are those there are.
var Challenges = []string{ChallengeTLS, ChallengeHTTP, ChallengeDNS}

// keyTypes are the kinds of keys certificates may have, by their names.
var keyTypes = map[string]certmagic.KeyType{
	"ec256": certmagic.P256, "ec384": certmagic.P384,
	"rsa2048": certmagic.RSA2048, "rsa4096": certmagic.RSA4096, "rsa8192": certmagic.RSA8192,
}

// DefaultKeyType is that of certificates if nothing is said.
const DefaultKeyType = "ec256"

// Options say from whom certificates are had, and where they are kept.
type Options struct {
	// Directory is the URL of the authority's directory. Its certificate has to be
	// of one of Roots, or of the system's if that is nil.
	Directory string
	Roots     *x509.CertPool
	// Email is whom the authority tells of trouble. Together with Directory it
	// stands for the account, which is opened at the first order; using the
	// authority is to agree to its terms.
	Email string
	// AccountID and AccountMAC bind that to an account the operator has by other
	// means (RFC 8555 §7.3.4), if they are set. The MAC key is secret, in base64url.
	AccountID, AccountMAC string
	// KeyType is "ec256", "ec384", "rsa2048", "rsa4096" or "rsa8192".
	KeyType string
	// PreferredChain is the common name of an issuer in the chain that is taken if
	// the authority offers several; else it is the first.
	PreferredChain string
	// Profile is which kind of certificates the authority is asked for; empty leaves
	// that to it.
	Profile string
	// Challenge is one of Challenges, and DNS who writes records for it.
	Challenge string
	DNS       dns01.Options

	// Import is Traefik's acme.json, of which the account and the certificates of the
	// resolver of that Name are taken over before anything is ordered.
	Import, Name string

	// Storage is shared by several; nil keeps all in Folder, for this machine alone.
	Storage Storage
	Folder  string

	Logger *slog.Logger

	unreached time.Duration // minUnreached, but for tests
}

// Validate joins what is wrong with the options, but for where all is kept.
func (o *Options) Validate() error {
	var errs []error
	if u, err := url.Parse(o.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
		errs = append(errs, fmt.Errorf("ca is the URL of the authority's directory, such as %s, and begins with https://", LetsEncrypt))
	}
	if _, domain, ok := strings.Cut(o.Email, "@"); !ok || domain == "" {
		errs = append(errs, errors.New("email is missing: the address at which the authority finds the operator"))
	}
	if (o.AccountID == "") != (o.AccountMAC == "") {
		errs = append(errs, errors.New("eab needs both kid and hmac"))
	}
	if _, ok := keyTypes[strings.ToLower(o.KeyType)]; !ok {
		errs = append(errs, noSuch("key_type", o.KeyType, slices.Sorted(maps.Keys(keyTypes))))
	}
	if !slices.Contains(Challenges, o.Challenge) {
		errs = append(errs, noSuch("challenge", o.Challenge, Challenges))
	}
	if o.Challenge == ChallengeDNS {
		for _, err := range o.DNS.Faults() {
			errs = append(errs, fmt.Errorf("dns: %w", err))
		}
	}
	return errors.Join(errs...)
}

func noSuch(key, word string, known []string) error {
	return fmt.Errorf("%s: %q is none of %s%s", key, word, strings.Join(known, ", "), nearest.Hint(word, "", slices.Values(known)))
}

// binding is the external account, nil for none.
func (o *Options) binding() *acme.EAB {
	if o.AccountID == "" {
		return nil
	}
	return &acme.EAB{KeyID: o.AccountID, MACKey: o.AccountMAC}
}

func (o *Options) chains() (c certmagic.ChainPreference) {
	if o.PreferredChain != "" {
		c.AnyCommonName = []string{o.PreferredChain}
	}
	return c
}
