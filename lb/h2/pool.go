package h2

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// streamBuffer is how many bytes of one answer may wait for a client that does
// not take them, before its upstream is told to wait too.
const streamBuffer = 256 << 10

var errNoHTTP2 = errors.New("h2: the upstream does not agree on HTTP/2")

// Pool holds the connections to one address, each of which carries many
// requests. Its methods may be called from any goroutine.
type Pool struct {
	address   string
	options   h1.PoolOptions
	transport *http.Transport
	slots     chan struct{} // one for each request in flight; nil: no bound

	open atomic.Int64
	busy atomic.Uint64
}

// NewPool returns a pool of connections to address, host:port. MaxConns bounds
// the requests in flight, for which over HTTP/1.1 it would have to have as many
// connections; MaxIdle has no meaning.
func NewPool(address string, o h1.PoolOptions) *Pool {
	p := &Pool{address: address, options: o}
	if o.TLS != nil {
		p.options.TLS = o.TLS.Clone()
		p.options.TLS.NextProtos = []string{"h2"}
		if o.TLS.ServerName == "" {
			p.options.TLS.ServerName, _, _ = net.SplitHostPort(address)
		}
	}
	if o.MaxConns > 0 {
		p.slots = make(chan struct{}, o.MaxConns)
	}
	p.transport = p.newTransport(nil)
	return p
}

// newTransport makes a transport whose connections begin with preface.
func (p *Pool) newTransport(preface []byte) *http.Transport {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx, preface) }
	t := &http.Transport{
		DialContext: dial, DialTLSContext: dial,
		DisableCompression:     true,
		IdleConnTimeout:        p.options.IdleTimeout,
		MaxResponseHeaderBytes: int64(p.options.Limits.HeadBytes),
		HTTP2: &http.HTTP2Config{
			WriteByteTimeout:          p.options.WriteTimeout,
			MaxReceiveBufferPerStream: streamBuffer,
		},
		Protocols: new(http.Protocols),
	}
	t.Protocols.SetHTTP2(p.options.TLS != nil)
	t.Protocols.SetUnencryptedHTTP2(p.options.TLS == nil)
	return t
}

// dial opens a connection, until HTTP/2 can be spoken on it.
func (p *Pool) dial(ctx context.Context, preface []byte) (net.Conn, error) {
	if p.options.DialTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.options.DialTimeout)
		defer cancel()
	}
	nc, err := p.options.Dial(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	p.open.Add(1)
	nc = &counted{Conn: nc, open: &p.open}
	if len(preface) > 0 { // a new socket has room for it
		if _, err := nc.Write(preface); err != nil {
			nc.Close()
			return nil, fmt.Errorf("writing to %s: %w", p.address, err)
		}
	}
	if p.options.TLS == nil {
		return nc, nil
	}
	encrypted := tls.Client(nc, p.options.TLS)
	if err = encrypted.HandshakeContext(ctx); err == nil && encrypted.ConnectionState().NegotiatedProtocol != "h2" {
		err = errNoHTTP2
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("shaking hands with %s: %w", p.address, err)
	}
	return encrypted, nil
}

// counted is a connection that is counted for as long as it is open.
type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// enter takes the right to have one more request in flight.
func (p *Pool) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	if p.slots == nil {
		return nil
	}
	timer := time.NewTimer(p.options.MaxWait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-timer.C:
		p.busy.Add(1)
		return h1.ErrBusy
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leave gives that right back.
func (p *Pool) leave() {
	if p.slots != nil {
		<-p.slots
	}
}

// Conns tells how many connections are open.
func (p *Pool) Conns() (open int) { return int(p.open.Load()) }

// Busy tells how many requests were not sent because as many were in flight as
// may be: see [h1.ErrBusy].
func (p *Pool) Busy() uint64 { return p.busy.Load() }

// CloseIdle closes the connections no request is using. The pool may be used
// further.
func (p *Pool) CloseIdle() { p.transport.CloseIdleConnections() }
