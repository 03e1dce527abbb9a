package lb

import (
	"cmp"
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
	part
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

// weightedPassage is a spread of connections.
type weightedPassage struct{ spread[passageEnding] }

func (w *weightedPassage) choose() *passagePool {
	if i := w.take(); i >= 0 {
		return w.parts[i].to.choose()
	}
	return nil
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
	parts, err := spreadOver(&k.link, p, func(service string) (passageEnding, error) { return k.ending(service, path) })
	if err != nil {
		return nil, err
	}
	return &weightedPassage{parts}, nil
}

// plainPool is what tags call a service of connections or of datagrams.
func plainPool(name string) string {
	for _, root := range []string{"tcp:", "udp:"} {
		name = strings.TrimPrefix(name, root)
	}
	return name
}
