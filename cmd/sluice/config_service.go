package main

import (
	"fmt"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// StaticService is a service that routes, middlewares, other services and tags, by
// NAME@file, refer to. It has targets, those of a service of the catalog, or is
// composed of others.
type StaticService struct {
	Origin string
	Name   string // the label of the stanza

	// These are as in [StaticRoute].
	Service      string         `hcl:"service"`
	Scheme       string         `hcl:"scheme"`
	Targets      []string       `hcl:"targets"`
	LoadBalancer LoadBalancer   `hcl:"load_balancer"`
	PassHost     Optional[bool] `hcl:"pass_host"`
	ServerName   string         `hcl:"server_name"`
	SkipVerify   bool           `hcl:"skip_verify"`
	Transport    string         `hcl:"transport"`
	// Middlewares come after those of the routes.
	Middlewares []string `hcl:"middlewares"`

	Weighted  Composed `hcl:"weighted"`
	Highest   Composed `hcl:"highest_random_weight"`
	Mirroring Composed `hcl:"mirroring"`
	Failover  Composed `hcl:"failover"`
}

func (s *StaticService) setDefaults(at position) {
	*s = StaticService{
		Origin:   at.String(),
		Weighted: Composed{kind: "weighted"}, Highest: Composed{kind: "highestrandomweight"},
		Mirroring: Composed{kind: "mirroring"}, Failover: Composed{kind: "failover"},
	}
}

func (s *StaticService) setLabel(label string) { s.Name = label }

// Composed says what a service is made of.
type Composed struct {
	kind string            // as package spec has it
	spec *spec.Composition // nil if nothing is said
}

func (*Composed) expects() string { return "a stanza" }

func (c *Composed) unmarshalObject(o object) error {
	c.spec = &spec.Composition{}
	if err := spec.Decode(c.spec, []string{c.kind}, "true"); err != nil {
		return err
	}
	return decodeSpec(o, c.spec.Target(), "")
}

// composition joins what the stanza says, nil if it is nothing. That only one kind
// counts is for [spec.Composition.Validate] to say.
func (s *StaticService) composition() (whole *spec.Composition) {
	for _, c := range []Composed{s.Weighted, s.Highest, s.Mirroring, s.Failover} {
		if c.spec == nil {
			continue
		}
		if whole == nil {
			whole = &spec.Composition{}
		}
		switch made := c.spec.Target().(type) {
		case *spec.Weighted:
			whole.Weighted = made
		case *spec.WeightedServices:
			whole.Highest = made
		case *spec.Mirroring:
			whole.Mirroring = made
		case *spec.Failover:
			whole.Failover = made
		}
	}
	return whole
}

func (s *StaticService) static(known tags.Transports) tags.StaticService {
	return tags.StaticService{
		Name: s.Name, Source: s.Origin, Composed: s.composition(), Service: s.Service, Scheme: s.Scheme, Targets: s.Targets,
		Middlewares: s.Middlewares, Balance: s.LoadBalancer.spec, RewriteHost: !s.PassHost.Or(true), Reach: reach(known, s.ServerName, s.SkipVerify, s.Transport),
	}
}

func (s *StaticService) validate(f *faultList, c *Config) {
	at := fmt.Sprintf("%s: service %q", s.Origin, s.Name)
	if s.Scheme != "" {
		f.oneOf(at+": scheme", s.Scheme, "http", "https")
	}
	reachable(f, at, s.ServerName, s.SkipVerify, s.Transport)
	c.knownTransport(f, at, s.Transport)
	c.known(f, at, s.Middlewares)
}
