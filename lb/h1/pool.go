package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// ErrBusy is why a request was not sent: all connections to the address were in
// use, and none became free in time.
var ErrBusy = errors.New("h1: all connections to the upstream are in use")

// PoolOptions are what a [Pool] needs to know.
type PoolOptions struct {
	// Dial connects to the address. It has to keep to ctx, which ends with the
	// Dial timeout.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is for an upstream that is spoken to encrypted; nil is plain. Its
	// ServerName defaults to the address's host. It must not offer h2.
	TLS *tls.Config

	// MaxConns bounds the connections, used or not; 0 does not. Further requests
	// wait for MaxWait.
	MaxConns int
	MaxWait  time.Duration
	// MaxIdle bounds the connections kept that no request is using, and
	// IdleTimeout how long they are.
	MaxIdle     int
	IdleTimeout time.Duration

	// DialTimeout is for connecting, TLS included.
	DialTimeout time.Duration
	// HeadTimeout is for the head of an answer, from the end of the request.
	HeadTimeout time.Duration
	// BodyTimeout is how long an answer's body may not advance; 0 is for ever,
	// which event streams need.
	BodyTimeout time.Duration
	// WriteTimeout is how long an upstream may not take any of a request.
	WriteTimeout time.Duration

	Limits Limits
}

// DefaultPoolOptions suit upstreams within a data centre.
func DefaultPoolOptions() PoolOptions {
	// A peer that vanished without a word is noticed in about a minute.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3,
	}}
	limits := DefaultLimits()
	limits.HeadBytes = 64 << 10
	limits.Fields = 500
	return PoolOptions{
		Dial:         dialer.DialContext,
		MaxWait:      100 * time.Millisecond,
		MaxIdle:      128,
		IdleTimeout:  90 * time.Second,
		DialTimeout:  5 * time.Second,
		HeadTimeout:  time.Minute,
		WriteTimeout: time.Minute,
		Limits:       limits,
	}
}

// Pool holds the connections to one address. Its methods may be called from any
// goroutine. It has no goroutine of its own.
type Pool struct {
	address string
	options PoolOptions
	answers sync.Pool

	mu      sync.Mutex
	idle    []*clientConn      // the one used last is used next
	open    int                // idle ones too
	waiting []chan *clientConn // for a connection, or for the right to open one (nil)
	busy    uint64             // how many waited in vain
	sweeper *time.Timer        // nil while nothing is idle
}

// NewPool returns a pool of connections to address, host:port.
func NewPool(address string, o PoolOptions) *Pool {
	p := &Pool{address: address, options: o}
	if o.TLS != nil && o.TLS.ServerName == "" {
		p.options.TLS = o.TLS.Clone()
		p.options.TLS.ServerName, _, _ = net.SplitHostPort(address)
	}
	p.answers.New = func() any { return new(Answer) }
	return p
}

// Conns tells how many connections are open, and how many of them idle.
func (p *Pool) Conns() (open, idle int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open, len(p.idle)
}

// Busy tells how many requests waited for a connection in vain: see [ErrBusy].
func (p *Pool) Busy() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy
}

// CloseIdle closes the connections no request is using. The pool may be used
// further.
func (p *Pool) CloseIdle() {
	for _, cc := range p.takeIdle(time.Time{}) {
		cc.nc.Close()
	}
}

// takeIdle takes the idle connections out that were put back before t, or all.
func (p *Pool) takeIdle(t time.Time) []*clientConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.idle) && (t.IsZero() || !p.idle[n].since.After(t)) {
		n++
	}
	taken := append([]*clientConn(nil), p.idle[:n]...)
	p.idle = append(p.idle[:0], p.idle[n:]...)
	clear(p.idle[len(p.idle):cap(p.idle)])
	for range taken {
		p.slotFree()
	}
	switch {
	case p.sweeper == nil:
	case len(p.idle) == 0:
		p.sweeper.Stop()
		p.sweeper = nil
	case !t.IsZero():
		p.sweeper.Reset(time.Until(p.idle[0].since.Add(p.options.IdleTimeout)))
	}
	return taken
}

// slotFree says that a connection less is open: who waits may open another one.
func (p *Pool) slotFree() {
	if len(p.waiting) > 0 {
		p.wake(nil)
		return
	}
	p.open--
}

// wake hands a connection, or the right to open one, to who waits longest.
func (p *Pool) wake(cc *clientConn) {
	next := p.waiting[0]
	p.waiting = append(p.waiting[:0], p.waiting[1:]...)
	next <- cc // has room for it
}

// get finds a connection for the call that is alive, or opens one.
func (p *Pool) get(ctx context.Context, call *Call) (*clientConn, error) {
	fresh := call.Fresh || len(call.Preface) > 0
	for {
		cc, wait := p.take(fresh)
		if wait != nil {
			var err error
			if cc, err = p.await(ctx, wait); err != nil {
				return nil, err
			}
		}
		switch {
		case cc == nil:
			return p.dial(ctx, call.Preface)
		case !fresh && cc.usable(p.options.IdleTimeout):
			return cc, nil
		}
		p.discard(cc)
	}
}

// take takes an idle connection, or the right to open one (nil), or a place in
// the queue.
func (p *Pool) take(fresh bool) (cc *clientConn, wait chan *clientConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	full := p.options.MaxConns > 0 && p.open >= p.options.MaxConns
	if last := len(p.idle) - 1; last >= 0 && (!fresh || full) {
		cc = p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		return cc, nil
	}
	if full {
		wait = make(chan *clientConn, 1)
		p.waiting = append(p.waiting, wait)
		return nil, wait
	}
	p.open++
	return nil, nil
}

func (p *Pool) await(ctx context.Context, wait chan *clientConn) (*clientConn, error) {
	timer := time.NewTimer(p.options.MaxWait)
	defer timer.Stop()
	err := ErrBusy
	select {
	case cc := <-wait:
		return cc, nil
	case <-timer.C:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.mu.Lock()
	for i, w := range p.waiting {
		if w == wait {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			if err == ErrBusy { //nolint:errorlint // never wrapped here
				p.busy++
			}
			p.mu.Unlock()
			return nil, err
		}
	}
	p.mu.Unlock()
	return <-wait, nil // it came at the last moment
}

func (p *Pool) dial(ctx context.Context, preface []byte) (*clientConn, error) {
	if p.options.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.options.DialTimeout)
		defer cancel()
	}
	nc, err := p.connect(ctx, preface)
	if err != nil {
		p.mu.Lock()
		p.slotFree()
		p.mu.Unlock()
		return nil, err
	}
	return newClientConn(p, nc), nil
}

// connect opens a connection, until requests can be sent over it.
func (p *Pool) connect(ctx context.Context, preface []byte) (net.Conn, error) {
	nc, err := p.options.Dial(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	if len(preface) > 0 { // a new socket has room for it
		if _, err := nc.Write(preface); err != nil {
			nc.Close()
			return nil, fmt.Errorf("writing to %s: %w", p.address, err)
		}
	}
	if p.options.TLS == nil {
		return nc, nil
	}
	encrypted := tls.Client(Direct(nc), p.options.TLS)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("shaking hands with %s: %w", p.address, err)
	}
	return encrypted, nil
}

// put takes a connection back that may be used again.
func (p *Pool) put(cc *clientConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.waiting) > 0:
		p.wake(cc)
		return
	case len(p.idle) >= p.options.MaxIdle:
		p.slotFree()
		cc.nc.Close()
		return
	}
	p.idle = append(p.idle, cc)
	if p.sweeper == nil && p.options.IdleTimeout > 0 {
		p.sweeper = time.AfterFunc(p.options.IdleTimeout, p.sweep)
	}
}

// sweep closes what was idle for too long.
func (p *Pool) sweep() {
	for _, cc := range p.takeIdle(time.Now().Add(-p.options.IdleTimeout)) {
		cc.nc.Close()
	}
}

// discard gives up a connection.
func (p *Pool) discard(cc *clientConn) {
	cc.nc.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slotFree()
}

// clientConn is a connection to an upstream. While idle it holds no buffers.
type clientConn struct {
	pool  *Pool
	nc    net.Conn
	rd    reader
	w     writer
	probe *probe

	used  bool      // for an exchange before this one
	since time.Time // when it became idle
}

func newClientConn(p *Pool, nc net.Conn) *clientConn {
	cc := &clientConn{pool: p, nc: nc, probe: newProbe(nc)}
	cc.rd.init(nc, getLarge)
	cc.w.init(nc, p.options.WriteTimeout)
	return cc
}

// usable reports whether an idle connection is alive as far as can be told: the
// upstream did not close it, nor say anything unasked.
func (cc *clientConn) usable(idle time.Duration) bool {
	return (idle <= 0 || time.Since(cc.since) < idle) && cc.probe.silent()
}
