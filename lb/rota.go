package lb

import "sync/atomic"

// rota is who of several has which turn.
type rota struct {
	order []int32        // repeated for ever
	turn  *atomic.Uint64 // outlives tables
}

// next takes a turn. It returns who has it, or the next one that is up, or -1 if
// nobody is.
func (r *rota) next(isUp func(i int) bool) int {
	n, count := r.turn.Add(1)-1, uint64(len(r.order))
	down := int32(-1) // the last that was, for turns of one often follow each other
	for i := range count {
		at := r.order[(n+i)%count]
		if at == down {
			continue
		}
		if isUp(int(at)) {
			return int(at)
		}
		down = at
	}
	return -1
}
