package consul

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluiceproxy/sluice/watch"
)

// survey is one run of [Source.Survey].
//
// It keeps three lookouts, each one goroutine with one request open: on the
// checks, the services and the nodes of the catalog. A lookout blocks on a
// request whose filter matches nothing, so that waking costs two bytes, and
// then climbs its rungs, cheapest first, each comparing what it sees with what
// it saw before:
//
//	checks     list of critical checks; list of all checks
//	services   names and tags; every node's services; unexplained → any
//	nodes      list of nodes
//
// The cheap rung names most changes at once. It cannot prove that nothing else
// happened at the same time, so the others follow, however well the wake was
// explained; each runs at most a tenth of the time, so that a storm of changes
// costs a bounded share of a core and is reported later instead.
type survey struct {
	source  *Source
	scope   watch.Scope
	options surveyOptions

	mu       sync.Mutex // one call of changed at a time
	changed  func(map[string]struct{})
	services int // how many names there are; guarded by mu
}

// surveyOptions are constants that tests shorten.
type surveyOptions struct {
	wait time.Duration // how long a trigger blocks
	// share is how many times its own cost a rung rests between two runs, but
	// no longer than most: on a slow network the time is not spent on work.
	share int
	most  time.Duration
	// sweep is what one service costs the caller when any may have changed.
	sweep time.Duration
	// verify is how often everything is declared changed without a reason: the
	// bound on how long an error in our reasoning can last.
	verify time.Duration
}

func defaultSurveyOptions() surveyOptions {
	return surveyOptions{
		wait:   60 * time.Second,
		share:  10,
		most:   10 * time.Second,
		sweep:  200 * time.Microsecond,
		verify: 10 * time.Minute,
	}
}

func (o surveyOptions) rest(cost time.Duration) time.Duration {
	return min(cost*time.Duration(o.share), o.most)
}

// maxNodes is how many nodes' services are looked up singly when the nodes
// themselves changed; beyond it any service may have.
const maxNodes = 16

// noService is a filter that leaves out everything: all services have a name.
const noService = `ServiceName == ""`

// Survey tells which services changed, as [watch.Surveyor] asks; names are as
// registered. Whatever the configured mode, it reads through the leader: a
// server that lags behind the one that woke us would hide the change.
//
// How long that takes is measured in the package documentation.
func (s *Source) Survey(ctx context.Context, scope watch.Scope, changed func(services map[string]struct{})) error {
	if scope.SamenessGroup != "" {
		return errors.New("a sameness group spans catalogs and cannot be surveyed")
	}
	v := &survey{source: s, scope: scope, options: s.surveying, changed: changed}
	lookouts := v.lookouts()

	// What the rungs see now is what later looks are compared with. The index
	// comes first: what happens in between then wakes the lookout.
	begin, beginning := errgroup.WithContext(ctx)
	for _, l := range lookouts {
		begin.Go(func() error { return l.begin(beginning) })
	}
	if err := begin.Wait(); err != nil {
		return err
	}
	v.report(nil)

	watching, ctx := errgroup.WithContext(ctx)
	for _, l := range lookouts {
		watching.Go(func() error { return l.watch(ctx) })
	}
	watching.Go(func() error { return v.verify(ctx) })
	return watching.Wait()
}

func (v *survey) lookouts() []*lookout {
	const nothing = `Node == ""` // no node is called that
	checks := v.checks()
	return []*lookout{
		{
			survey:  v,
			trigger: v.call("/v1/health/state/critical", "filter", nothing),
			rungs:   []*rung{{look: checks.critical}, {look: checks.all}},
			sweeps:  true,
		},
		{
			survey:  v,
			trigger: v.call("/v1/catalog/services", "filter", noService),
			rungs:   []*rung{{look: v.tags()}, {look: v.instances()}},
			sweeps:  true,
		},
		{
			// Consul also moves this index where no node changed.
			survey:  v,
			trigger: v.call("/v1/catalog/nodes", "filter", nothing),
			rungs:   []*rung{{look: v.nodes()}},
		},
	}
}

func (v *survey) call(path string, pairs ...string) call {
	return call{
		path:   path,
		params: v.source.params(v.scope, params(pairs...), v.mode()),
		needs:  "service:read and node:read",
	}
}

func (v *survey) mode() Mode { return v.source.modeFor(true) }

// report calls changed, unless the set is empty; nil means any service.
func (v *survey) report(names map[string]struct{}) {
	if names != nil && len(names) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changed(names)
}

func (v *survey) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.services
}

func (v *survey) verify(ctx context.Context) error {
	tick := time.NewTicker(v.options.verify)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			v.report(nil)
		}
	}
}
