package target

import (
	"slices"
	"testing"
)

// Targets of one address are found, and go, each by itself.
func TestTargetsOfOneAddress(t *testing.T) {
	keys := []Key{{Scheme: "http", Address: "a:1"}, {Scheme: "https", Address: "a:1"}, {Scheme: "http", Address: "a:1", Path: "/x"}}
	for gone := range keys {
		r := NewRegistry(nil)
		var pools []*Pool
		for _, key := range keys {
			pools = append(pools, r.Pool(key.String(), []Member{{Key: key, Weight: 1}}, Policy{}))
		}
		r.Replace(slices.Values([]*Pool(nil)), slices.Values(pools))
		r.Replace(slices.Values(pools[gone:gone+1]), slices.Values([]*Pool(nil)))
		left := r.Targets()
		if len(left) != 2 {
			t.Fatalf("%d targets without the one of place %d", len(left), gone)
		}
		for i, key := range keys {
			again := r.Pool("again", []Member{{Key: key, Weight: 1}}, Policy{}).Targets()[0]
			if again.Key() != key || (again == pools[i].Targets()[0]) != (i != gone) {
				t.Errorf("without the one of place %d, %s is another target, or none", gone, key)
			}
		}
		r.Close()
		r.Replace(slices.Values(pools[:0]), slices.Values(pools[:0])) // has nothing left to take out
	}
}
