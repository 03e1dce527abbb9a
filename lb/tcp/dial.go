package tcp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/target"
)

// The schemes of targets.
const (
	Scheme    = "tcp"
	SchemeTLS = "tls" // encrypted from here to the target
	SchemeUDP = "udp"
)

// ErrNoTarget is returned if a pool has nothing to pick from.
var ErrNoTarget = errors.New("no instance is healthy")

// Dialer connects to targets.
type Dialer struct {
	// Timeout is for one target of which its transport says nothing, TLS included.
	Timeout time.Duration
	// Source is the client, which some pools pick by, and Bound what it has
	// connected to. Of both tells the PROXY header that a target is sent first, in
	// the version Proxy; 0, or no Proxy, sends none.
	Source, Bound netip.AddrPort
	Proxy         func(*target.Target) int
	// First is the target to try first, nil for the one whose turn it is. After it
	// one is tried that the first of Then holds for, then one that the second does,
	// and so on; without any it is one of all.
	First *target.Target
	Then  []func(*target.Target) bool
	// Ejected, if not nil, is told of a target that could not be reached so often
	// that the pool passes over it, and for how long.
	Ejected func(*target.Target, time.Duration)
}

// Dialed is a connection to a target, which is told that the conversation has
// begun, and is to be told of its end.
type Dialed struct {
	Conn
	Target *target.Target
	// Tries is how many targets were tried.
	Tries int
}

// Dial connects to the target of a pool whose turn it is. If that cannot be
// reached, another one is tried.
func (d *Dialer) Dial(ctx context.Context, pool *target.Pool) (Dialed, error) {
	first := d.First
	if first == nil {
		first = pool.Pick(target.HashAddr(d.Source.Addr().Unmap()))
	}
	if first == nil {
		return Dialed{}, ErrNoTarget
	}
	then := d.Then
	if then == nil {
		then = []func(*target.Target) bool{nil}
	}
	tried := []*target.Target{first}
	nc, err := d.observe(ctx, pool, first)
	for _, may := range then {
		if err == nil || ctx.Err() != nil {
			break
		}
		other := pool.PickOther(may, tried...)
		if slices.Contains(tried, other) {
			continue
		}
		tried = append(tried, other)
		var again error
		if nc, again = d.observe(ctx, pool, other); again == nil {
			err = nil
			break
		}
		err = errors.Join(err, again)
	}
	return Dialed{nc, tried[len(tried)-1], len(tried)}, err
}

// observe connects to one target, and tells the pool whether it could.
func (d *Dialer) observe(ctx context.Context, pool *target.Pool, to *target.Target) (Conn, error) {
	nc, err := d.dial(ctx, to)
	switch {
	case err == nil:
		pool.Observe(to, Connected)
	case ctx.Err() != nil: // nobody waits for it any more
	default:
		if length := pool.Observe(to, 0); length > 0 && d.Ejected != nil {
			d.Ejected(to, length)
		}
	}
	return nc, err
}

// dialerWith asks a silent peer that often; 0 is as with all, below 0 never.
func dialerWith(every time.Duration) net.Dialer {
	config := keepAlive
	switch {
	case every < 0:
		return net.Dialer{KeepAlive: every}
	case every > 0:
		config.Idle, config.Interval = every, every
	}
	return net.Dialer{KeepAliveConfig: config}
}

// Connected is what a [target.Pool] is told in the place of a status.
const Connected = 1

// dial connects to one target.
func (d *Dialer) dial(ctx context.Context, to *target.Target) (nc Conn, err error) {
	to.Begin()
	defer func() {
		if err != nil {
			to.End(true)
			err = fmt.Errorf("connecting to %s: %w", to.Key(), err)
		}
	}()
	reach := to.Key().Transport.Conns()
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(reach.Dial, d.Timeout))
	defer cancel()
	dialer := dialerWith(reach.KeepAlive)
	network, address := to.Key().Place()
	dialed, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	socket := dialed.(Conn) //nolint:errcheck,forcetypeassert // as those of streams are
	if d.Proxy != nil && d.Proxy(to) != 0 {
		if err := proxyproto.WriteHeader(socket, d.Proxy(to), d.Source, d.Bound); err != nil {
			socket.Close()
			return nil, err
		}
	}
	if to.Key().Scheme != SchemeTLS {
		return socket, nil
	}
	encrypted := tls.Client(socket, to.Key().TLS())
	if err := encrypted.HandshakeContext(ctx); err != nil {
		socket.Close()
		return nil, err
	}
	return encrypted, nil
}
