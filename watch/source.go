package watch

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Source answers queries by single requests. It holds no state about who
// wants what; loops, back-off and staleness are the Watcher's.
type Source interface {
	// Answers reports whether q is of a kind this source can be asked.
	Answers(q Query) bool

	// Fetch asks once. With r.Index > 0 it blocks until the source's index has
	// passed that value or about r.Wait is over, and then returns the state
	// as it is, changed or not. It returns when ctx ends.
	//
	// The reply's value has the type the query's [For] names and belongs to the
	// caller. Errors wrap [ErrDenied], [ErrInvalid] or [ErrNotFound] where retrying soon is
	// pointless; all others are treated as an outage and retried with back-off,
	// and may implement [RetryAfter].
	Fetch(ctx context.Context, r Request) (Reply, error)
}

// Request is one question put to a Source.
type Request struct {
	Query Query
	// Index is the index of the last reply, or 0 to be answered at once.
	Index uint64
	// Wait is how long the source may hold a blocking request.
	Wait time.Duration
	// Consistent demands an answer that was confirmed by the cluster's leader,
	// whatever the source's configured mode.
	Consistent bool
}

// Reply is an answer.
type Reply struct {
	Value any
	// Index is passed back in the next request. 0 means that the source cannot
	// block on this query: it is polled, every Poll.
	Index uint64
	Poll  time.Duration
	// LastContact is how far behind the leader a stale read may be.
	LastContact time.Duration
	// Filtered is set when an access rule removed parts of the answer.
	Filtered bool
	// Needs names the rights that show all of the answer, for people; it may be
	// empty.
	Needs string
}

// Surveyor is a Source that can tell which of many health queries changed
// without holding a connection for each.
type Surveyor interface {
	Source

	// Survey runs until ctx ends or a request fails. Whenever services may have
	// changed in scope it calls changed with their names; a nil set means that
	// any may have. The first call, with nil, marks the moment from which
	// nothing is missed. It holds no more than MaxSurveyRequests requests.
	Survey(ctx context.Context, scope Scope, changed func(services map[string]struct{})) error
}

// MaxSurveyRequests is how many requests one Survey may have open at a time;
// they count against the connection budget.
const MaxSurveyRequests = 3

// Multiplexer is a Source whose requests do not need a connection each.
type Multiplexer interface {
	Source

	// Streams is how many requests one connection carries at the moment: 1 for
	// HTTP/1.1, the server's limit for HTTP/2, and 0 where requests need no
	// connection at all, as those of a local file. It is called often and may
	// change; a source that does not implement it is taken to say 1.
	Streams() int
}

// Renewer is a Source whose credentials may be replaced while it is used.
type Renewer interface {
	Source

	// Renewed returns a channel that is closed when other credentials take the
	// place of those that a request begun now would carry. What was refused or
	// filtered is asked for again then.
	Renewed() <-chan struct{}
}

// Pauser is a Source that says how long to pause after failed requests.
type Pauser interface {
	Source

	// Backoff takes the place of [Options.Backoff], unless it is zero.
	Backoff() Backoff
}

// RetryAfter is an error that says when to ask again, such as an answer 429
// with a Retry-After header. The pause is never shorter than it says.
type RetryAfter interface {
	error
	RetryAfter() time.Duration
}

// ErrDenied marks an answer that needs a right the token does not give.
var ErrDenied = errors.New("permission denied")

// ErrFiltered is reported when access rules removed all of an answer. It is an
// [ErrDenied], and never an answer that there is nothing: the last good answer
// is kept, and what was not known stays unknown.
var ErrFiltered = fmt.Errorf("%w: access rules hide the whole answer", ErrDenied)

// ErrNotFound marks a thing that does not exist where absence is no answer,
// such as an unknown prepared query.
var ErrNotFound = errors.New("not found")

// ErrInvalid marks a question that the source does not take for one, such as that
// for a service whose name cannot be asked for. Asked again it says the same.
var ErrInvalid = errors.New("invalid question")

// ErrUnanswerable is reported for a query that no source answers.
var ErrUnanswerable = errors.New("no source is configured for this kind of query")
