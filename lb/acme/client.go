package acme

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"golang.org/x/time/rate"

	"github.com/sluiceproxy/sluice/lb/acme/dns01"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

const (
	// MaxNames bounds the names one client has certificates for.
	MaxNames = 1000
	// workers is how many names are settled at a time.
	workers = 4
	// loadPatience is how long a handshake waits for what may be in the storage.
	loadPatience = 5 * time.Second
)

// Client has certificates for the names that are wanted. Its methods may be
// called from any goroutine.
type Client struct {
	options Options
	storage certmagic.Storage
	solver  *dns01.Solver // of challenges by DNS, else nil
	log     *slog.Logger
	engine  atomic.Pointer[engine] // nil before Run
	// lookups and strangers bound what anyone makes of requests to the storage, by
	// names that are wanted here and by others.
	lookups, strangers *rate.Limiter
	queue              chan *name
	wake               chan struct{} // one slot: something may be due

	// told is closed when Want was called for the first time.
	told     chan struct{}
	tellOnce sync.Once

	mu     sync.Mutex
	names  map[string]*name
	beyond int // names there was no room for
	// importErr is why what Traefik had is not taken over.
	importErr error
}

// New returns a client that does nothing before Run.
func New(o Options) (*Client, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c := &Client{
		options: o, storage: newStorage(&o), log: o.Logger,
		lookups: rate.NewLimiter(lookupsPerSecond, lookupsAtOnce), strangers: rate.NewLimiter(lookupsPerSecond, lookupsAtOnce),
		queue: make(chan *name, MaxNames), wake: make(chan struct{}, 1),
		told: make(chan struct{}), names: map[string]*name{},
	}
	if o.Challenge == ChallengeDNS {
		solver, err := dns01.New(o.DNS, c.storage, o.Logger)
		if err != nil {
			return nil, err
		}
		c.solver = solver
	}
	return c, nil
}

// Run has certificates issued, and renewed before they end, until ctx ends. The
// authority has to reach us at the address, directly or through others, when it
// looks whether a name is ours. It is called once.
func (c *Client) Run(ctx context.Context, address netip.AddrPort) {
	e := newEngine(&c.options, c.storage, c.solver, address, func(name string) {
		c.log.Info("certificate issued", "name", name)
	})
	defer e.cache.Stop()
	c.engine.Store(e)
	c.takeOver(ctx, e)
	var working sync.WaitGroup
	defer working.Wait()
	for range workers {
		working.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case n := <-c.queue:
					c.settle(ctx, e, n)
				}
			}
		})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-c.wake:
		}
		timer.Reset(c.dispatch(time.Now()))
	}
}

// dispatch queues the names that are due and returns how long there will be
// nothing to do.
func (c *Client) dispatch(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := time.Hour
	for _, n := range c.names {
		switch wait := n.due.Sub(now); {
		case n.queued:
		case !n.wanted && n.isOver(now):
			delete(c.names, n.text)
		case !n.wanted:
			rest = min(rest, n.certificate.Leaf.NotAfter.Sub(now))
		case wait <= 0:
			n.queued = true
			c.queue <- n // which has room for every name
		default:
			rest = min(rest, wait)
		}
	}
	return rest
}

// settle sees to the certificate of a name.
func (c *Client) settle(ctx context.Context, e *engine, n *name) {
	defer e.forget(n.text)
	if n.isNew() {
		loaded, err := e.load(ctx, n.text)
		c.mu.Lock()
		n.load(loaded)
		c.mu.Unlock()
		if err != nil {
			c.settled(ctx, e, n, nil, err)
			return
		}
		if loaded != nil {
			c.tellOfUse(n.text, loaded)
		}
	}
	certificate, err := e.settle(ctx, n.text)
	c.settled(ctx, e, n, certificate, err)
}

func (c *Client) settled(ctx context.Context, e *engine, n *name, certificate *tls.Certificate, err error) {
	if ctx.Err() != nil {
		return // whatever failed failed for that
	}
	now := time.Now()
	again := now.Add(jittered(checkAgain(certificate)))
	if err != nil {
		again = e.again(ctx, n.text, n.countFailure(), err)
		if r, ok := errors.AsType[*refusal](err); ok {
			err = r // without what the library wraps it in
		}
	}
	c.mu.Lock()
	replaced, news := n.settle(certificate, err, again)
	n.queued = false
	c.mu.Unlock()
	if replaced {
		c.tellOfUse(n.text, certificate)
	}
	switch {
	case news && err != nil:
		c.log.Error("no certificate was issued; what there was stays in use", "name", n.text, "err", err,
			"again_in", again.Sub(now).Round(time.Second))
	case news:
		c.log.Info("the certificate is well again", "name", n.text)
	}
	c.awaken()
}

// tellOfUse says which certificate a name has from now on, be it a new one or what
// the storage had at the start.
func (c *Client) tellOfUse(name string, certificate *tls.Certificate) {
	c.log.Info("certificate in use", "name", name, "until", certificate.Leaf.NotAfter)
}

func (c *Client) awaken() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Want tells for which names, in lower case, there are to be certificates. With
// "*.example.com" among them, those one label below it need none of their own.
// Certificates of others stay in use to their end, and are not renewed. Names
// beyond [MaxNames] are passed over.
func (c *Client) Want(names []string) {
	c.mu.Lock()
	for _, n := range c.names {
		n.wanted = false
	}
	wildcards := map[string]bool{}
	for _, text := range names {
		wildcards[text] = strings.HasPrefix(text, "*.")
	}
	var come []string
	for _, text := range names {
		if wildcards[wildcardFor(text)] {
			continue
		}
		if n := c.names[text]; n != nil {
			n.wanted = true
		} else {
			come = append(come, text)
		}
	}
	for len(come) > 0 && c.makeRoom() {
		n := newName(come[0])
		n.wanted = true
		c.names[n.text], come = n, come[1:]
	}
	news := len(come) != c.beyond
	c.beyond = len(come)
	c.mu.Unlock()
	if news && len(come) > 0 {
		c.log.Error("there are names without a certificate: more are wanted than there is room for", "most", MaxNames, "beyond", len(come))
	}
	c.tellOnce.Do(func() { close(c.told) })
	c.awaken()
}

// makeRoom forgets a name nobody wants if there is no room for another one, and
// reports whether there is.
func (c *Client) makeRoom() bool {
	if len(c.names) < MaxNames {
		return true
	}
	for text, n := range c.names {
		if !n.wanted && !n.queued {
			delete(c.names, text)
			return true
		}
	}
	return false
}

// Certificate returns the one for the very name a client asks for, else that for
// all names beside it, and nil if there is none. It waits for those that may be in
// the storage, but not for authorities.
func (c *Client) Certificate(hello *tls.ClientHelloInfo) *tls.Certificate {
	return c.certificate(hello.Context(), hello.ServerName)
}

func (c *Client) certificate(ctx context.Context, serverName string) *tls.Certificate {
	text := strings.ToLower(strings.TrimSuffix(serverName, "."))
	if text == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	if !await(ctx, c.told) {
		return nil
	}
	for _, text := range [...]string{text, wildcardFor(text)} {
		if certificate := c.loaded(ctx, text); certificate != nil {
			return certificate
		}
	}
	return nil
}

// loaded is the certificate that was issued for a name, nil for none. It waits
// until the storage was looked into.
func (c *Client) loaded(ctx context.Context, text string) *tls.Certificate {
	c.mu.Lock()
	n := c.names[text]
	c.mu.Unlock()
	if n == nil || !await(ctx, n.loaded) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return n.certificate
}

// await waits until a channel is closed, and reports whether it is.
func await(ctx context.Context, closed <-chan struct{}) bool {
	select {
	case <-closed:
		return true
	default: // and no matter what ctx is
	}
	select {
	case <-closed:
		return true
	case <-ctx.Done():
		return false
	}
}

// Certificates lists those in use by name.
func (c *Client) Certificates() []tlsconf.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []tlsconf.Certificate
	for _, n := range c.names {
		if n.certificate != nil {
			all = append(all, tlsconf.Certificate{Name: n.text, Hosts: n.certificate.Leaf.DNSNames, Until: n.certificate.Leaf.NotAfter})
		}
	}
	slices.SortFunc(all, func(a, b tlsconf.Certificate) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Failures tells why there is no certificate, or no newer one, for names that are
// wanted, by name.
func (c *Client) Failures() map[string]error {
	c.mu.Lock()
	defer c.mu.Unlock()
	failures := map[string]error{}
	for _, n := range c.names {
		if n.wanted && n.err != nil {
			failures[n.text] = n.err
		}
	}
	return failures
}
