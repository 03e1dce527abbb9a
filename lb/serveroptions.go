package lb

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/sluiceproxy/sluice/lb/accesslog"
)

// ServerOptions are what a [Server] needs to know. DefaultServerOptions gives
// the documented values; Listeners has no default.
type ServerOptions struct {
	// Table says how routes are made of the catalog. Its Entrypoints are set by
	// the server to the names of Listeners.
	Table     Options
	Listeners []Listener

	Timeouts Timeouts
	// Patience is how long the first table waits for services whose instances
	// cannot be read, when all others are known.
	Patience time.Duration
	// MaxHeaderBytes bounds a request's head; a longer one is answered 431. The
	// head of an upstream's answer may be twice as long, else it is a 502.
	MaxHeaderBytes int
	// MaxIdlePerTarget bounds the unused connections kept to one target.
	MaxIdlePerTarget int

	// TrustedProxies are the peers whose forwarding fields (X-Forwarded-For and
	// its like, Forwarded) are believed and added to. From all others they are
	// dropped and set anew.
	TrustedProxies []netip.Prefix
	// ServerName is sent to upstreams as X-Forwarded-Server; empty sends none.
	ServerName string

	// AccessLog has a line for each request; nil is none. It must run for as long
	// as the server does, and be ended after it.
	AccessLog *accesslog.Log

	Logger *slog.Logger
}

// Timeouts bound every wait. None bounds an exchange as a whole: uploads,
// downloads and event streams may take as long as bytes flow.
type Timeouts struct {
	// Header is for a request's whole head and, before it, a TLS handshake.
	Header time.Duration
	// Read is how long a request's body may not advance.
	Read time.Duration
	// Write is how long a client may not take any of an answer.
	Write time.Duration
	// Idle is how long a connection is kept open between requests.
	Idle time.Duration
	// Dial is for connecting to a target, TLS included.
	Dial time.Duration
	// Response is for a target to send the head of its answer, counted from the
	// end of the request.
	Response time.Duration
	// UpstreamIdle is how long an unused connection to a target is kept.
	UpstreamIdle time.Duration
	// Tunnel is how long an upgraded connection (WebSocket) may be silent.
	Tunnel time.Duration
	// Drain is how long requests in flight may take when the server stops.
	Drain time.Duration
}

// minHeaderBytes is what a head may have at least: net/http adds 4 KiB to what
// it is told to allow.
const minHeaderBytes = 8 << 10

// DefaultServerOptions are the values used when the operator says nothing.
func DefaultServerOptions() ServerOptions {
	hostname, _ := os.Hostname() // without one, nothing is sent
	return ServerOptions{
		Table: DefaultOptions(),
		Timeouts: Timeouts{
			Header:       10 * time.Second,
			Read:         30 * time.Second,
			Write:        time.Minute,
			Idle:         2 * time.Minute,
			Dial:         5 * time.Second,
			Response:     time.Minute,
			UpstreamIdle: 90 * time.Second,
			Tunnel:       time.Hour,
			Drain:        30 * time.Second,
		},
		Patience:         10 * time.Second,
		MaxHeaderBytes:   32 << 10,
		MaxIdlePerTarget: 128,
		ServerName:       hostname,
		Logger:           slog.Default(),
	}
}

// Validate reports everything that is wrong with the options.
func (o ServerOptions) Validate() error {
	var errs []error
	if len(o.Listeners) == 0 {
		errs = append(errs, errors.New("no listener is given"))
	}
	names := map[string]bool{}
	for _, l := range o.Listeners {
		if l.Name != "" && names[l.Name] {
			errs = append(errs, fmt.Errorf("two listeners are named %q", l.Name))
		}
		names[l.Name] = true
	}
	for _, timeout := range []struct {
		name  string
		value time.Duration
	}{
		{"header", o.Timeouts.Header}, {"read", o.Timeouts.Read}, {"write", o.Timeouts.Write},
		{"idle", o.Timeouts.Idle}, {"dial", o.Timeouts.Dial}, {"response", o.Timeouts.Response},
		{"upstream idle", o.Timeouts.UpstreamIdle}, {"tunnel", o.Timeouts.Tunnel}, {"drain", o.Timeouts.Drain},
	} {
		if timeout.value <= 0 {
			errs = append(errs, fmt.Errorf("the %s timeout must be above 0, not %v", timeout.name, timeout.value))
		}
	}
	if o.MaxHeaderBytes < minHeaderBytes {
		errs = append(errs, fmt.Errorf("the header limit must be %d bytes or more, not %d", minHeaderBytes, o.MaxHeaderBytes))
	}
	if o.MaxIdlePerTarget < 1 {
		errs = append(errs, fmt.Errorf("idle connections kept per target must be 1 or more, not %d", o.MaxIdlePerTarget))
	}
	if o.Logger == nil {
		errs = append(errs, errors.New("no logger is given"))
	}
	return errors.Join(errs...)
}
