package lb

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// prober asks the targets of pools with a health check whether they are well.
type prober struct {
	log *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // ends all; nil before there is a server to probe for
	running map[*target.Pool]*probing
	wg      sync.WaitGroup
}

// probing is the checks of one pool, which several routes may have.
type probing struct {
	uses   int
	health *spec.HealthCheck
	stop   context.CancelFunc
}

// begin has the checks of all pools to come go on until ctx ends.
func (p *prober) begin(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.running = ctx, map[*target.Pool]*probing{}
}

// wait returns when all checks have ended.
func (p *prober) wait() {
	<-p.ctx.Done()
	p.mu.Lock()   // from here on, none is started
	p.mu.Unlock() //nolint:staticcheck // that was all
	p.wg.Wait()
}

// probed is a pool with a health check.
type probed struct {
	pool   *target.Pool
	health *spec.HealthCheck
	proxy  int // as in [check]
}

// replace tells which routes have gone and which have come.
func (p *prober) replace(gone, come []*Route) { p.change(probedBy(gone), probedBy(come)) }

func probedBy(routes []*Route) (all []probed) {
	for _, r := range withVias(routes) {
		if r.health != nil {
			all = append(all, probed{r.Pool, r.health, r.proxy})
		}
	}
	return all
}

// replaceTCP is replace for routes of connections.
func (p *prober) replaceTCP(gone, come []*TCPRoute) { p.change(probedByTCP(gone), probedByTCP(come)) }

func probedByTCP(routes []*TCPRoute) (all []probed) {
	for _, r := range routes {
		all = append(all, r.probed...)
	}
	return all
}

func (p *prober) change(gone, come []probed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range come {
		p.start(c)
	}
	for _, g := range gone {
		if known := p.running[g.pool]; known != nil {
			if known.uses--; known.uses == 0 {
				known.stop()
				delete(p.running, g.pool)
			}
		}
	}
}

func (p *prober) start(of probed) {
	if p.ctx == nil || p.ctx.Err() != nil {
		return
	}
	known := p.running[of.pool]
	if known == nil || !reflect.DeepEqual(known.health, of.health) {
		ctx, stop := context.WithCancel(p.ctx)
		next := &probing{health: of.health, stop: stop}
		if known != nil { // the check is another one now
			known.stop()
			next.uses = known.uses
		}
		known = next
		p.running[of.pool] = known
		for _, t := range of.pool.Targets() {
			if t.Key().Scheme == tags.SchemeRedirect {
				continue
			}
			c := check{of.health, of.pool, t, of.proxy, p.log}
			p.wg.Go(func() { c.run(ctx) })
		}
	}
	known.uses++
}

// check is the health check of one target for one pool.
type check struct {
	spec   *spec.HealthCheck
	pool   *target.Pool
	target *target.Target
	proxy  int // the version of the PROXY header the target expects; 0 is none
	log    *slog.Logger
}

// run checks the target again and again until ctx ends.
func (c check) run(ctx context.Context) {
	client := c.client()
	defer client.CloseIdleConnections()
	for {
		err := c.probe(ctx, client)
		if ctx.Err() != nil {
			return
		}
		down, changed := c.pool.SetUp(c.target, err == nil)
		if changed {
			c.tell(err)
		}
		pause := c.spec.Interval
		if err != nil || down { // or nearly so
			pause = cmp.Or(c.spec.UnhealthyInterval, pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (c check) tell(err error) {
	if err == nil {
		c.log.Info("a target is well again", "target", c.target.Key().String(), "pool", c.pool.Name())
		return
	}
	c.log.Warn("a target fails its health check and gets no requests", "target", c.target.Key().String(), "pool", c.pool.Name(), "err", err)
}

// client makes a client that connects anew each time: whether the target accepts
// connections is a part of the question.
func (c check) client() *http.Client {
	client := &http.Client{
		Timeout: c.spec.Timeout,
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, Proxy: nil,
			DialContext: c.dial, TLSClientConfig: c.target.Key().TLS(), Protocols: c.protocols(),
		},
	}
	if !c.spec.FollowRedirects {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client
}

// scheme is the one the target is asked by.
func (c check) scheme() string { return cmp.Or(c.spec.Scheme, c.target.Key().Scheme) }

// protocols are those of the scheme, but that gRPC is nothing without HTTP/2.
func (c check) protocols() *http.Protocols {
	var p http.Protocols
	switch {
	case c.scheme() == "https":
		p.SetHTTP1(c.spec.Mode != spec.ModeGRPC)
		p.SetHTTP2(c.spec.Mode == spec.ModeGRPC)
	case c.scheme() == "h2c" || c.spec.Mode == spec.ModeGRPC:
		p.SetUnencryptedHTTP2(true)
	default:
		p.SetHTTP1(true)
	}
	return &p
}

func (c check) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil || c.proxy == 0 {
		return nc, err
	}
	nobody := netip.AddrPort{} // a check is no client's
	if err := proxyproto.WriteHeader(nc, c.proxy, nobody, nobody); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// probe asks once. The error says why the target is not well.
func (c check) probe(ctx context.Context, client *http.Client) error {
	switch c.spec.Mode {
	case spec.ModeGRPC:
		return c.probeGRPC(ctx, client)
	case spec.ModeTCP:
		return c.probeTCP(ctx)
	}
	method := cmp.Or(c.spec.Method, http.MethodGet)
	request, err := c.request(ctx, method, c.spec.Path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10)
	least, most := http.StatusOK, http.StatusBadRequest-1
	if c.spec.Status != 0 {
		least, most = c.spec.Status, c.spec.Status
	}
	if answer.StatusCode < least || answer.StatusCode > most {
		return fmt.Errorf("%s answered %d", request.URL, answer.StatusCode)
	}
	return nil
}

func (c check) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	host, port, err := net.SplitHostPort(c.target.Key().Address)
	if err != nil {
		return nil, err
	}
	if c.spec.Port != 0 {
		port = strconv.Itoa(c.spec.Port)
	}
	place, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	place.Scheme, place.Host = c.scheme(), net.JoinHostPort(host, port)
	if place.Scheme == "h2c" {
		place.Scheme = "http"
	}
	request, err := http.NewRequestWithContext(ctx, method, place.String(), body)
	if err != nil {
		return nil, err
	}
	request.Host = c.spec.Hostname
	for name, value := range c.spec.Headers {
		request.Header.Set(name, value)
	}
	return request, nil
}
