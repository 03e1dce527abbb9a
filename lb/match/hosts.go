package match

import (
	"hash/maphash"
	"slices"
)

// hosts is a hash table from names to trees. It is persistent: a change works
// on a clone, which copies the list of buckets, and makes the buckets it
// touches anew. (A map would have to be copied whole.)
type hosts struct {
	seed    maphash.Seed
	buckets [][]host // a power of two of them
	count   int
}

type host struct {
	name  string
	trees trees
}

// perBucket is how many hosts there are in a bucket on average, at most. More
// make look-ups slower, less make clones larger.
const perBucket = 4

func newHosts() hosts { return hosts{seed: maphash.MakeSeed(), buckets: make([][]host, 1)} }

func (h *hosts) clone() hosts {
	return hosts{h.seed, slices.Clone(h.buckets), h.count}
}

func (h *hosts) bucket(name string) *[]host {
	return &h.buckets[maphash.String(h.seed, name)&uint64(len(h.buckets)-1)]
}

// get returns the trees of a host, or nil.
func (h *hosts) get(name string) trees {
	bucket := *h.bucket(name)
	for i := range bucket {
		if bucket[i].name == name {
			return bucket[i].trees
		}
	}
	return nil
}

// set changes the trees of a host; none forget it.
func (h *hosts) set(name string, t trees) {
	bucket := h.bucket(name)
	i := slices.IndexFunc(*bucket, func(known host) bool { return known.name == name })
	switch {
	case i >= 0 && len(t) > 0:
		*bucket = slices.Clone(*bucket)
		(*bucket)[i].trees = t
	case i >= 0:
		*bucket = slices.Concat((*bucket)[:i], (*bucket)[i+1:])
		h.count--
	case len(t) > 0:
		*bucket = append(slices.Clip(*bucket), host{name, t})
		h.count++
		if h.count > perBucket*len(h.buckets) {
			h.grow()
		}
	}
}

func (h *hosts) grow() {
	old := h.buckets
	h.buckets = make([][]host, 2*len(old))
	for _, bucket := range old {
		for _, known := range bucket {
			into := h.bucket(known.name)
			*into = append(*into, known)
		}
	}
}
