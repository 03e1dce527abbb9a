package match

import (
	"fmt"
	"testing"
)

// crowd is n routes of all sorts: names, wildcards and paths on one host.
func crowd(n int) []*Route {
	routes := []*Route{fabio("", "/")}
	for i := len(routes); i < n; i++ {
		switch i % 4 {
		case 0:
			routes = append(routes, fabio(fmt.Sprintf("s%d.example.com", i), "/"))
		case 1:
			routes = append(routes, fabio(fmt.Sprintf("*.z%d.example.com", i), "/app"))
		case 2:
			routes = append(routes, traefik(10, PathPrefix{Text: fmt.Sprintf("/svc-%d/", i)}))
		default:
			routes = append(routes, traefik(20, And{Host{"example.com"}, PathPrefix{Text: fmt.Sprintf("/svc-%d", i)}}))
		}
	}
	return routes
}

// requests hit one route of each sort in a crowd, whatever its size.
var requests = map[string]*Request{
	"exact":    {Host: "s4.example.com", Path: "/some/page"},
	"wildcard": {Host: "www.z5.example.com", Path: "/app/1"},
	"hostless": {Host: "other.net", Path: "/svc-6/x"},
	"both":     {Host: "example.com", Path: "/svc-7/x"},
	"fallback": {Host: "unknown.net", Path: "/unknown"},
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		x := NewIndex(crowd(n))
		for name, r := range requests {
			b.Run(fmt.Sprintf("%s/routes=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if x.Lookup(r) == nil {
						b.Fatal("no match")
					}
				}
			})
		}
	}
}

func BenchmarkNewIndex(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		routes := crowd(n)
		b.Run(fmt.Sprintf("routes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NewIndex(routes)
			}
		})
	}
}

func TestIndex_LookupAllocatesNothing(t *testing.T) {
	x := NewIndex(crowd(1000))
	for name, r := range requests {
		if n := testing.AllocsPerRun(100, func() { x.Lookup(r) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
