package target

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/internal/unixsock"
	"github.com/sluiceproxy/sluice/lb/transport"
)

// Key identifies a target: what has the same key shares counters, health and
// connections, whichever services and routes it belongs to.
type Key struct {
	// Scheme is how the target is spoken to: "http", "https", "h2c".
	Scheme string
	// Address is host:port, with an IPv6 host in brackets; or unix:/path, a socket of
	// this machine; or a URL, if that is where clients are sent instead.
	Address string
	// ServerName is the name the certificate of an https or tls target must be for; empty is
	// the host of Address. SkipVerify takes any certificate.
	ServerName string
	SkipVerify bool
	// Transport is how connections to the target are made, or none. What it says of
	// TLS goes before ServerName and SkipVerify.
	Transport transport.ID
	// Path is put in front of the path of each request: escaped, with a slash in
	// front and none behind, or empty.
	Path string
}

// IsRedirect reports whether clients are sent to the target themselves, so that
// nobody connects to it here.
func (k Key) IsRedirect() bool { return strings.Contains(k.Address, "://") }

// Place is what connections to the target are made to, as package net has it.
func (k Key) Place() (network, address string) {
	if path, ok := unixsock.Path(k.Address); ok {
		return "unix", path
	}
	return "tcp", k.Address
}

// IsSocket reports whether the target is a socket of this machine.
func (k Key) IsSocket() bool { return strings.HasPrefix(k.Address, unixsock.Prefix) }

// Host is what requests to the target are for if nothing else is said.
func (k Key) Host() string {
	if k.IsSocket() {
		return "localhost"
	}
	return k.Address
}

// String is the target as a URL.
func (k Key) String() string {
	if k.IsRedirect() {
		return k.Address
	}
	return k.Scheme + "://" + k.Address + k.Path
}

// Conns are the connections kept to one target. What they are is the affair of
// whoever sends requests.
type Conns interface {
	// CloseIdle closes the connections no request is using.
	CloseIdle()
}

// Releaser is what [Conns] may also be: Release is called when the target is in
// no pool any more, whether requests still run on it or not.
type Releaser interface{ Release() }

// Target is one backend. Its methods may be called at any time from any
// goroutine.
type Target struct {
	key   Key
	conns Conns

	inFlight atomic.Int64
	total    atomic.Uint64
	failed   atomic.Uint64
	latency  lazy[latency]
	hash     uint64 // of the key, for pools that need it
	released atomic.Bool

	// Of the registry, under its lock: how many pools it is in, and another target of
	// the same address.
	pools int32
	next  *Target
}

// Key is the target's identity.
func (t *Target) Key() Key { return t.key }

// Conns are what the registry's function made for this target; nil if there
// is none.
func (t *Target) Conns() Conns { return t.conns }

// Begin counts a request sent to the target. Each Begin needs one End.
func (t *Target) Begin() {
	t.inFlight.Add(1)
	t.total.Add(1)
}

// End counts the request as finished; failed says that it was the target's
// fault: refused, reset, timed out, or no proper answer.
func (t *Target) End(failed bool) {
	if failed {
		t.failed.Add(1)
	}
	// A request may still run on a target that no table has any more: the last
	// one to leave closes the door.
	if t.inFlight.Add(-1) == 0 && t.released.Load() {
		t.closeIdle()
	}
}

// load is the number of requests in flight, with the one to come.
func (t *Target) load() float64 { return float64(t.inFlight.Load() + 1) }

// Took tells how long the target took to begin an answer.
func (t *Target) Took(d time.Duration) { t.latency.need().add(d, time.Now()) }

// Stats is a moment's view of a target's counters.
type Stats struct {
	InFlight int64
	// Total and Failed count requests since the target was first seen; the
	// requests in flight are in Total.
	Total  uint64
	Failed uint64
}

// Stats reads the counters.
func (t *Target) Stats() Stats {
	return Stats{InFlight: t.inFlight.Load(), Total: t.total.Load(), Failed: t.failed.Load()}
}

func (t *Target) release() {
	t.released.Store(true)
	if conns, ok := t.conns.(Releaser); ok {
		conns.Release()
	}
	if t.inFlight.Load() == 0 {
		t.closeIdle()
	}
}

func (t *Target) closeIdle() {
	if t.conns != nil {
		t.conns.CloseIdle()
	}
}
