package watch

import "context"

// Collector is a Surveyor that reads the whole of a scope when a survey begins,
// and so can answer many health queries without a request for each.
type Collector interface {
	Surveyor

	// Collect is Survey, except that the moment from which nothing is missed is
	// marked by a call of begun. The answer it is given is nil, or returns the
	// reply that a Fetch at some moment before would have given, confirmed by
	// the leader; without one the query must be fetched. It is used only until
	// begun returns.
	Collect(ctx context.Context, scope Scope, begun func(answer Answerer), changed func(services map[string]struct{})) error
}

// Answerer answers some health queries without a request.
type Answerer func(q Health) (reply Reply, ok bool)
