package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// ACME is an authority that issues certificates (RFC 8555) for the hosts of
// routes: of those that name it and, if they name none, of those on listeners that
// have it for a certificate source.
type ACME struct {
	Name string
	// Domains are names that have a certificate whatever routes there are.
	Domains []string
	// Allow are the names that may have one, "shop.example.com", or "*.example.com"
	// for all that end so. None allows all.
	Allow []string
	// HTTP has the authority look for pages at listeners without TLS, and DNS for
	// records at the servers of a name's zone, which is the only way to certificates
	// for all names below one. Else it looks for certificates at listeners with TLS.
	// Entrypoint is one of the listeners that it reaches; empty is the first.
	HTTP, DNS  bool
	Entrypoint string
	// Client is how it is asked. A server has to have one.
	Client Client
}

// Client has certificates issued by an authority, and renewed. Package lb/acme
// has it. Its methods are called from any goroutine.
type Client interface {
	// Run does it until ctx ends. The authority reaches us at the address, directly or
	// through others.
	Run(ctx context.Context, address netip.AddrPort)
	// Want tells for which names; it is called when the first table is in force, and
	// whenever others are wanted.
	Want(names []string)
	// Certificate is the one for the very name a client asks for, else the one for all
	// names beside it, and nil for none.
	Certificate(hello *tls.ClientHelloInfo) *tls.Certificate
	// TLSChallenge and HTTPChallenge answer the authority. Without a challenge under
	// way, they return nil and not ok.
	TLSChallenge(hello *tls.ClientHelloInfo) *tls.Certificate
	HTTPChallenge(ctx context.Context, host, path string) (text string, ok bool)
	// Certificates lists those in use.
	Certificates() []tlsconf.Certificate
	// Failures tells by name why there is no certificate, or no newer one.
	Failures() map[string]error
	// ImportFailure tells why certificates there were before are not taken over; nil
	// if they are.
	ImportFailure() error
}

func (a *ACME) validate(listeners []listener.Listener) error {
	var errs []error
	if a.Name == "" {
		errs = append(errs, errors.New("an authority has no name"))
	}
	for _, name := range a.Domains {
		if _, err := a.resolver().NameToIssue(name); err != nil {
			errs = append(errs, fmt.Errorf("acme %q: domains: %w", a.Name, err))
		}
	}
	for _, pattern := range a.Allow {
		if _, ok := tlsconf.NameToIssue(strings.TrimPrefix(pattern, "*.")); !ok {
			errs = append(errs, fmt.Errorf(`acme %q: allow: %q is neither a name nor of the form "*.example.com"`, a.Name, pattern))
		}
	}
	if !slices.ContainsFunc(listeners, func(l listener.Listener) bool { return l.HasTLS() }) {
		errs = append(errs, fmt.Errorf(`acme %q: no listener has TLS, so nobody would see its certificates: give one certificates = %[1]q`, a.Name))
	}
	if !a.DNS && !slices.ContainsFunc(listeners, func(l listener.Listener) bool { return a.isFor(&l) }) {
		kind, name := "with TLS that speaks HTTPS or TCP", ""
		if a.HTTP {
			kind = "without TLS that speaks HTTP"
		}
		if a.Entrypoint != "" {
			name = " by the name " + a.Entrypoint
		}
		errs = append(errs, fmt.Errorf("acme %q: the authority looks at a listener %s, and there is none%s", a.Name, kind, name))
	}
	return errors.Join(errs...)
}

// isFor reports whether the authority looks at a listener.
func (a *ACME) isFor(l *listener.Listener) bool {
	if a.DNS || a.Entrypoint != "" && a.Entrypoint != l.Entrypoint() {
		return false
	}
	if a.HTTP {
		return l.Proto == listener.ProtoHTTP && !l.HasTLS()
	}
	return l.HasTLS()
}

func (a *ACME) resolver() *Resolver { return &Resolver{a.Name, a.Allow, a.DNS} }
