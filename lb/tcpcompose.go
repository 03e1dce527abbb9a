package lb

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/lb/probe"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// passageEnding is where a connection ends, or a session of datagrams: in a pool,
// or in one of the services that another one is composed of.
type passageEnding interface {
	// choose returns the pool whose turn it is, nil if none has anyone to answer.
	choose() *passagePool
	isUp() bool
	outline() Outline
}

// passagePool is a pool that is passed on to.
type passagePool struct {
	*target.Pool
	service   string
	endpoints []tags.Endpoint
	proxy     int // the version of the PROXY header that targets are sent
}

func (p *passagePool) choose() *passagePool { return p }

func (p *passagePool) isUp() bool { return p.HasOpen() }

// weightedPassage spreads connections over services by weight. Those that have
// nobody to answer are passed over.
type weightedPassage struct {
	rota
	service string
	parts   []passageEnding
	weights []int
}

func (w *weightedPassage) choose() *passagePool {
	if !w.isUp() {
		return nil
	}
	if i := w.next(func(i int) bool { return w.parts[i].isUp() }); i >= 0 {
		return w.parts[i].choose()
	}
	return nil
}

func (w *weightedPassage) isUp() bool {
	for i, part := range w.parts {
		if w.weights[i] > 0 && part.isUp() {
			return true
		}
	}
	return false
}

// ending makes that of a service. path are the services that it is a part of, as
// in [link.ending].
func (k *tcpLink) ending(service string, path []string) (passageEnding, error) {
	p, runtime, err := k.poolOf(service)
	if err != nil {
		return nil, err
	}
	inner, err := k.enter(plainPool(service), path)
	if err != nil {
		return nil, err
	}
	if p.Composed == nil {
		end := &passagePool{runtime, plainPool(p.Name), p.Endpoints, cmp.Or(k.wanted.ProxyProtocol, p.ProxyProtocol)}
		if len(path) > 0 {
			k.made.parts = append(k.made.parts, end)
		}
		if b := k.balance(p); b != nil && b.Health != nil && b.Health.Mode == spec.ModeTCP {
			k.made.probed = append(k.made.probed, probe.Pool{Pool: runtime, Health: b.Health, Proxy: end.proxy})
		}
		return end, nil
	}
	return k.weighted(p, inner)
}

func (k *tcpLink) weighted(p *tags.Pool, path []string) (passageEnding, error) {
	w := &weightedPassage{service: plainPool(p.Name), rota: rota{turn: k.backend(nameOf(p.Dialect, p.Name)).turn}}
	for _, s := range p.Composed.Weighted.Services {
		part, err := k.ending(s.Name, path)
		if err != nil {
			k.missing(w.service, err)
			continue
		}
		w.parts, w.weights = append(w.parts, part), append(w.weights, s.Weight)
	}
	if len(w.parts) == 0 {
		return nil, fmt.Errorf("service %s: %w", w.service, errNoPart)
	}
	w.order = target.Turns(w.weights)
	return w, nil
}

// plainPool is what tags call a service of connections or of datagrams.
func plainPool(name string) string {
	for _, root := range []string{"tcp:", "udp:"} {
		name = strings.TrimPrefix(name, root)
	}
	return name
}
