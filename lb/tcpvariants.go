package lb

import (
	"net/netip"
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
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

// variants are the definitions that are served side by side, as
// [wanted.variants] has it.
func (w *wantedTCP) variants(winner *tags.TCPRoute) (all []*tags.TCPRoute) {
	for _, r := range w.by {
		isKnown := func(known *tags.TCPRoute) bool { return known.Pool == r.Pool }
		if isKnown(winner) || !areTCPVariants(winner, r) || slices.ContainsFunc(all, isKnown) {
			continue
		}
		if all == nil {
			all = append(all, winner)
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b *tags.TCPRoute) int { return compareRules(a.Rule, b.Rule, a.Manual, b.Manual) })
	return all
}

// areTCPVariants reports whether two definitions of one route can be served side
// by side. Of Fabio's, the name tells for which connections they are.
func areTCPVariants(a, b *tags.TCPRoute) bool {
	return a.Dialect == tags.Fabio && a.Origin.Claimed == b.Origin.Claimed
}

// vary makes the variants of the route, and the pool of them all.
func (k *tcpLink) vary() {
	made := &tcpVariants{of: map[*target.Target]*TCPRoute{}}
	var pools []string
	for _, d := range k.variants {
		v := &TCPRoute{TCPRoute: d, Match: k.tcp.Match, Entrypoints: k.tcp.Entrypoints, variants: made}
		v.allow(d.Access)
		made.all, pools = append(made.all, v), append(pools, d.Pool)
	}
	shares, owners := k.shareOut(pools)
	for i, v := range made.all {
		v.Endpoints = shares[i].endpoints
		k.tcp.Endpoints = append(k.tcp.Endpoints, v.Endpoints...)
		if shares[i].taken {
			k.problems = append(k.problems, takenProblem(standIn(v.TCPRoute)))
		}
	}
	whole := k.whole(append([]string{k.from.Pool}, pools...))
	balance := k.balance(whole)
	k.tcp.Policy = whole.Policy
	k.tcp.Endpoints = distinct(k.tcp.Endpoints)
	k.tcp.Pool = k.pools.Pool(k.poolName(""), members(k.tcp.Endpoints, balance), policy(balance))
	for _, v := range made.all {
		v.Pool, v.end = k.tcp.Pool, &passagePool{Pool: k.tcp.Pool, endpoints: v.Endpoints, proxy: v.ProxyProtocol}
	}
	for _, t := range k.tcp.Pool.Targets() {
		made.of[t] = made.all[owners[t.Key()]]
	}
	k.tcp.variants, k.tcp.end = made, &passagePool{Pool: k.tcp.Pool, endpoints: k.tcp.Endpoints}
}
