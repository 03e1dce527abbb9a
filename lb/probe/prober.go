package probe

import (
	"context"
	"log/slog"
	"reflect"
	"sync"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

// Pool is a pool whose targets are to be asked whether they are well.
type Pool struct {
	*target.Pool
	// Health says what they are asked, and how often. It is shared, and must not be
	// changed.
	Health *spec.HealthCheck
	// Proxy is the version of the PROXY header that the targets expect; 0 is none.
	Proxy int
}

// Prober asks the targets of pools for as long as anybody has these.
type Prober struct {
	log *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // ends all; nil until Run
	running map[*target.Pool]*probing
	wg      sync.WaitGroup
}

// probing is the checks of one pool, which several may have.
type probing struct {
	of   Pool
	uses int
	stop context.CancelFunc // nil until the checks run
}

// New makes a prober that tells the log which targets are given up, and which are
// taken back.
func New(log *slog.Logger) *Prober {
	return &Prober{log: log, running: map[*target.Pool]*probing{}}
}

// Run has all checks go on until ctx ends, and returns when they have ended.
func (p *Prober) Run(ctx context.Context) {
	p.mu.Lock()
	p.ctx = ctx
	for _, known := range p.running {
		p.start(known)
	}
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()   // from here on, none is started
	p.mu.Unlock() //nolint:staticcheck // that was all
	p.wg.Wait()
}

// Replace tells which pools are not had any more, each as often as it was, and which
// are by now.
func (p *Prober) Replace(gone, come []Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range come {
		known := p.running[c.Pool]
		if known == nil {
			known = &probing{}
			p.running[c.Pool] = known
		}
		if known.of.Proxy != c.Proxy || !reflect.DeepEqual(known.of.Health, c.Health) { // the check is another one now
			known.end()
			known.of = c
			p.start(known)
		}
		known.uses++
	}
	for _, g := range gone {
		known := p.running[g.Pool]
		if known == nil {
			continue
		}
		if known.uses--; known.uses == 0 {
			known.end()
			delete(p.running, g.Pool)
		}
	}
}

// start has the checks of a pool run, if there is anybody to run them for.
func (p *Prober) start(known *probing) {
	if p.ctx == nil || p.ctx.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(p.ctx)
	known.stop = stop
	for _, t := range known.of.Targets() {
		if t.Key().IsRedirect() {
			continue
		}
		c := check{known.of, t, p.log}
		p.wg.Go(func() { c.run(ctx) })
	}
}

func (known *probing) end() {
	if known.stop != nil {
		known.stop()
	}
}
