package main

import (
	"bufio"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"
)

// reverseProxyArg has this program be the proxy that it measures.
const reverseProxyArg = "-serve-reverse-proxy"

// reverseProxyPlan is what that one is told, in a file.
type reverseProxyPlan struct {
	HTTP, HTTPS, Upstream netip.AddrPort
	Cert, Key, Log        string
	Routes                int
}

// reverseProxySubject is what one writes in an hour of net/http.
func reverseProxySubject() subject {
	self, err := os.Executable()
	return subject{name: "httputil", path: self, prepare: func(p plan) ([]string, error) {
		if err != nil {
			return nil, err
		}
		told := reverseProxyPlan{HTTP: p.http, HTTPS: p.https, Upstream: p.upstream, Cert: p.cert, Key: p.key, Routes: p.routes}
		if p.log {
			told.Log = p.accessLog()
		}
		text, err := json.Marshal(told)
		if err != nil {
			return nil, err
		}
		file, err := p.file("plan.json", string(text))
		return []string{reverseProxyArg, file}, err
	}}
}

func serveReverseProxy(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var p reverseProxyPlan
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	handler, err := p.handler()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	plain, err := net.Listen("tcp", p.HTTP.String())
	if err != nil {
		return err
	}
	encrypted, err := net.Listen("tcp", p.HTTPS.String())
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(plain) }()
	go func() { failed <- server.ServeTLS(encrypted, p.Cert, p.Key) }()
	return <-failed
}

func (p reverseProxyPlan) handler() (http.Handler, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 512
	transport.DisableCompression = true
	target := &url.URL{Scheme: "http", Host: p.Upstream.String()}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
	mux := http.NewServeMux()
	for i := range p.Routes {
		mux.Handle("/"+routeName(i)+"/", proxy)
	}
	if p.Log == "" {
		return mux, nil
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	lines := slog.New(slog.NewJSONHandler(&buffered{w: bufio.NewWriterSize(log, 64<<10)}, nil))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		counted := &counter{ResponseWriter: w}
		mux.ServeHTTP(counted, r)
		lines.LogAttrs(r.Context(), slog.LevelInfo, "access", slog.String("remote", r.RemoteAddr), slog.String("method", r.Method),
			slog.String("host", r.Host), slog.String("uri", r.RequestURI), slog.String("protocol", r.Proto),
			slog.Int("status", counted.status), slog.Int64("bytes", counted.sent), slog.Duration("duration", time.Since(began)),
			slog.String("referer", r.Referer()), slog.String("user_agent", r.UserAgent()))
	}), nil
}

// counter takes note of what is answered.
type counter struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.sent += int64(n)
	return n, err
}

// Unwrap is for [http.ResponseController].
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// buffered is a writer for many goroutines.
type buffered struct {
	mu sync.Mutex
	w  *bufio.Writer
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.w.Write(p)
}
