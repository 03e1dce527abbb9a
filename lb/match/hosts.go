package match

import (
	"hash/maphash"
	"slices"
)

// hosts is a hash table of the trees of many hosts. It is persistent: a change
// works on a clone, which copies the list of buckets, and makes the buckets it
// touches anew. (A map would have to be copied whole.)
type hosts struct {
	seed    maphash.Seed
	buckets []trees // a power of two of them
	count   int     // of trees
}

// perBucket is how many trees there are in a bucket on average, at most. More
// make look-ups slower, less make clones larger.
const perBucket = 4

func newHosts() hosts { return hosts{seed: maphash.MakeSeed(), buckets: make([]trees, 1)} }

func (h *hosts) clone() hosts {
	return hosts{h.seed, slices.Clone(h.buckets), h.count}
}

func (h *hosts) hash(host string) uint32 {
	return uint32(maphash.String(h.seed, host)) //nolint:gosec // any half of it does
}

// bucket returns the trees among which are those of hosts with a hash.
func (h *hosts) bucket(hash uint32) *trees { return &h.buckets[int(hash)&(len(h.buckets)-1)] }

// change changes one of the trees.
func (h *hosts) change(t tree, change func(*node) *node) {
	t.hash = h.hash(t.host)
	bucket := h.bucket(t.hash)
	before := len(*bucket)
	*bucket = bucket.change(t, change)
	if h.count += len(*bucket) - before; h.count > perBucket*len(h.buckets) {
		h.grow()
	}
}

func (h *hosts) grow() {
	old := h.buckets
	h.buckets = make([]trees, 2*len(old))
	for _, bucket := range old {
		for _, t := range bucket {
			into := h.bucket(t.hash)
			*into = append(*into, t)
		}
	}
}
