package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/watch"
)

// Options say which certificates and settings there are.
type Options struct {
	Sources []Source
	ACME    []ACME
	TLS     []TLSOptions
	// Issue has a certificate issued for a host name by the role at a path of Vault;
	// nil without a Vault. Its errors hold no secret.
	Issue  func(ctx context.Context, path, name string) (*watch.IssuedCertificate, error)
	Logger *slog.Logger
}

// Validate finds what is wrong with the options, by themselves and for the
// listeners.
func (o Options) Validate(listeners []listener.Listener) error {
	return errors.Join(o.validateSources(listeners), o.validateTLS(listeners))
}

func (o Options) validateSources(listeners []listener.Listener) error {
	var errs []error
	known := map[string]bool{}
	for _, c := range o.Sources {
		if known[c.Name] {
			errs = append(errs, fmt.Errorf("two certificate sources are named %q", c.Name))
		}
		known[c.Name] = true
	}
	issuing := map[string]bool{}
	for i := range o.ACME {
		a := &o.ACME[i]
		if known[a.Name] {
			errs = append(errs, fmt.Errorf("two certificate sources are named %q", a.Name))
		}
		known[a.Name], issuing[a.Name] = true, true
		errs = append(errs, a.validate(listeners))
	}
	for _, l := range listeners {
		if l.CertResolver != "" && !issuing[l.CertResolver] {
			errs = append(errs, fmt.Errorf("listener %s: there is no certificate resolver %q%s", l.Address, l.CertResolver,
				nearest.Hint(l.CertResolver, "", maps.Keys(issuing))))
		}
		if l.CertSource != "" && !known[l.CertSource] {
			errs = append(errs, fmt.Errorf("listener %s: there is no certificate source %q%s", l.Address, l.CertSource, nearest.Hint(l.CertSource, "", maps.Keys(known))))
		}
	}
	return errors.Join(errs...)
}

// validateTLS checks each of the settings by itself and over each listener.
func (o Options) validateTLS(listeners []listener.Listener) error {
	var errs []error
	known := map[string]bool{}
	for i := range o.TLS {
		t := &o.TLS[i]
		name := TLSOptionsName(t.Name)
		if known[name] {
			errs = append(errs, fmt.Errorf("two TLS options are named %q", t.Name))
		}
		known[name] = true
		if err := t.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		for l := range listeners {
			if l := &listeners[l]; l.HasTLS() {
				if _, err := t.over(l.TLS(), nil).Config(); err != nil {
					errs = append(errs, fmt.Errorf("TLS options %q at listener %s: %w", t.Name, l.Entrypoint(), err))
				}
			}
		}
	}
	for i := range listeners {
		l := &listeners[i]
		if name := TLSOptionsName(l.TLSOptions); name != "" && FindTLSOptions(o.TLS, name) == nil {
			reason, hint := Undeclared(l.TLSOptions)
			errs = append(errs, fmt.Errorf("listener %s: %s: %s", l.Entrypoint(), reason, hint))
		}
		if t := FindTLSOptions(o.TLS, TLSOptionsName(l.TLSOptions)); l.HTTP3 && t != nil && t.Max != 0 && t.Max < tls.VersionTLS13 {
			errs = append(errs, fmt.Errorf("listener %s: HTTP/3 needs TLS 1.3, which TLS options %q rule out", l.Entrypoint(), t.Name))
		}
	}
	return errors.Join(errs...)
}
