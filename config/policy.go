package config

import (
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// Policy is what the operator says of services whose tags are others' to write; see
// [tags.ServicePolicy].
type Policy struct {
	Origin     string
	Name       string   // of the services; the label of the stanza
	Tags       []string `hcl:"tags"`
	Namespaces []string `hcl:"namespaces"`
	// LoadBalancer goes before what tags say.
	LoadBalancer LoadBalancer `hcl:"load_balancer"`
	Middlewares  []string     `hcl:"middlewares"`
	// Without are default middlewares that the service's routes do not have.
	Without []string `hcl:"without"`
}

// SetDefaults implements [hcl.Defaulted].
func (p *Policy) SetDefaults(at hcl.Position) { *p = Policy{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (p *Policy) SetLabel(label string) { p.Name = label }

func (p *Policy) policy() tags.ServicePolicy {
	made := tags.ServicePolicy{
		Service: p.Name, Tags: p.Tags, Namespaces: p.Namespaces, Source: p.Origin, Balance: p.LoadBalancer.Spec,
	}
	for _, name := range p.Middlewares {
		if !strings.Contains(name, "@") {
			name += "@file"
		}
		made.Middlewares = append(made.Middlewares, name)
	}
	for _, name := range p.Without {
		made.Without = append(made.Without, strings.ToLower(name))
	}
	return made
}

func (c *Config) policies() []tags.ServicePolicy {
	var all []tags.ServicePolicy
	for i := range c.Policies {
		all = append(all, c.Policies[i].policy())
	}
	return tags.SortPolicies(all)
}

func (c *Config) validatePolicies(f *faultList) {
	for i := range c.Policies {
		p := &c.Policies[i]
		at := p.Origin + ": policy \"" + p.Name + "\""
		made := p.policy()
		f.add(at, made.Validate())
		if b := p.LoadBalancer.Spec; b != nil {
			f.add(at+": load_balancer", b.Validate())
		}
		c.known(f, at, p.Middlewares)
		for _, name := range p.Without {
			if all := c.Defaults.Middlewares; !slices.ContainsFunc(all, func(d string) bool { return strings.EqualFold(d, name) }) {
				f.addf("%s: without: %q is not among defaults.middlewares%s", at, name, nearest.Hint(name, "", slices.Values(all)))
			}
		}
	}
}
