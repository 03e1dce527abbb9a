package certs

import (
	"context"
	"crypto/tls"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/listener"
)

// Need is a name a route needs a certificate for, and the one who is to issue it.
type Need struct{ Resolver, Name string }

// authority is one at work. What is not its client's is for the goroutine that
// follows the catalog.
type authority struct {
	ACME
	routes  map[string]int // how many ask for each name
	told    bool           // what is needed, ever
	changed bool           // since it was told
}

// reachedAt is where it reaches us.
func (a *authority) reachedAt(bound iter.Seq2[*listener.Listener, netip.AddrPort]) netip.AddrPort {
	for l, address := range bound {
		if a.isFor(l) {
			return address
		}
	}
	return netip.AddrPort{} // which validate has seen to
}

// Need takes down that n more routes need certificates, or fewer. What comes in
// the place of something else is to be taken down before that goes.
func (c *Certificates) Need(names []Need, n int) {
	for _, needed := range names {
		for _, a := range c.acme {
			if a.Name == needed.Resolver {
				a.need(needed.Name, n)
			}
		}
	}
}

func (a *authority) need(name string, n int) {
	was := a.routes[name]
	if a.routes[name] += n; a.routes[name] == 0 {
		delete(a.routes, name)
	}
	a.changed = a.changed || was == 0 || was+n == 0
}

// Order tells the authorities which names are needed now, at first and if others
// are.
func (c *Certificates) Order() {
	for _, a := range c.acme {
		if a.changed || !a.told {
			a.changed, a.told = false, true
			a.Client.Want(a.names())
		}
	}
}

// names are all that need a certificate.
func (a *authority) names() (names []string) {
	for _, domain := range a.Domains {
		name, _ := a.resolver().NameToIssue(domain)
		names = append(names, name)
	}
	for name := range a.routes {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Failures tells by source and name why no certificate could be issued, or
// renewed, at the last attempt. It may be called by any goroutine.
func (c *Certificates) Failures() map[string]map[string]error {
	all := map[string]map[string]error{}
	for _, a := range c.acme {
		all[a.Name] = a.Client.Failures()
	}
	return all
}

// ImportFailures tells by source why certificates there were before are not taken
// over. It may be called by any goroutine.
func (c *Certificates) ImportFailures() map[string]error {
	all := map[string]error{}
	for _, a := range c.acme {
		if err := a.Client.ImportFailure(); err != nil {
			all[a.Name] = err
		}
	}
	return all
}

// issued is what one of the authorities has issued for the name a client asks for:
// for that very name, or else for all names beside it.
func (c *Certificates) issued(hello *tls.ClientHelloInfo) (found *tls.Certificate) {
	for _, a := range c.acme {
		certificate := a.Client.Certificate(hello)
		switch {
		case certificate == nil:
		case len(c.acme) == 1 || slices.Contains(certificate.Leaf.DNSNames, strings.ToLower(hello.ServerName)):
			return certificate
		case found == nil:
			found = certificate
		}
	}
	return found
}

// HTTPChallenge is what an authority finds that looks for a page at a listener; not
// ok if none looks there, or not for this one. It may be called by any goroutine.
func (c *Certificates) HTTPChallenge(ctx context.Context, l *listener.Listener, host, path string) (text string, ok bool) {
	for _, a := range c.acme {
		if !a.HTTP || !a.isFor(l) {
			continue
		}
		if text, ok = a.Client.HTTPChallenge(ctx, host, path); ok {
			break
		}
	}
	return text, ok
}
