package target

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
)

// HashText makes an affinity of a text.
func HashText(text string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a, without an allocation
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return mix(h)
}

// HashAddr makes an affinity of an address.
func HashAddr(a netip.Addr) uint64 {
	bytes := a.As16()
	return mix(mix(binary.BigEndian.Uint64(bytes[:8])+1) ^ binary.BigEndian.Uint64(bytes[8:]))
}

// hashKey is what tells a member from the others when it is hashed.
func hashKey(k Key) uint64 {
	h := fnv.New64a()
	h.Write([]byte(k.Scheme))
	h.Write([]byte(k.Address))
	return mix(h.Sum64())
}

// mix is the finalizer of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
