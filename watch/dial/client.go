package dial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Target is a server and how it is reached.
type Target struct {
	// Address is http(s)://host:port, unix:///path, or host:port, which is
	// https if TLS is Wanted.
	Address   string
	TLS       TLS
	Transport Transport
	// UserAgent is what requests call their sender, if not empty.
	UserAgent string
}

// Transport tunes the connections. Zero means the default named here.
type Transport struct {
	DialTimeout         time.Duration // 30 s
	DialKeepAlive       time.Duration // 30 s
	TLSHandshakeTimeout time.Duration // 10 s
	IdleTimeout         time.Duration // 90 s: how long an unused connection is kept
	MaxIdle             int           // 16: how many of them
	MaxConnections      int           // unlimited
	DisableKeepAlives   bool
}

// Client makes a client for the target, and the URL that requests go to. The
// client follows no redirects: a token must not travel to another host.
func (t Target) Client() (*http.Client, *url.URL, error) {
	base, socket, err := t.base()
	if err != nil {
		return nil, nil, err
	}
	dialer := &net.Dialer{
		Timeout:   cmp.Or(t.Transport.DialTimeout, 30*time.Second),
		KeepAlive: cmp.Or(t.Transport.DialKeepAlive, 30*time.Second),
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: cmp.Or(t.Transport.TLSHandshakeTimeout, 10*time.Second),
		IdleConnTimeout:     cmp.Or(t.Transport.IdleTimeout, 90*time.Second),
		MaxIdleConnsPerHost: cmp.Or(t.Transport.MaxIdle, 16),
		MaxConnsPerHost:     t.Transport.MaxConnections,
		DisableKeepAlives:   t.Transport.DisableKeepAlives,
		ForceAttemptHTTP2:   true,
	}
	if socket != "" {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	if transport.TLSClientConfig, err = t.TLS.config(); err != nil {
		return nil, nil, fmt.Errorf("setting up TLS to %s: %w", base.Host, err)
	}
	client := &http.Client{
		Transport:     t.named(transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, base, nil
}

// named is a transport whose requests carry the UserAgent, whatever a library
// makes of it.
func (t Target) named(transport *http.Transport) http.RoundTripper {
	if t.UserAgent == "" {
		return transport
	}
	return &namedTransport{Transport: transport, name: t.UserAgent}
}

type namedTransport struct {
	*http.Transport
	name string
}

func (t *namedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", t.name)
	return t.Transport.RoundTrip(r)
}

// base is the URL below which requests go, and the socket if it is one.
func (t Target) base() (base *url.URL, socket string, err error) {
	address := t.Address
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		if path == "" {
			return nil, "", errors.New("the address unix:// names no socket; give unix:///PATH")
		}
		return &url.URL{Scheme: "http", Host: "127.0.0.1"}, path, nil
	}
	if !strings.Contains(address, "://") {
		scheme := "http://"
		if t.TLS.Wanted {
			scheme = "https://"
		}
		address = scheme + address
	}
	base, err = url.Parse(address)
	switch {
	case err != nil:
		return nil, "", errors.New("the address is not a URL; give https://HOST:PORT")
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		return nil, "", fmt.Errorf("the address %s is not one of http://, https:// or unix:// with a host or path", base.Redacted())
	case base.User != nil:
		return nil, "", fmt.Errorf("the address %s holds a user, which has settings of its own", base.Redacted())
	}
	return base, "", nil
}
