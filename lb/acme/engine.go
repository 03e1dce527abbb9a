package acme

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/sluiceproxy/sluice/lb/acme/dns01"
)

// engine is the library at work. It is asked to settle one name after the other;
// when, is not its business.
type engine struct {
	storage certmagic.Storage
	cache   *certmagic.Cache // what is being settled; certificates are served from elsewhere
	config  *certmagic.Config
	issuer  *certmagic.ACMEIssuer

	timeout   time.Duration // of what is done for one name
	unreached time.Duration // the first pause after a failure to reach somebody
}

// settleTimeout bounds what is done for one name, the wait for others included
// that do the same. Of challenges by DNS there may be one at a time, each of which
// waits until the zone's servers agree.
const settleTimeout, settleTimeoutDNS = 10 * time.Minute, time.Hour

// newEngine makes one that expects challenges at an address, on which somebody
// listens who has the engine answer them: else it would listen itself.
func newEngine(o *Options, storage certmagic.Storage, solver *dns01.Solver, address netip.AddrPort, issued func(name string)) *engine {
	e := &engine{storage: storage, timeout: settleTimeout, unreached: cmp.Or(o.unreached, minUnreached)}
	log := newLogger(o.Logger)
	e.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return e.config, nil },
		RenewCheckInterval: time.Minute, // as much earlier than authorities say it is done
		OCSPCheckInterval:  math.MaxInt64,
		Logger:             log,
	})
	e.config = certmagic.New(e.cache, certmagic.Config{
		Storage:   storage,
		KeySource: certmagic.StandardKeyGenerator{KeyType: keyTypes[strings.ToLower(o.KeyType)]},
		OCSP:      certmagic.OCSPConfig{DisableStapling: true},
		OnEvent: func(ctx context.Context, event string, data map[string]any) error {
			name, _ := data["identifier"].(string)
			switch event { // all under the name's lock
			case "cert_obtaining":
				return e.isRefused(ctx, name)
			case "cert_failed":
				err, _ := data["error"].(error)
				return e.refused(ctx, name, err)
			case "cert_obtained":
				issued(name)
				return e.storage.Delete(ctx, e.refusalKey(name))
			}
			return nil
		},
		Logger: log,
	})
	template := certmagic.ACMEIssuer{
		CA: o.Directory, Email: o.Email, Agreed: true, ExternalAccount: o.binding(), TrustedRoots: o.Roots,
		PreferredChains: o.chains(), Profile: o.Profile,
		DisableHTTPChallenge:    o.Challenge != ChallengeHTTP,
		DisableTLSALPNChallenge: o.Challenge != ChallengeTLS,
		ListenHost:              address.Addr().String(), AltHTTPPort: int(address.Port()), AltTLSALPNPort: int(address.Port()),
		Logger: log,
	}
	if solver != nil {
		template.DNS01Solver, e.timeout = solver, settleTimeoutDNS
	}
	e.issuer = certmagic.NewACMEIssuer(e.config, template)
	e.config.Issuers = []certmagic.Issuer{e.issuer}
	return e
}

// load returns the certificate the storage has for a name; nil without one.
func (e *engine) load(ctx context.Context, name string) (*tls.Certificate, error) {
	c, err := e.config.CacheManagedCertificate(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &c.Certificate, nil
}

// settle sees to it that the storage has a certificate for a name that is good for
// a while, and returns it. There may be one together with an error: then it could
// not be renewed.
func (e *engine) settle(ctx context.Context, name string) (*tls.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	e.forget(name) // others may have renewed it
	err := e.config.ManageSync(ctx, []string{name})
	// Not out of the library's cache, where one that is for several names may be that
	// of another one.
	certificate, missing := e.load(ctx, name)
	switch {
	case err != nil:
	case missing != nil:
		err = fmt.Errorf("certificate of %s: %w", name, missing)
	case certificate == nil:
		err = fmt.Errorf("certificate of %s: it is not there after it was issued", name)
	}
	return certificate, err
}

func (e *engine) forget(name string) {
	e.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: name}})
}

// key is where something of our own is kept that concerns the authority.
func (e *engine) key(kind, name string) string {
	return path.Join(kind, certmagic.StorageKeys.Safe(e.issuer.IssuerKey()), certmagic.StorageKeys.Safe(name)+".json")
}
