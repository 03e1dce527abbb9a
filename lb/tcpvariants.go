package lb

import (
	"net/netip"

	"github.com/sluiceproxy/sluice/lb/target"
)

// tcpVariants are the [variants] of a route of connections.
type tcpVariants struct {
	all []*TCPRoute // they have the pool in common
	of  map[*target.Target]*TCPRoute
}

// Variants are as those of [Route].
func (r *TCPRoute) Variants() []*TCPRoute {
	if r.variants == nil {
		return nil
	}
	return r.variants.all
}

// choose returns what a connection goes by: the route, or, if that has variants,
// the one of the target whose turn it is, which is to be tried first. The affinity
// is that of [target.Pool.Pick].
func (r *TCPRoute) choose(affinity uint64) (way *TCPRoute, first *target.Target) {
	if r.variants == nil {
		return r, nil
	}
	if first = r.Pool.Pick(affinity); first == nil {
		return r, nil
	}
	return r.variants.of[first], first
}

// then tells which targets a client's connection may go to if the first one cannot
// be reached, as [tcp.Dialer] has it: others of the same variant, then those of
// variants that let the client in as well.
func (r *TCPRoute) then(client netip.Addr) []func(*target.Target) bool {
	if r.variants == nil {
		return nil
	}
	return []func(*target.Target) bool{
		func(t *target.Target) bool { return r.variants.of[t] == r },
		func(t *target.Target) bool { return r.variants.of[t].admits(client) },
	}
}

// proxyTo tells the version of the PROXY header that a target is sent.
func (r *TCPRoute) proxyTo(end *passagePool) func(*target.Target) int {
	return func(t *target.Target) int {
		if r.variants == nil {
			return end.proxy
		}
		return r.variants.of[t].ProxyProtocol
	}
}

// vary makes the variants of the route, and the pool of them all.
func (k *tcpLink) vary() {
	made := &tcpVariants{of: map[*target.Target]*TCPRoute{}}
	var pools []string
	for _, d := range k.variants {
		v := &TCPRoute{TCPRoute: d, Linked: k.made.Linked, variants: made}
		v.allow(d.Access)
		made.all, pools = append(made.all, v), append(pools, d.Pool)
	}
	shares, owners := k.shareOut(pools)
	for i, v := range made.all {
		v.Endpoints = shares[i].endpoints
		k.made.Endpoints = append(k.made.Endpoints, v.Endpoints...)
		if shares[i].taken {
			k.problems = append(k.problems, takenProblem(&v.Declaration))
		}
	}
	k.shared(&k.made.Linked, pools)
	for _, v := range made.all {
		v.Pool, v.end = k.made.Pool, &passagePool{Pool: k.made.Pool, endpoints: v.Endpoints, proxy: v.ProxyProtocol}
	}
	for _, t := range k.made.Pool.Targets() {
		made.of[t] = made.all[owners[t.Key()]]
	}
	k.made.variants, k.made.end = made, &passagePool{Pool: k.made.Pool, endpoints: k.made.Endpoints}
}
