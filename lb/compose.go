package lb

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// ending is where a chain of handlers ends: a pool, or a service that is composed
// of others and decides for each exchange which of them serves it.
type ending interface {
	Handler
	part
}

// ending makes that of a service. path are the services that it is a part of.
func (k *httpLink) ending(service string, path []string) (ending, error) {
	p, runtime, err := k.poolOf(service)
	if err != nil {
		return nil, err
	}
	inner, err := k.enter(service, path)
	if err != nil {
		return nil, err
	}
	var e ending
	switch c := p.Composed; {
	case c == nil:
		e = k.via(p, runtime)
	case c.Weighted != nil:
		e, err = k.weighted(p, inner)
	case c.Highest != nil:
		e, err = k.highest(p, inner)
	case c.Mirroring != nil:
		e, err = k.mirroring(p, inner)
	default:
		e, err = k.failover(p, inner)
	}
	if err != nil || len(path) == 0 || len(p.Middlewares) == 0 {
		return e, err // the middlewares of the route's own service are among its steps
	}
	return k.behind(e, p, strings.Join(inner, "/"))
}

// via is the ending of a pool.
func (k *httpLink) via(p *tags.Pool, runtime *target.Pool) ending {
	r := &Route{
		Route:    &tags.Route{Declaration: tags.Declaration{Name: k.wanted.Name, Dialect: k.wanted.Dialect, Service: k.wanted.Service, Pool: p.Name}},
		PassHost: k.wanted.PassHost,
	}
	k.pooled(r, p, runtime)
	k.made.vias = append(k.made.vias, r)
	return via{p.Name, r}
}

// part makes the ending of a part of a composed service, nil if there is none.
func (k *httpLink) part(whole, service string, path []string) ending {
	e, err := k.ending(service, path)
	if err != nil {
		k.missing(whole, err)
		return nil
	}
	return e
}

var errNoPart = errors.New("none of the services that it is composed of is there")

// spreadOver makes a spread over parts that are made by a function.
func spreadOver[E part](k *link, p *tags.Pool, made func(service string) (E, error)) (s spread[E], err error) {
	s = spread[E]{service: plainPool(p.Name), rota: rota{turn: k.backend(nameOf(p.Dialect, p.Name)).turns()}}
	var weights []int
	for _, asked := range p.Composed.Weighted.Services {
		to, err := made(asked.Name)
		if err != nil {
			k.missing(s.service, err)
			continue
		}
		s.parts = append(s.parts, weightedPart[E]{to, asked.Name, asked.Weight})
		weights = append(weights, asked.Weight)
	}
	if len(s.parts) == 0 {
		return s, fmt.Errorf("service %s: %w", s.service, errNoPart)
	}
	s.order = target.Turns(weights)
	return s, nil
}

func (k *httpLink) weighted(p *tags.Pool, path []string) (ending, error) {
	parts, err := spreadOver(&k.link, p, func(service string) (ending, error) { return k.ending(service, path) })
	if err != nil {
		return nil, err
	}
	w := &weighted{spread: parts}
	if s := p.Composed.Weighted.Sticky; s != nil && s.Cookie != nil {
		c := newCookie(s.Cookie, p.Name+"@"+string(p.Dialect))
		w.cookie = &c
		for _, part := range w.parts {
			w.values = append(w.values, cookieValue(strings.ToLower(part.name)))
		}
	}
	return w, nil
}

func (k *httpLink) highest(p *tags.Pool, path []string) (ending, error) {
	h := &highest{service: p.Name}
	for _, s := range p.Composed.Highest.Services {
		if e := k.part(p.Name, s.Name, path); e != nil {
			h.parts = append(h.parts, highestPart{e, target.HashText(strings.ToLower(s.Name)), s.Weight})
		}
	}
	if len(h.parts) == 0 {
		return nil, fmt.Errorf("service %s: %w", p.Name, errNoPart)
	}
	return h, nil
}

func (k *httpLink) mirroring(p *tags.Pool, path []string) (ending, error) {
	asked := p.Composed.Mirroring
	main, err := k.ending(asked.Service, path)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", p.Name, err)
	}
	m := &mirroring{service: p.Name, ending: main, turn: k.backend(nameOf(p.Dialect, p.Name)).turns(), room: asked.MaxBodySize, withBody: asked.MirrorBody}
	if m.room < 0 {
		m.room = spec.MaxMirrorBody
	}
	for _, to := range asked.Mirrors {
		if e := k.part(p.Name, to.Name, path); e != nil {
			m.mirrors = append(m.mirrors, mirror{e, uint64(to.Percent)}) //nolint:gosec // 0 to 100, as validated
		}
	}
	return m, nil
}

func (k *httpLink) failover(p *tags.Pool, path []string) (ending, error) {
	asked := p.Composed.Failover
	first, second := k.part(p.Name, asked.Service, path), k.part(p.Name, asked.Fallback, path)
	switch {
	case first == nil && second == nil:
		return nil, fmt.Errorf("service %s: %w", p.Name, errNoPart)
	case first == nil:
		return second, nil
	case second == nil:
		return first, nil
	}
	return newFailover(p.Name, first, second, asked.Errors)
}

// behind puts the middlewares of a service in front of its ending.
func (k *httpLink) behind(e ending, p *tags.Pool, path string) (ending, error) {
	steps, err := k.named(nil, p.Middlewares, 0)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", p.Name, err)
	}
	h, err := k.chain(k.made.Name+"//"+path, steps, e)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", p.Name, err)
	}
	return guarded{e, h}, nil
}

// guarded is an ending with middlewares in front.
type guarded struct {
	ending
	chain Handler
}

// Serve implements [Handler].
func (g guarded) Serve(x *Exchange) { g.chain.Serve(x) }

// via is the ending of a pool. Its route has all that forwarding needs.
type via struct {
	service string
	route   *Route
}

// Serve implements [Handler].
func (v via) Serve(x *Exchange) {
	route := x.Route
	defer func() { x.Route = route }()
	x.Route = v.route
	x.forward.Serve(x)
}

func (v via) isUp() bool { return v.route.Pool.HasOpen() }
