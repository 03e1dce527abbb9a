package tags

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// ServicePolicy is what the configuration says of services whose tags are others' to
// write. It goes before what these say.
type ServicePolicy struct {
	// Service is the name of a service in the catalog, or a pattern of [path.Match].
	Service string
	// Tags and Namespaces narrow that: an instance of the service has to have one of
	// the tags, and one has to be in such a namespace. They are patterns, too; none
	// are no bound.
	Tags, Namespaces []string
	// Source is the place in the configuration.
	Source string
	// Balance goes before what tags say of the service's pools; nil says nothing.
	Balance *spec.LoadBalancer
	// Middlewares of the configuration (NAME@file) come first in the service's routes,
	// behind those that all routes have.
	Middlewares []string
	// Without are those that all routes have, and these do not, in lower case.
	Without []string
}

// Validate reports what is wrong with the policy, Balance aside.
func (s *ServicePolicy) Validate() error {
	for _, pattern := range slices.Concat([]string{s.Service}, s.Tags, s.Namespaces) {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return fmt.Errorf("%q is not a pattern of names such as shop-*", pattern)
		}
	}
	if s.Balance == nil && len(s.Middlewares)+len(s.Without) == 0 {
		return errors.New("it says nothing: load_balancer, middlewares or without is missing")
	}
	return nil
}

// holdsFor reports whether the policy is for a service with these instances.
func (s *ServicePolicy) holdsFor(service string, instances []view) bool {
	if !isOneOf(service, []string{s.Service}) {
		return false
	}
	inNamespace := func(v view) bool { return isOneOf(cmp.Or(v.Namespace, "default"), s.Namespaces) }
	isTagged := func(v view) bool {
		return slices.ContainsFunc(v.Tags, func(tag string) bool { return isOneOf(tag, s.Tags) })
	}
	return (len(s.Namespaces) == 0 || slices.ContainsFunc(instances, inNamespace)) &&
		(len(s.Tags) == 0 || slices.ContainsFunc(instances, isTagged))
}

func isOneOf(text string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, text)
		return ok
	})
}

// SortPolicies puts those first that count where several say the same: names before
// patterns, longer patterns before shorter ones, and those that look at tags or
// namespaces before those that do not.
func SortPolicies(all []ServicePolicy) []ServicePolicy {
	narrows := func(s ServicePolicy) int { return min(1, len(s.Tags)) + min(1, len(s.Namespaces)) }
	return slices.SortedStableFunc(slices.Values(all), func(a, b ServicePolicy) int {
		return cmp.Or(
			cmp.Compare(strings.Count(a.Service, "*"), strings.Count(b.Service, "*")),
			cmp.Compare(len(b.Service), len(a.Service)),
			cmp.Compare(narrows(b), narrows(a)),
		)
	})
}

// given are the policies of the configuration for the service, the first to count
// first.
func (p *parser) given() (all []*ServicePolicy) {
	for i := range p.Policies {
		if s := &p.Policies[i]; s.holdsFor(p.Service, p.views) {
			all = append(all, s)
		}
	}
	return all
}
