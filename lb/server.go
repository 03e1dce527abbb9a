package lb

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/probe"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/lb/tcp"
	"github.com/sluiceproxy/sluice/watch"
)

// Server accepts connections and has requests answered by the services of the
// catalog, by the table it builds anew at each change.
type Server struct {
	options ServerOptions
	watcher *watch.Watcher
	log     *slog.Logger

	builder      *Builder
	tableOptions atomic.Pointer[Options]      // builder's
	build        func(*watch.Snapshot) *Table // builder's, but for tests
	targets      *target.Registry
	table        atomic.Pointer[Table] // nil until a first complete one
	metrics      metrics
	prober       *probe.Prober
	copies       copies
	// keptBodies bounds what is kept of bodies that may be sent a second time.
	keptBodies allowance
	failures   failureLog
	changes    quota // of lines about routes
	problems   quota // and about problems
	// upstreams has the connections that are passed on.
	upstreams tcp.Upstreams
	// tunnels has those that were upgraded, if they are cut at all.
	tunnels tcp.Upstreams
	// calls has those of gRPC, if they are cut at all.
	calls tcp.Upstreams

	entries      []*entry
	certificates *certs.Certificates
	unissued     map[string][]tags.Problem // with certificates, by their source
	slots        chan struct{}             // one element for each connection
	splices      chan struct{}             // see tcp.Limits
	encoded      []string                  // see screenPath
	ownFields    []string                  // those no client may send, as they are configured
	untrusted    []string                  // those and all by which proxies tell of clients
	streams      sync.WaitGroup            // one for each HTTP/2 connection
	draining     atomic.Bool

	guarded atomic.Pointer[guard.State] // nil until there was a table
	letGo   chan struct{}               // asks for the guard to let go
	rebuild chan Options                // what tables are to be built by from now on
}

// New returns a server that routes by what w knows. It does nothing before
// Listen or Run.
func New(o ServerOptions, w *watch.Watcher) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("load balancer: %w", err)
	}
	s := &Server{options: o, watcher: w, log: o.Logger, prober: probe.New(o.Logger), copies: copies{log: o.Logger}, keptBodies: allowance{max: o.MaxKeptBodies}, metrics: metrics{routes: map[routeKey]*count.Counters{}, details: newDetails(o.DetailBounds)}}
	s.copies.failures = &s.failures
	s.changes, s.problems = newQuota(), newQuota()
	s.options.Table = o.TableOptions()
	s.letGo, s.rebuild = make(chan struct{}, 1), make(chan Options, 1)
	s.upstreams.Grace = o.Timeouts.Departed
	s.ownFields = o.Forwarding.fields()
	s.untrusted = slices.Concat(forwarding, s.ownFields)
	s.slots = make(chan struct{}, o.MaxConns)
	s.splices = make(chan struct{}, maxSplices(o.MaxConns))
	for _, name := range o.RejectEncoded {
		s.encoded = append(s.encoded, EncodedCharacters[name])
	}
	s.targets = target.NewRegistry(s.connect)
	s.tunnels.Grace, s.calls.Grace = o.Timeouts.DepartedTunnel, o.Timeouts.DepartedCall
	s.targets.OnRelease(s.departed)
	s.certificates, s.unissued = certs.New(s.options.certOptions(), w), map[string][]tags.Problem{}
	s.rebuildBy(s.options.Table)
	return s, nil
}

// Listen binds all listeners, or none. Connections wait until Run accepts them.
// Run does it if it was not done before; a server that is not run after Listen
// is to be closed with Close.
func (s *Server) Listen() error {
	if s.entries != nil {
		return nil
	}
	for _, l := range s.options.Listeners {
		e, err := s.bind(l)
		if err != nil {
			s.Close()
			return err
		}
		s.entries = append(s.entries, e)
	}
	return nil
}

// Close gives up the listeners of a server that is not running.
func (s *Server) Close() {
	for _, e := range s.entries {
		e.close()
	}
	s.entries = nil
}

// bind opens what a listener needs, its socket last.
func (s *Server) bind(l listener.Listener) (e *entry, err error) {
	e = &entry{
		listener: l, timeouts: timeoutsOf(&s.options, &l), limits: limitsOf(&s.options, &l),
		log: s.log, failures: &s.failures, draining: &s.draining,
	}
	if l.Proto != listener.ProtoHTTP && l.Proto != listener.ProtoHTTPS {
		e.conns = s.newStreams(e)
	}
	if err = s.setTLS(e); err != nil {
		return nil, fmt.Errorf("listener %s: %w", l.Address, err)
	}
	if e.redirectPort, err = s.redirectPort(&l); err != nil {
		return nil, err
	}
	address, err := l.Resolve()
	if err != nil {
		return nil, err
	}
	bound, err := e.listen(address)
	if err == nil && l.HTTP3 {
		bound, err = e.listenBeside(bound, address)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	e.address = bound.Addr()
	e.label = labelOf(l, e.address)
	e.gate = newGate(bound, l.MaxConns, s.slots, e.limits.connsPerClient, func() {
		e.notice("connections wait", "reason", "as many are open as may be", "open", e.gate.open.Load())
	})
	return e, nil
}

// Addrs are the addresses of the bound listeners, by name, or by the address as
// configured for those without one.
func (s *Server) Addrs() map[string]net.Addr {
	addrs := make(map[string]net.Addr, len(s.entries))
	for _, e := range s.entries {
		name := e.listener.Name
		if name == "" {
			name = e.listener.Address
		}
		addrs[name] = e.address
	}
	return addrs
}

// Table returns the table in force, or nil before the first complete one.
func (s *Server) Table() *Table { return s.table.Load() }

// Targets lists the backends of the table in force.
func (s *Server) Targets() []*target.Target { return s.targets.Targets() }

// Draining reports whether the server has begun to stop.
func (s *Server) Draining() bool { return s.draining.Load() }

// Ready reports whether the server routes and goes on doing so: it has read
// the catalog once and is not stopping.
func (s *Server) Ready() bool { return s.table.Load() != nil && !s.draining.Load() }

// Run serves until ctx ends, then drains: it is no longer ready, accepts no
// more, and lets the requests in flight end within the drain timeout before it
// cuts them. It returns nil when all it started has ended, and an error if it
// could not listen or accept.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(); err != nil {
		return err
	}
	// Requests live on after ctx has ended, until they are cut.
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	following, unfollow := context.WithCancel(requests)
	defer unfollow()
	failed := make(chan error, 2*len(s.entries))

	var wg sync.WaitGroup
	s.copies.begin(following)
	wg.Go(func() { s.follow(following) })
	wg.Go(func() { s.prober.Run(following) })
	wg.Go(s.copies.wait)
	wg.Go(func() { s.certificates.Run(following, s.bound) })
	for _, e := range s.entries {
		if err := e.start(requests, s); err != nil {
			failed <- err
		}
		wg.Go(func() {
			if err := e.accept(s); err != nil {
				failed <- err
			}
		})
		if e.http2 != nil {
			wg.Go(func() { _ = e.http2.Serve(e.handover) }) // until it is shut down
		}
		if e.http3 != nil {
			wg.Go(func() {
				if err := e.http3.Serve(); err != nil {
					failed <- fmt.Errorf("accepting on %s: %w", e.address, err)
				}
			})
		}
		s.log.Info("listening", "address", e.address.String(), "name", e.listener.Name, "proto", e.listener.Proto)
	}
	var err error
	select {
	case <-ctx.Done():
		err = s.prepareDrain(failed)
	case err = <-failed:
	}
	s.drain(cut)
	unfollow()
	wg.Wait()
	s.targets.Close()
	return err
}

// prepareDrain says that the server is not ready any more, and gives those who
// ask time to go elsewhere.
func (s *Server) prepareDrain(failed <-chan error) error {
	s.draining.Store(true)
	if s.options.DrainDelay == 0 {
		return nil
	}
	s.log.Info("not ready any more", "serving_for", s.options.DrainDelay)
	select {
	case <-time.After(s.options.DrainDelay):
		return nil
	case err := <-failed:
		return err
	}
}

// drain stops accepting and waits for the requests in flight, for as long as
// they may take; then it cuts them.
func (s *Server) drain(cut context.CancelFunc) {
	s.draining.Store(true)
	s.log.Info("draining", "in_flight", s.inFlight(), "timeout", s.options.Timeouts.Drain)
	ctx, cancel := context.WithTimeout(context.Background(), s.options.Timeouts.Drain)
	defer cancel()
	var wg sync.WaitGroup
	var late atomic.Bool
	for _, e := range s.entries {
		wg.Go(func() {
			if e.stop(ctx) != nil {
				late.Store(true)
			}
		})
	}
	wg.Wait()
	if !late.Load() {
		s.streams.Wait()
		s.log.Info("drained")
		return
	}
	s.log.Warn("cutting what is still in flight", "in_flight", s.inFlight())
	cut()
	for _, e := range s.entries {
		e.cut()
	}
	s.streams.Wait()
}

// serveExchange serves an exchange and counts it. A defect that panics costs
// that exchange alone.
func (s *Server) serveExchange(x *Exchange, refused *refusal) {
	began := time.Now()
	flying := &x.entry.counters.Of(x.Remote.Port()).Flying
	flying.Add(1)
	s.beginRecord(x, began)
	if s.metrics.details != nil {
		x.beginKind()
	}
	s.beginTrace(x, began)
	defer func() {
		if fault := recover(); fault != nil {
			s.metrics.panics.Add(1)
			x.Outcome.Err = fmt.Errorf("defect: %v", fault)
			s.log.Error("a request ran into a defect", "err", x.Outcome.Err, "host", x.Request.Host, "path", x.Request.Path)
			x.AnswerText(http.StatusBadGateway, "502 bad gateway") // if it is not too late
		}
		s.finish(x, time.Since(began))
		flying.Add(-1) // last: who sees none in flight finds all of them counted and logged
	}()
	if refused != nil {
		x.Outcome.Err = refused.err
		x.AnswerText(refused.status, refusalText(refused.status))
		return
	}
	if value := s.options.Forwarding.StrictTransport; value != "" && x.TLS != nil {
		x.Reply = &strictTransport{x.Reply, value}
	}
	if x.hasAlternative() {
		x.Reply = &alternative{x.Reply, x.entry.altSvc}
	}
	if !s.screen(x) {
		s.Serve(x)
	}
}

// finish counts and logs a finished exchange.
func (s *Server) finish(x *Exchange, took time.Duration) {
	if x.Outcome.Status != http.StatusSwitchingProtocols {
		x.Outcome.Sent, x.Outcome.Received = x.meter.transferred()
	}
	s.metrics.observe(x, took)
	x.endTrace()
	s.endRecord(x, took)
	s.logFailure(x)
}

func refusalText(status int) string {
	switch status {
	case http.StatusOK:
		return "ok"
	case http.StatusMisdirectedRequest:
		return "421 misdirected request"
	case http.StatusMethodNotAllowed:
		return "405 method not allowed"
	case http.StatusNotImplemented:
		return "501 not implemented"
	case http.StatusRequestHeaderFieldsTooLarge:
		return "431 request header fields too large"
	case http.StatusRequestEntityTooLarge:
		return "413 content too large"
	}
	return "400 bad request"
}
