package config

import (
	"cmp"
	"errors"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/sluiceproxy/sluice/internal/unixsock"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// LB is the load balancer; it runs when it has a listener.
type LB struct {
	Listeners []Listener `hcl:"listener,alias=listen"`
	// Certificates are sources of certificates, for listeners to use.
	Certificates []Certificates `hcl:"certificates,accumulate"`
	// ACME are authorities that issue certificates, for listeners and routes to use.
	ACME []ACME `hcl:"acme,accumulate"`
	// TLSOptions are what routes ask for by tls.options=NAME.
	TLSOptions []TLSOptions `hcl:"tls_options,accumulate"`
	// DrainTimeout is how long running requests are given at the end.
	DrainTimeout time.Duration `hcl:"drain_timeout"`
	// DrainDelay is how long it goes on serving before that, while it says that it
	// is not ready.
	DrainDelay time.Duration `hcl:"drain_delay"`
	Guard      LBGuard       `hcl:"guard"`
	// Failover names the datacenters that stand in for services of which nothing
	// serves in the own one, in order.
	Failover []string   `hcl:"failover"`
	Locality LBLocality `hcl:"locality"`
	Timeouts LBTimeouts `hcl:"timeouts"`
	Limits   LBLimits   `hcl:"limits"`
	// TrustedProxies are the addresses and CIDR blocks of peers whose
	// forwarding headers are believed, and "unix:" for those that come by a socket.
	TrustedProxies []string   `hcl:"trusted_proxies"`
	Forwarding     Forwarding `hcl:"forwarding"`
	// SocketFolders are where services of the catalog may have sockets.
	SocketFolders []string `hcl:"socket_folders"`
	// UnderscoreHeaders is what becomes of headers with an underscore in their
	// names: "keep", "delete" or "reject"; empty is "keep".
	UnderscoreHeaders string `hcl:"underscore_headers"`
	// RejectEncoded names characters no path may hold encoded.
	RejectEncoded []string `hcl:"reject_encoded"`

	AccessLog AccessLog `hcl:"access_log"`
	Tracing   Tracing   `hcl:"tracing"`
	// Auth are what tags refer to by auth=NAME.
	Auth   []LBAuth `hcl:"auth,accumulate"`
	Health LBHealth `hcl:"health"`
	// NoRouteStatus answers requests without a route; 0 is 404.
	NoRouteStatus int `hcl:"no_route_status"`
}

// LBTimeouts are for what the load balancer waits for. 0 stands for the default
// of package lb.
type LBTimeouts struct {
	Header       time.Duration `hcl:"header"`
	Read         time.Duration `hcl:"read"`
	Write        time.Duration `hcl:"write"`
	Idle         time.Duration `hcl:"idle"`
	Dial         time.Duration `hcl:"dial"`
	Response     time.Duration `hcl:"response"`
	UpstreamIdle time.Duration `hcl:"upstream_idle"`
	Tunnel       time.Duration `hcl:"tunnel"`
	Departed     time.Duration `hcl:"departed"`
	// DepartedTunnel is for connections that were upgraded; 0 lets them go on.
	DepartedTunnel time.Duration `hcl:"departed_tunnel"`
	// DepartedCall is for calls of gRPC; 0 lets them go on.
	DepartedCall time.Duration `hcl:"departed_call"`
}

// LBLocality says where the load balancer is. What is empty is as Consul's agent has
// it; MetaKey is the key of metadata that names the zone.
type LBLocality struct {
	Node    string `hcl:"node"`
	Zone    string `hcl:"zone"`
	MetaKey string `hcl:"meta_key"`
}

// LBGuard says when the loss of instances is not believed.
type LBGuard struct {
	MaxLoss      Percent       `hcl:"max_loss"` // 0 and 100 are off
	MinInstances int           `hcl:"min_instances"`
	Window       time.Duration `hcl:"window"`
	Hold         time.Duration `hcl:"hold"`
}

func defaultGuard() LBGuard {
	d := guard.DefaultOptions()
	return LBGuard{Percent(d.MaxLoss * 100), d.MinInstances, d.Window, d.Hold}
}

// options are off if the catalog is files: those are changed on purpose.
func (g LBGuard) options(files bool) guard.Options {
	if g.MaxLoss == 0 || files {
		return guard.Options{}
	}
	return guard.Options{MaxLoss: float64(g.MaxLoss) / 100, MinInstances: g.MinInstances, Window: g.Window, Hold: g.Hold}
}

// Over replaces what is set.
func (t LBTimeouts) Over(o lb.Timeouts) lb.Timeouts {
	o.Header = cmp.Or(t.Header, o.Header)
	o.Read = cmp.Or(t.Read, o.Read)
	o.Write = cmp.Or(t.Write, o.Write)
	o.Idle = cmp.Or(t.Idle, o.Idle)
	o.Dial = cmp.Or(t.Dial, o.Dial)
	o.Response = cmp.Or(t.Response, o.Response)
	o.UpstreamIdle = cmp.Or(t.UpstreamIdle, o.UpstreamIdle)
	o.Tunnel = cmp.Or(t.Tunnel, o.Tunnel)
	o.Departed = cmp.Or(t.Departed, o.Departed)
	o.DepartedTunnel, o.DepartedCall = t.DepartedTunnel, t.DepartedCall
	return o
}

// LBLimits bound what clients and targets get. 0 stands for the default of
// package lb.
type LBLimits struct {
	Connections          int           `hcl:"connections"`
	ConnectionsPerClient int           `hcl:"connections_per_client"`
	HeaderBytes          int           `hcl:"header_bytes"`
	HeaderFields         int           `hcl:"header_fields"`
	BodyBytes            int           `hcl:"body_bytes"`
	Requests             int           `hcl:"requests_per_connection"`
	ConnectionAge        time.Duration `hcl:"connection_age"`
	ConnectionsPerTarget int           `hcl:"connections_per_target"`
	TargetWait           time.Duration `hcl:"target_wait"`
	IdlePerTarget        int           `hcl:"idle_per_target"`
	KeptBodyBytes        int           `hcl:"kept_body_bytes"`
	BufferFileBytes      int           `hcl:"buffer_file_bytes"`
	CallMessageBytes     int           `hcl:"call_message_bytes"`
}

// set replaces what is set.
func (l LBLimits) set(o *lb.ServerOptions) {
	o.MaxConns = cmp.Or(l.Connections, o.MaxConns)
	o.MaxConnsPerClient = cmp.Or(l.ConnectionsPerClient, o.MaxConnsPerClient)
	o.MaxHeaderBytes = cmp.Or(l.HeaderBytes, o.MaxHeaderBytes)
	o.MaxHeaderFields = cmp.Or(l.HeaderFields, o.MaxHeaderFields)
	o.MaxBodyBytes = cmp.Or(int64(l.BodyBytes), o.MaxBodyBytes)
	o.MaxCallMessage = cmp.Or(l.CallMessageBytes, o.MaxCallMessage)
	o.MaxRequests = cmp.Or(l.Requests, o.MaxRequests)
	o.MaxConnAge = cmp.Or(l.ConnectionAge, o.MaxConnAge)
	o.MaxConnsPerTarget = cmp.Or(l.ConnectionsPerTarget, o.MaxConnsPerTarget)
	o.TargetWait = cmp.Or(l.TargetWait, o.TargetWait)
	o.MaxIdlePerTarget = cmp.Or(l.IdlePerTarget, o.MaxIdlePerTarget)
	o.MaxKeptBodies = cmp.Or(int64(l.KeptBodyBytes), o.MaxKeptBodies)
}

// Forwarding is what targets and clients are told beside what they always are.
type Forwarding struct {
	// ClientIP, RequestID and TLS are names of headers.
	ClientIP  string `hcl:"client_ip"`
	RequestID string `hcl:"request_id"`
	TLS       string `hcl:"tls"`
	TLSValue  string `hcl:"tls_value"` // empty: "true"
	// Append adds the client to the X-Forwarded-For of a trusted proxy; on if not
	// set.
	Append Optional[bool] `hcl:"append_forwarded_for"`
	// By is sluice's own address in Forwarded; that which the client connected to if
	// not set.
	By string `hcl:"by"`
	// Details adds Fabio's parameters to Forwarded.
	Details bool `hcl:"details"`
	// ServerName is X-Forwarded-Server, "" for none; the host's name if not set.
	ServerName      Optional[string] `hcl:"server_name"`
	StrictTransport StrictTransport  `hcl:"strict_transport"`
}

// StrictTransport is the header Strict-Transport-Security, if MaxAge is above 0.
type StrictTransport struct {
	MaxAge     int  `hcl:"max_age"` // seconds
	Subdomains bool `hcl:"subdomains"`
	Preload    bool `hcl:"preload"`
}

func (f Forwarding) options() lb.Forwarding {
	o := lb.Forwarding{
		ClientIPField: f.ClientIP, RequestIDField: f.RequestID, TLSField: f.TLS,
		KeepForwardedFor: !f.Append.Or(true), Details: f.Details,
	}
	o.By, _ = netip.ParseAddr(f.By) // as validate has let through, or empty
	if f.TLS != "" {
		o.TLSValue = cmp.Or(f.TLSValue, "true")
	}
	if s := f.StrictTransport; s.MaxAge > 0 {
		o.StrictTransport = lb.StrictTransport(s.MaxAge, s.Subdomains, s.Preload)
	}
	return o
}

// validate leaves to package lb what it checks itself.
func (l *LB) validate(f *faultList) {
	f.notNegative("lb.drain_timeout", l.DrainTimeout)
	f.notNegative("lb.drain_delay", l.DrainDelay)
	if l.Guard.MaxLoss > 0 {
		f.add("lb.guard", l.Guard.options(false).Validate())
	}
	l.AccessLog.validate(f)
	l.Tracing.validate(f)
	l.Health.validate(f)
	for _, a := range l.Auth {
		a.validate(f)
	}
	l.validateACME(f)
	l.validateTLSOptions(f)
	_, _, err := l.trusted()
	f.add("lb.trusted_proxies", err)
	for _, folder := range l.SocketFolders {
		if !filepath.IsAbs(folder) {
			f.addf("lb.socket_folders: %q is no path from the root", folder)
		}
	}
	if _, err := netip.ParseAddr(l.Forwarding.By); err != nil && l.Forwarding.By != "" {
		f.addf("lb.forwarding.by: %q is no address", l.Forwarding.By)
	}
	if l.Forwarding.StrictTransport.MaxAge < 0 {
		f.addf("lb.forwarding.strict_transport.max_age cannot be negative (%d)", l.Forwarding.StrictTransport.MaxAge)
	}
}

// trusted reads TrustedProxies.
func (l *LB) trusted() (prefixes []netip.Prefix, sockets bool, err error) {
	var errs []error
	for _, peer := range l.TrustedProxies {
		if peer == unixsock.Prefix {
			sockets = true
			continue
		}
		some, err := listener.ParsePrefixes([]string{peer})
		prefixes, errs = append(prefixes, some...), append(errs, err)
	}
	return prefixes, sockets, errors.Join(errs...)
}
