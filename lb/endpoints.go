package lb

import (
	"cmp"
	"math"
	"slices"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// distinct sorts endpoints by address and keeps one of each, a serving one if
// there is one.
func distinct(endpoints []tags.Endpoint) []tags.Endpoint {
	if len(endpoints) < 2 {
		return endpoints
	}
	sorted := slices.Clone(endpoints)
	slices.SortStableFunc(sorted, func(a, b tags.Endpoint) int {
		serving := func(e tags.Endpoint) int {
			if e.Serving {
				return 0
			}
			return 1
		}
		return cmp.Or(compareKeys(targetKey(a), targetKey(b)), serving(a)-serving(b))
	})
	return slices.CompactFunc(sorted, func(a, b tags.Endpoint) bool { return targetKey(a) == targetKey(b) })
}

func targetKey(e tags.Endpoint) target.Key {
	return target.Key{Scheme: e.Scheme, Address: e.Address, ServerName: e.ServerName, SkipVerify: e.SkipVerify, Transport: e.Transport, Path: e.Path}
}

func compareKeys(a, b target.Key) int {
	verify := 0
	if a.SkipVerify != b.SkipVerify {
		if verify = -1; a.SkipVerify {
			verify = 1
		}
	}
	return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Scheme, b.Scheme), cmp.Compare(a.ServerName, b.ServerName), verify, cmp.Compare(a.Path, b.Path), a.Transport.Compare(b.Transport))
}

// members are the endpoints that serve, with their weights; or all that may be
// asked to, if those that do are fewer than the panic threshold.
func members(endpoints []tags.Endpoint, b *spec.LoadBalancer) []target.Member {
	if b != nil && b.PanicThreshold > 0 {
		endpoints = allInPanic(endpoints, b.PanicThreshold)
	}
	all := make([]target.Member, 0, len(endpoints))
	var shares []float64
	fixed := false
	for _, e := range endpoints {
		if e.Serving {
			all = append(all, target.Member{Key: targetKey(e), Weight: e.Weight})
			shares = append(shares, e.Share/float64(together(endpoints, e.Split)))
			fixed = fixed || e.Share > 0
		}
	}
	if fixed {
		for i, weight := range weights(shares) {
			all[i].Weight = weight
		}
	}
	return all
}

// allInPanic has all endpoints serve if too few do, but for those that are in
// maintenance.
func allInPanic(endpoints []tags.Endpoint, threshold int) []tags.Endpoint {
	serving, all := 0, 0
	for _, e := range endpoints {
		if !e.Retired {
			all++
		}
		if e.Serving {
			serving++
		}
	}
	if serving*100 >= all*threshold {
		return endpoints
	}
	panicking := slices.Clone(endpoints)
	for i := range panicking {
		panicking[i].Serving = !panicking[i].Retired
	}
	return panicking
}

// together counts the serving endpoints that have one share between them; it is
// 1 if there is no such number.
func together(endpoints []tags.Endpoint, split int32) (count int) {
	for _, e := range endpoints {
		if split > 0 && e.Serving && e.Split == split {
			count++
		}
	}
	return max(1, count)
}

// fullShare is the weight of all the traffic.
const fullShare = 10_000

// weights turns fixed shares (0 is none) into weights. Who has none divides
// equally what the others leave, if they leave anything; fixed shares that sum
// to more than everything, or to less with nobody to take the rest, are scaled.
func weights(shares []float64) []int {
	sum, dynamic := 0.0, 0
	for _, share := range shares {
		sum += share
		if share == 0 {
			dynamic++
		}
	}
	scale, rest := 1.0, 0.0
	if sum > 1 || dynamic == 0 {
		scale = 1 / sum
	} else {
		rest = (1 - sum) / float64(dynamic)
	}
	all := make([]int, len(shares))
	for i, share := range shares {
		if share == 0 {
			share = rest
		} else {
			share *= scale
		}
		if share > 0 {
			all[i] = max(1, int(math.Round(share*fullShare)))
		}
	}
	return all
}
