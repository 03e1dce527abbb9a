package tags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// StaticService is a service of the configuration: routes and middlewares of it,
// and other services, refer to it by name, tags by NAME@file. It goes before a
// service of the catalog of that name. Of Composed, Service and Targets it has one.
type StaticService struct {
	Name   string
	Source string // as in [StaticRoute]
	// Composed makes it of other services: of the configuration or, where that has
	// none of the name, of the catalog. NAME@consulcatalog is one that tags declare.
	Composed *spec.Composition
	// These are as in [StaticRoute].
	Service, Scheme string
	Targets         []string
	Middlewares     []string // which come after those of routes
	Balance         *spec.LoadBalancer
	RewriteHost     bool
	Reach
}

// staticServices are the services that the configuration has, and those of the
// catalog it asks for.
type staticServices struct {
	declared map[string]bool // by name, in lower case
	catalog  map[string][]StaticPool
}

func newStaticServices(services []StaticService) staticServices {
	known := staticServices{map[string]bool{}, map[string][]StaticPool{}}
	for _, s := range services {
		known.declared[strings.ToLower(s.Name)] = true
	}
	return known
}

// has reports whether the configuration declares the service.
func (k staticServices) has(name string) bool { return k.declared[strings.ToLower(name)] }

// add has the instances of a service of the catalog be in a pool.
func (k staticServices) add(service string, p StaticPool) {
	if !slices.Contains(k.catalog[service], p) {
		k.catalog[service] = append(k.catalog[service], p)
	}
}

// refer qualifies the name of a service. One of the catalog gets a pool of its
// name, which is returned: it is there even while the catalog has no such service.
func (k staticServices) refer(name string) (qualified string, pool *Pool) {
	if strings.Contains(name, "@") {
		return name, nil
	}
	if !k.has(name) {
		k.add(name, StaticPool{Name: name, Scheme: "http"})
		pool = &Pool{Name: name, Dialect: File, PassHost: true, Origin: unbeatable}
	}
	return name + atFile, pool
}

// pools are that of the service, and those of services of the catalog that it is
// composed of.
func (s *StaticService) pools(known staticServices) (pools []Pool, err error) {
	own := Pool{Name: s.Name, Dialect: File, PassHost: !s.RewriteHost, Middlewares: ofFile(s.Middlewares), Balance: s.Balance, Origin: unbeatable}
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.Composed != nil {
		own.Composed = s.Composed.Clone()
		for _, name := range own.Composed.Names() {
			var part *Pool
			if *name, part = known.refer(*name); part != nil {
				pools = append(pools, *part)
			}
		}
		return append(pools, own), nil
	}
	if s.Service != "" {
		known.add(s.Service, StaticPool{s.Name, orHTTP(s.Scheme), s.Reach})
	}
	own.Endpoints, err = staticTargets(s.Targets, s.Reach)
	return append(pools, own), err
}

// check finds what contradicts itself.
func (s *StaticService) check() error {
	hasServers := s.Service != "" || len(s.Targets) > 0
	switch {
	case strings.Contains(s.Name, "@"):
		return errors.New("a name has no @: what stands behind one says whose it is")
	case s.Composed != nil && (hasServers || s.Scheme != "" || s.Balance != nil || s.Reach != (Reach{})):
		return errors.New("it is composed of others, so it has no instances, targets or options for them itself")
	case s.Composed != nil:
		return s.Composed.Validate()
	case (s.Service == "") == (len(s.Targets) == 0):
		return errors.New("one of service, targets, weighted, highest_random_weight, mirroring and failover says who serves it")
	case s.Balance == nil:
		return nil
	}
	if err := s.Balance.Validate(); err != nil {
		return fmt.Errorf("load_balancer: %w", err)
	}
	return nil
}
