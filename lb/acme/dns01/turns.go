package dns01

import (
	"context"
	"slices"
	"sync"

	"github.com/go-acme/lego/v4/challenge/dns01"
)

// library is of the process, as what it guards is: the library has one list of
// resolvers for all its providers. Calls with the same resolvers go on at the same
// time; those with others wait until they are over.
var library turns

type turns struct {
	mu        sync.Mutex
	resolvers []string
	calls     int           // under way
	over      chan struct{} // closed when the last of them has ended
}

// take waits for the turn of some resolvers. It is to be given back.
func (t *turns) take(ctx context.Context, resolvers []string) error {
	for {
		wait := t.try(resolvers)
		if wait == nil {
			return nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// try returns nil if it is the turn of these resolvers, or else what is closed
// before it is worth another try.
func (t *turns) try(resolvers []string) (wait <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	same := slices.Equal(t.resolvers, resolvers)
	if t.calls > 0 && !same {
		return t.over
	}
	if t.calls == 0 {
		t.over = make(chan struct{})
	}
	if !same {
		t.resolvers = slices.Clone(resolvers)
		_ = dns01.AddRecursiveNameservers(resolvers)(nil) // the option is for all challenges, and never fails
	}
	t.calls++
	return nil
}

func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls--; t.calls == 0 {
		close(t.over)
	}
}
