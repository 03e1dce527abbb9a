package watch

// maxWorkers bounds the requests that keep one crowd fresh; more would only
// queue up in the source.
const maxWorkers = 64

// allotment is how a crowded source's requests are divided.
type allotment struct {
	surveys  int // how many of the scopes, from the first, are surveyed
	loops    int // for queries that no survey tells of
	workers  int // requests at once for all without a loop
	promoted int // loops for those surveyed queries that change most
}

// allot divides slots, requests at once, among own queries that cannot be
// surveyed and scopes of those that can, whose sizes come in falling order.
//
// A few workers come first, as without them nothing moves, then surveys, up to
// half of all, as each stands for a whole scope; then loops; then more
// workers, up to half of all. What is left goes to promoted queries.
func allot(slots, own int, sizes []int) (a allotment) {
	a.workers = max(1, slots/16)
	left := slots - a.workers
	for _, size := range sizes {
		taken := (a.surveys + 1) * MaxSurveyRequests
		if size <= MaxSurveyRequests || taken > slots/2 {
			break
		}
		a.surveys++
		left -= MaxSurveyRequests
	}
	for _, size := range sizes[a.surveys:] {
		own += size
	}
	a.loops = max(0, min(own, left))
	left -= a.loops

	more := max(0, min(left, min(slots/2, maxWorkers)-a.workers))
	a.workers += more
	a.promoted = left - more
	if a.surveys == 0 {
		a.promoted = 0
	}
	return a
}
