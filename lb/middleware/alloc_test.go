//go:build !race

package middleware

import "testing"

func TestTheUsualChainAllocatesNothing(t *testing.T) {
	front := serve(t, chained, answering(t))
	for _, route := range []string{"bare", "chain"} {
		roundTrip := asking(t, front, route)
		roundTrip() // connects
		if n := testing.AllocsPerRun(2000, roundTrip); n != 0 {
			t.Errorf("%s: %v allocations for a request, want none", route, n)
		}
	}
}
