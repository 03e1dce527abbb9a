// Package certs has the certificates of listeners, from wherever their sources keep
// them and whoever issues them, and what TLS is done by with them.
package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch"
)

// Certificates are those of all sources that are in use, and what TLS is done by
// with them. Its methods are for one goroutine, but for those that say otherwise.
type Certificates struct {
	options     Options
	watcher     *watch.Watcher
	log         *slog.Logger
	kept        []*keptSource
	acme        []*authority
	authorities map[string]*clientAuthorities // by the name of the TLS options
}

// New reads the authorities of clients, and no certificate until a
// listener needs it. The options have to be valid.
func New(o Options, w *watch.Watcher) *Certificates {
	c := &Certificates{options: o, watcher: w, log: o.Logger, authorities: map[string]*clientAuthorities{}}
	for _, a := range o.ACME {
		c.acme = append(c.acme, &authority{ACME: a, routes: map[string]int{}})
	}
	for _, t := range o.TLS {
		if len(t.ClientCAs) > 0 {
			a := &clientAuthorities{files: t.ClientCAs, log: c.log.With("tls_options", t.Name)}
			a.read()
			c.authorities[TLSOptionsName(t.Name)] = a
		}
	}
	return c
}

// Base is what a listener with certificates says of TLS. They are kept up to date
// by Run, before which it has to be called.
func (c *Certificates) Base(l *listener.Listener) (tlsconf.Options, error) {
	kept, err := c.keptFor(l)
	if err != nil {
		return tlsconf.Options{}, err
	}
	o := l.TLS()
	o.Store, o.Issuer = &kept.keeper.Store, kept.issuer
	for _, a := range c.acme {
		o.Challenges = append(o.Challenges, a.Client.TLSChallenge)
	}
	if len(c.acme) > 0 {
		o.Others = append(o.Others, c.issued)
	}
	if kept.ClientCA != "" {
		o.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return o, nil
}

// Over puts the TLS options of a name over what a listener says; without such
// options it is that.
func (c *Certificates) Over(name string, base tlsconf.Options) tlsconf.Options {
	name = TLSOptionsName(name)
	o := FindTLSOptions(c.options.TLS, name)
	if o == nil {
		return base
	}
	var authorities *tlsconf.Authorities
	if a := c.authorities[name]; a != nil {
		authorities = &a.Authorities
	}
	return o.over(base, authorities)
}

// Configs are what a listener does TLS with, by the name of the options; with ""
// it is what counts where no options do. They stay the same for as long as the
// server runs, for they hold the keys of session tickets.
type Configs map[string]*tls.Config

// Configs makes those of a listener over what it says itself.
func (c *Certificates) Configs(l *listener.Listener, base tlsconf.Options) (all Configs, err error) {
	all = Configs{}
	if all[""], err = c.Over(l.TLSOptions, base).Config(); err != nil {
		return nil, err
	}
	for _, o := range c.options.TLS {
		name := TLSOptionsName(o.Name)
		if name == "" {
			continue
		}
		if all[name], err = c.Over(name, base).Config(); err != nil {
			return nil, fmt.Errorf("TLS options %q: %w", o.Name, err)
		}
	}
	return all, nil
}

// Info is a certificate in force.
type Info struct {
	// Source is the name of its source, or the file it is read from.
	Source string
	tlsconf.Certificate
}

// List has all that are in use. It may be called by any goroutine.
func (c *Certificates) List() []Info {
	var all []Info
	for _, a := range c.acme {
		for _, info := range a.Client.Certificates() {
			all = append(all, Info{Source: a.Name, Certificate: info})
		}
	}
	for _, k := range c.kept {
		infos := k.keeper.Store.Certificates()
		if k.issuer != nil {
			infos = k.issuer.Certificates()
		}
		for _, info := range infos {
			all = append(all, Info{Source: k.Name, Certificate: info})
		}
	}
	return all
}

// Run keeps the certificates up to date until ctx ends. It is told where the
// listeners are bound, for authorities look there.
func (c *Certificates) Run(ctx context.Context, bound iter.Seq2[*listener.Listener, netip.AddrPort]) {
	var wg sync.WaitGroup
	for _, k := range c.kept {
		wg.Go(func() { k.run(ctx, c.watcher) })
	}
	for _, a := range c.acme {
		wg.Go(func() { a.Client.Run(ctx, a.reachedAt(bound)) })
	}
	for _, a := range c.authorities {
		wg.Go(func() { a.run(ctx) })
	}
	wg.Wait()
}
