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
// request whose filter matches nothing, so that waking costs two bytes (except
// on the services, where filtering is dearer to Consul than the names), and then
// climbs its rungs, cheapest first, each comparing what it sees with what
// it saw before:
//
//	checks     lists of critical and of warning checks; list of all checks
//	services   names and tags; services of each node that changed; unexplained → any
//	nodes      list of nodes
//
// The cheap rung names most changes at once. It cannot prove that nothing else
// happened at the same time, so the others follow, however well the wake was
// explained, though then at leisure; each runs at most a tenth of the time, so
// that a storm of changes costs a bounded share of a core and is reported later
// instead.
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
	// burst is how much of that rest may be owed.
	burst time.Duration
	// proof is how many times longer it rests if there is nothing to find but
	// what happened at the same time as a change that was named.
	proof time.Duration
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
		burst:  2 * time.Second,
		proof:  5,
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

// Survey tells which services changed, as [watch.Surveyor] asks; names are as
// registered. Whatever the configured mode, it reads through the leader: a
// server that lags behind the one that woke us would hide the change.
//
// How long that takes is measured in the package documentation.
func (s *Source) Survey(ctx context.Context, scope watch.Scope, changed func(services map[string]struct{})) error {
	return s.Collect(ctx, scope, func(watch.Answerer) { changed(nil) }, changed)
}

// Collect is [Source.Survey] that hands out what it sees at its beginning; see
// [watch.Collector].
func (s *Source) Collect(ctx context.Context, scope watch.Scope, begun func(watch.Answerer), changed func(services map[string]struct{})) error {
	if scope.SamenessGroup != "" {
		return errors.New("a sameness group spans catalogs and cannot be surveyed")
	}
	v := &survey{source: s, scope: scope, options: s.surveying, changed: changed}
	lookouts, err := v.begin(ctx, begun)
	if err != nil {
		return err
	}
	watching, ctx := errgroup.WithContext(ctx)
	for _, l := range lookouts {
		watching.Go(func() error { return l.watch(ctx) })
	}
	watching.Go(func() error { return v.verify(ctx) })
	return watching.Wait()
}

// begin notes where the indexes stand and then what there is, with which later
// looks are compared. The indexes come first: what happens in between then
// wakes the lookouts.
func (v *survey) begin(ctx context.Context, begun func(watch.Answerer)) ([]*lookout, error) {
	const nothing = `Node == ""` // no node is called that
	checks := &checkRungs{survey: v}
	tags, hosts, nodes := &tagRung{survey: v}, &hostRung{survey: v}, &nodeRung{survey: v}
	ofChecks := &lookout{
		survey:  v,
		trigger: v.call("/v1/health/state/critical", "filter", nothing),
		rungs:   []*rung{{look: checks.bad}, {look: checks.all}},
		sweeps:  true,
	}
	ofServices := &lookout{
		survey:  v,
		trigger: v.call("/v1/catalog/services"), // with a filter it takes Consul four times as long
		rungs:   []*rung{{look: tags.look}, {look: hosts.look}},
		sweeps:  true,
	}
	ofNodes := &lookout{
		// Consul also moves this index where no node changed.
		survey:  v,
		trigger: v.call("/v1/catalog/nodes", "filter", nothing),
		rungs:   []*rung{{look: nodes.look}},
	}
	lookouts := []*lookout{ofChecks, ofServices, ofNodes}

	blocking, inBlocking := errgroup.WithContext(ctx)
	for _, l := range lookouts {
		blocking.Go(func() error {
			_, err := l.block(inBlocking)
			return err
		})
	}
	if err := blocking.Wait(); err != nil {
		return nil, err
	}
	for _, look := range []func(context.Context, answer) (finding, error){tags.look, nodes.look} {
		if _, err := look(ctx, ofServices.woke); err != nil {
			return nil, err
		}
	}
	c, err := v.collect(ctx)
	if err != nil {
		return nil, err
	}
	ofChecks.begin(c.covers, checks.begin(&c))
	ofServices.begin(c.services, hosts.begin(&c))
	begun(c.answerer(v.scope, v.source.defaults))
	return lookouts, nil
}

func (v *survey) call(path string, pairs ...string) call {
	return call{
		path:   path,
		params: v.source.params(v.scope, params(pairs...), v.mode()),
		needs:  "service:read and node:read",
	}
}

func (v *survey) get(ctx context.Context, path string, pairs ...string) (answer, error) {
	return v.source.client.get(ctx, v.call(path, pairs...))
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

func (v *survey) setCount(services int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.services = services
}

// tooMany is whether asking for each service is cheaper than for each node.
func (v *survey) tooMany(nodes map[string]uint64) bool { return len(nodes) > max(v.count(), maxNodes) }

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
