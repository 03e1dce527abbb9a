package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"

	"github.com/sluiceproxy/sluice/lb/acme/acmejson"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// takeOver has what Traefik had at the storage's disposal before anything is
// ordered, so that nobody who moves comes up against an authority's limits. It is
// done once for all who share the storage. Without the storage nothing else could
// be done, so that it is tried until it is there, or ctx ends.
func (c *Client) takeOver(ctx context.Context, e *engine) {
	if c.options.Import == "" {
		return
	}
	log := c.log.With("file", c.options.Import)
	file, err := acmejson.Read(c.options.Import)
	var r acmejson.Resolver
	if err == nil {
		r, err = file.Resolver(c.options.Name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		log.Info("there is no file of Traefik's certificates to be taken over") // any more, most likely
		return
	case err != nil:
		c.importFailed(fmt.Errorf("nothing of %s is taken over: %w", c.options.Import, err))
		return
	case file.Mode&0o077 != 0:
		log.Warn("others may read the keys of certificates: give the file mode 600", "mode", fmt.Sprintf("%o", file.Mode))
	}
	if err := e.isOfAuthority(&r); err != nil {
		c.importFailed(fmt.Errorf("nothing of %s is taken over: %w", c.options.Import, err))
		return
	}
	for _, fault := range r.Faults {
		log.Warn("part of the file is left out", "err", fault)
	}
	for failures := 1; ; failures++ {
		taken, err := e.takeIn(ctx, file.Digest, &r)
		if err == nil {
			c.importFailed(nil)
			if !taken.At.IsZero() {
				log.Info("what Traefik had is taken over", "account", taken.Account, "names", taken.Names)
			}
			return
		}
		c.importFailed(fmt.Errorf("%s is not taken over yet: %w", c.options.Import, err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(jittered(pause(failures, e.unreached, maxUnreached))):
		}
	}
}

// importFailed takes note of a failure, or of its end.
func (c *Client) importFailed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && (c.importErr == nil || c.importErr.Error() != err.Error()) {
		c.log.Error("certificates are not taken over", "err", err)
	}
	c.importErr = err
}

// ImportFailure tells why what Traefik had is not taken over; nil if it is, or there
// is nothing to be.
func (c *Client) ImportFailure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.importErr
}

// isOfAuthority is an error if what there is comes from another authority, whose
// certificates must not pass for those of this one.
func (e *engine) isOfAuthority(r *acmejson.Resolver) error {
	if r.Account == nil {
		return nil
	}
	u, err := url.Parse(r.Account.URL)
	directory, directoryErr := url.Parse(e.issuer.CA)
	if err != nil || directoryErr != nil || !strings.EqualFold(u.Host, directory.Host) {
		return fmt.Errorf("its account is at %s, and ca is %s", r.Account.URL, e.issuer.CA)
	}
	return nil
}

// taken is what was taken in of a file, and what the storage has of that.
type taken struct {
	At      time.Time `json:"at"`
	Account bool      `json:"account"`
	Names   int       `json:"names"`
}

// takeIn stores an account and certificates, but for those that are there or have
// ended. The same file is taken in once: what has gone since was removed.
func (e *engine) takeIn(ctx context.Context, digest string, r *acmejson.Resolver) (t taken, err error) {
	marker := e.key("imported", digest)
	if _, err := e.storage.Load(ctx, marker); !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	t.At = time.Now().UTC()
	if r.Account != nil {
		if t.Account, err = e.takeAccount(ctx, r.Account); err != nil {
			return t, err
		}
	}
	for _, c := range r.Certificates {
		for _, dnsName := range c.Leaf.DNSNames {
			name, ok := nameToTake(dnsName)
			if !ok || time.Now().After(c.Leaf.NotAfter) {
				continue
			}
			stored, err := e.takeCertificate(ctx, name, c)
			if err != nil {
				return t, fmt.Errorf("certificate of %s: %w", name, err)
			}
			if stored {
				t.Names++
			}
		}
	}
	value, err := json.Marshal(t)
	if err != nil {
		return t, err
	}
	return t, e.storage.Store(ctx, marker, value)
}

// nameToTake is a name, or "*." with one, in lower case.
func nameToTake(dnsName string) (string, bool) {
	parent, isWildcard := strings.CutPrefix(dnsName, "*.")
	name, ok := tlsconf.NameToIssue(parent)
	if isWildcard {
		name = "*." + name
	}
	return name, ok
}

// takeCertificate stores a certificate for one of its names, under the lock that the
// library has for orders.
func (e *engine) takeCertificate(ctx context.Context, name string, c acmejson.Certificate) (stored bool, err error) {
	lock := "issue_cert_" + name
	if err := e.storage.Lock(ctx, lock); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, e.storage.Unlock(context.WithoutCancel(ctx), lock)) }()
	there, err := e.load(ctx, name)
	e.forget(name)
	if err != nil {
		return false, err
	}
	if there != nil && !there.Leaf.NotAfter.Before(c.Leaf.NotAfter) {
		return false, nil
	}
	return true, e.store(ctx, name, c)
}

// store writes a certificate as the library does.
func (e *engine) store(ctx context.Context, name string, c acmejson.Certificate) error {
	meta, err := json.Marshal(certmagic.CertificateResource{SANs: []string{name}})
	if err != nil {
		return err
	}
	issuer, keys := e.issuer.IssuerKey(), certmagic.StorageKeys
	for _, v := range []struct {
		key   string
		value []byte
	}{{keys.SitePrivateKey(issuer, name), c.Key}, {keys.SiteCert(issuer, name), c.Chain}, {keys.SiteMeta(issuer, name), meta}} {
		if err := e.storage.Store(ctx, v.key, v.value); err != nil {
			return err
		}
	}
	return nil
}

// takeAccount stores an account where the library looks for that of our address, if
// there is none.
func (e *engine) takeAccount(ctx context.Context, a *acmejson.Account) (stored bool, err error) {
	email := strings.ToLower(e.issuer.Email)
	user, _, _ := strings.Cut(email, "@")
	keys := certmagic.StorageKeys
	place := path.Join("acme", keys.Safe(e.issuer.IssuerKey()), "users", keys.Safe(email), keys.Safe(user))
	lock := "register_acme_account_" + e.issuer.Email
	if err := e.storage.Lock(ctx, lock); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, e.storage.Unlock(context.WithoutCancel(ctx), lock)) }()
	if _, err := e.storage.Load(ctx, place+".json"); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	key, err := certmagic.PEMEncodePrivateKey(a.Key)
	if err != nil {
		return false, err
	}
	registration, err := json.Marshal(acme.Account{
		Status: acme.StatusValid, Contact: []string{"mailto:" + e.issuer.Email}, TermsOfServiceAgreed: true, Location: a.URL,
	})
	if err != nil {
		return false, err
	}
	if err := e.storage.Store(ctx, place+".key", key); err != nil {
		return false, err
	}
	return true, e.storage.Store(ctx, place+".json", registration)
}
