package config

import (
	"fmt"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// StaticService is a service that routes, middlewares, other services and tags, by
// NAME@file, refer to. It has targets, those of a service of the catalog, or is
// composed of others.
type StaticService struct {
	Origin string
	Name   string // the label of the stanza

	Servers

	// Middlewares come after those of the routes.
	Middlewares []string `hcl:"middlewares"`

	Weighted  Composed `hcl:"weighted"`
	Highest   Composed `hcl:"highest_random_weight"`
	Mirroring Composed `hcl:"mirroring"`
	Failover  Composed `hcl:"failover"`
}

// SetDefaults implements [hcl.Defaulted].
func (s *StaticService) SetDefaults(at hcl.Position) {
	*s = StaticService{
		Origin:   at.String(),
		Weighted: Composed{kind: "weighted"}, Highest: Composed{kind: "highestrandomweight"},
		Mirroring: Composed{kind: "mirroring"}, Failover: Composed{kind: "failover"},
	}
}

// SetLabel implements [hcl.Labelled].
func (s *StaticService) SetLabel(label string) { s.Name = label }

// Composed says what a service is made of.
type Composed struct {
	kind string            // as package spec has it
	Spec *spec.Composition // nil if nothing is said
}

// Expects implements [hcl.Expecting].
func (*Composed) Expects() string { return "a stanza" }

// UnmarshalObject implements [hcl.Structured].
func (c *Composed) UnmarshalObject(o hcl.Object) error {
	c.Spec = &spec.Composition{}
	if err := spec.Decode(c.Spec, []string{c.kind}, "true"); err != nil {
		return err
	}
	return hcl.DecodeSpec(o, c.Spec.Target(), "")
}

// Stanza implements [hcl.Written].
func (c Composed) Stanza() (labels []string, body any) { return nil, c.Spec.Target() }

// Composition joins what the stanza says, nil if it is nothing. That only one kind
// counts is for [spec.Composition.Validate] to say.
func (s *StaticService) Composition() (whole *spec.Composition) {
	for _, c := range []Composed{s.Weighted, s.Highest, s.Mirroring, s.Failover} {
		if c.Spec == nil {
			continue
		}
		if whole == nil {
			whole = &spec.Composition{}
		}
		switch made := c.Spec.Target().(type) {
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
		Name: s.Name, Source: s.Origin, Composed: s.Composition(), Service: s.Service, Scheme: s.Scheme, Targets: s.Targets,
		Middlewares: s.Middlewares, Balance: s.LoadBalancer.Spec, RewriteHost: !s.PassHost.Or(true), Reach: reach(known, s.ServerName, s.SkipVerify, s.Transport),
	}
}

func (s *StaticService) validate(f *faultList, c *Config) {
	at := fmt.Sprintf("%s: service %q", s.Origin, s.Name)
	s.Servers.validate(f, at, c)
	c.known(f, at, s.Middlewares)
}
