package config

import (
	"fmt"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// StaticStream is a route of connections or datagrams that no tag asks for.
type StaticStream struct {
	Origin string
	Name   string // the label of the stanza

	// Rule is that of a TCP router of Traefik 3; empty takes every connection.
	Rule        string   `hcl:"rule"`
	Priority    int      `hcl:"priority"` // 0: the length of the rule
	Entrypoints []string `hcl:"entrypoints"`
	// TLS is "terminate" or "passthrough" where clients speak it.
	TLS        string `hcl:"tls"`
	TLSOptions string `hcl:"tls_options"`
	// CertResolver is the name of an acme stanza, where TLS ends here.
	CertResolver string `hcl:"cert_resolver"`
	// Middlewares are names of tcp_middleware stanzas; NAME@consulcatalog is one that a
	// tag declares.
	Middlewares []string `hcl:"middlewares"`

	StreamServers
}

// SetDefaults implements [hcl.Defaulted].
func (r *StaticStream) SetDefaults(at hcl.Position) { *r = StaticStream{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (r *StaticStream) SetLabel(label string) { r.Name = label }

// Static is what it asks package tags for, with those transports.
func (r *StaticStream) Static(known tags.Transports, udp bool) tags.StaticStream {
	return tags.StaticStream{
		Name: r.Name, Source: r.Origin, UDP: udp, Rule: r.Rule, Priority: r.Priority, Entrypoints: r.Entrypoints,
		TLS: r.TLS, TLSOptions: r.TLSOptions, CertResolver: r.CertResolver, Middlewares: r.Middlewares,
		StreamServers: r.static(known),
	}
}

func (c *Config) validateStreams(f *faultList) {
	check := func(kind string, routes []StaticStream) {
		names := map[string]string{}
		for _, r := range routes {
			unique(f, names, kind, r.Name, r.Origin)
			at := fmt.Sprintf("%s: %s %q", r.Origin, kind, r.Name)
			c.LB.knownTLSOptions(f, at, r.TLSOptions)
			c.LB.knownACME(f, at, r.CertResolver)
			r.validate(f, at, c)
			c.knownTCP(f, at, r.Middlewares)
		}
	}
	check("tcp_route", c.TCPRoutes)
	check("udp_route", c.UDPRoutes)
	c.validateStreamServices(f, "tcp_service", c.TCPServices)
	c.validateStreamServices(f, "udp_service", c.UDPServices)
	names := map[string]string{}
	for _, m := range c.TCPMiddlewares {
		unique(f, names, "tcp_middleware", m.Name, m.Origin)
	}
}
