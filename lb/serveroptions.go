package lb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/accesslog"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/watch"
)

// ServerOptions are what a [Server] needs to know. DefaultServerOptions gives
// the documented values; Listeners has no default.
type ServerOptions struct {
	// Table says how routes are made of the catalog. Its Entrypoints are set by
	// the server to the names of Listeners.
	Table     Options
	Listeners []listener.Listener

	Timeouts Timeouts
	// DrainDelay is how long the server goes on as before when it is to stop, but
	// is not ready any more: for those in front of it to notice.
	DrainDelay time.Duration
	// Patience is how long the first table waits for services whose instances
	// cannot be read, when all others are known.
	Patience time.Duration
	// MaxHeaderBytes bounds a request's head; a longer one is answered 431. The
	// head of an upstream's answer may be twice as long, else it is a 502.
	MaxHeaderBytes int
	// MaxHeaderFields bounds the number of fields in it, likewise.
	MaxHeaderFields int
	// MaxBodyBytes bounds a request's body; a longer one is answered 413. 0 is no
	// limit.
	MaxBodyBytes int64
	// MaxCallMessage bounds each message of a call of gRPC on listeners for those, in
	// bytes as they are sent, in both directions. 0 is no limit.
	MaxCallMessage int
	// MaxConns bounds the connections of clients on all listeners together.
	// Further ones wait to be accepted.
	MaxConns int
	// MaxConnsPerClient bounds those of one client on one listener: of an IPv4
	// address, or of a network of 64 bits. Further ones are closed. 0 is no limit.
	MaxConnsPerClient int
	// MaxRequests and MaxConnAge are after how many requests, and after how long,
	// a client has to open another connection. 0 is never.
	MaxRequests int
	MaxConnAge  time.Duration
	// MaxConnsPerTarget bounds the connections to one target, which is the number
	// of exchanges it is given at a time. Further ones wait for TargetWait and are
	// then answered 503.
	MaxConnsPerTarget int
	TargetWait        time.Duration
	// MaxKeptBodies bounds the memory for bodies of requests that are kept because
	// they may be sent again, to mirrors and to fallbacks after an error, in bytes.
	// What is beyond is sent once only.
	MaxKeptBodies int64
	// MaxIdlePerTarget bounds the unused connections kept to one target. Below the
	// number of requests that are in flight at once, connections are made and
	// closed all the time.
	MaxIdlePerTarget int

	// TrustedProxies are the peers whose forwarding fields (X-Forwarded-For and
	// its like, Forwarded) are believed and added to. From all others they are
	// dropped and set anew.
	TrustedProxies []netip.Prefix
	// TrustSockets has the peers that come by a socket of this machine among them.
	TrustSockets bool
	// Forwarding says what else upstreams and clients are told.
	Forwarding Forwarding
	// CertSources are what listeners take certificates from, by name.
	CertSources []certs.Source
	// IssueCertificate has a certificate issued for a host name by the role at a
	// path of Vault; nil without a Vault. Its errors hold no secret.
	IssueCertificate func(ctx context.Context, path, name string) (*watch.IssuedCertificate, error)
	// ACME are authorities that issue certificates, for listeners as CertSources are
	// and for routes that name them.
	ACME []certs.ACME
	// Underscores is what becomes of fields with an underscore in their names: one
	// of the constants; empty is UnderscoresKeep.
	Underscores string
	// RejectEncoded names the characters no path may hold encoded; see
	// EncodedCharacters.
	RejectEncoded []string

	// NoRouteStatus answers requests without a route; 0 is 404.
	NoRouteStatus int
	// ServerName is sent to upstreams as X-Forwarded-Server; empty sends none.
	ServerName string

	// AccessLog has a line for each request; nil is none. It must run for as long
	// as the server does, and be ended after it.
	AccessLog *accesslog.Log
	// Tracer is told of each request; nil is none.
	Tracer Tracer

	// DetailBounds, if not nil, has exchanges counted in detail: see [Detail]. They
	// are the upper bounds of the buckets of their durations in seconds, ascending.
	DetailBounds []float64

	Logger *slog.Logger
}

// TableOptions are those of the tables a server with these options routes by.
func (o ServerOptions) TableOptions() Options {
	t := o.Table
	t.Entrypoints, t.EntrypointAliases = listener.Entrypoints(o.Listeners)
	t.Tags.FabioNames = slices.ContainsFunc(o.Listeners, func(l listener.Listener) bool { return l.Proto == listener.ProtoSNI })
	t.EntrypointAddresses = entrypointAddresses(o.Listeners)
	t.EntrypointTLSOptions = entrypointTLSOptions(o.Listeners)
	t.EntrypointMiddlewares = entrypointMiddlewares(o.Listeners)
	t.TCPEntrypoints = tcpEntrypoints(o.Listeners)
	t.CertResolvers, t.EntrypointCertResolvers = certs.Resolvers(o.ACME, o.Listeners)
	return t
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
	// Departed is how long connections that are passed on may go on when their
	// target is gone.
	Departed time.Duration
	// DepartedTunnel is the same for connections that were upgraded (WebSocket); 0
	// lets them go on.
	DepartedTunnel time.Duration
	// DepartedCall is the same for calls of gRPC.
	DepartedCall time.Duration
	// Drain is how long requests in flight may take when the server stops.
	Drain time.Duration
}

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
			Departed:     30 * time.Second,
			Drain:        30 * time.Second,
		},
		Patience:          10 * time.Second,
		MaxHeaderBytes:    32 << 10,
		MaxHeaderFields:   100,
		MaxConns:          defaultMaxConns(),
		MaxConnsPerTarget: 1024,
		TargetWait:        100 * time.Millisecond,
		MaxIdlePerTarget:  1024,
		MaxKeptBodies:     256 << 20,
		ServerName:        hostname,
		Logger:            slog.Default(),
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
		{"upstream idle", o.Timeouts.UpstreamIdle}, {"tunnel", o.Timeouts.Tunnel}, {"departed", o.Timeouts.Departed}, {"drain", o.Timeouts.Drain},
	} {
		if timeout.value <= 0 {
			errs = append(errs, fmt.Errorf("the %s timeout must be above 0, not %v", timeout.name, timeout.value))
		}
	}
	if o.Timeouts.DepartedTunnel < 0 {
		errs = append(errs, fmt.Errorf("the departed tunnel timeout cannot be negative, such as %v", o.Timeouts.DepartedTunnel))
	}
	if o.Timeouts.DepartedCall < 0 {
		errs = append(errs, fmt.Errorf("the departed call timeout cannot be negative, such as %v", o.Timeouts.DepartedCall))
	}
	if o.MaxHeaderBytes < listener.MinHeaderBytes {
		errs = append(errs, fmt.Errorf("the header limit must be %d bytes or more, not %d", listener.MinHeaderBytes, o.MaxHeaderBytes))
	}
	errs = append(errs, o.validateLimits(), o.certOptions().Validate(o.Listeners), o.validateScreening(), o.Forwarding.validate())
	if o.NoRouteStatus != 0 && (o.NoRouteStatus < 200 || o.NoRouteStatus > 999) {
		errs = append(errs, fmt.Errorf("the status without a route must be from 200 to 999, not %d", o.NoRouteStatus))
	}
	if o.Logger == nil {
		errs = append(errs, errors.New("no logger is given"))
	}
	return errors.Join(errs...)
}

func (o ServerOptions) validateLimits() error {
	var errs []error
	for _, limit := range []struct {
		name  string
		value int64
		least int64
	}{
		{"header fields", int64(o.MaxHeaderFields), 1},
		{"bytes of a request's body", o.MaxBodyBytes, 0},
		{"bytes of a message of a call", int64(o.MaxCallMessage), 0},
		{"connections", int64(o.MaxConns), 1},
		{"connections of one client", int64(o.MaxConnsPerClient), 0},
		{"requests on a connection", int64(o.MaxRequests), 0},
		{"age of a connection", int64(o.MaxConnAge), 0},
		{"connections to a target", int64(o.MaxConnsPerTarget), 1},
		{"wait for a connection to a target", int64(o.TargetWait), 0},
		{"idle connections to a target", int64(o.MaxIdlePerTarget), 1},
		{"bytes of kept bodies", o.MaxKeptBodies, 1},
	} {
		if limit.value < limit.least {
			errs = append(errs, fmt.Errorf("the limit of %s must be %d or more, not %d", limit.name, limit.least, limit.value))
		}
	}
	return errors.Join(errs...)
}

func (o ServerOptions) validateScreening() error {
	var errs []error
	switch o.Underscores {
	case "", UnderscoresKeep, UnderscoresDelete, UnderscoresReject:
	default:
		errs = append(errs, fmt.Errorf("underscore_headers: %q is none of %s, %s, %s",
			o.Underscores, UnderscoresKeep, UnderscoresDelete, UnderscoresReject))
	}
	for _, name := range o.RejectEncoded {
		if EncodedCharacters[name] == "" {
			errs = append(errs, fmt.Errorf("reject_encoded: %q is none of %s",
				name, strings.Join(slices.Sorted(maps.Keys(EncodedCharacters)), ", ")))
		}
	}
	return errors.Join(errs...)
}
