package admin

import (
	"crypto/tls"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// Options say what a Server shows. Every function may be called by many
// requests at once; where one is nil its path does not exist.
type Options struct {
	// Listen is host:port, port 0 taking a free one, or unix:///path.
	Listen string
	// TLS, if not nil, is what all requests have to be made over.
	TLS *tls.Config
	// Hosts are names that requests may use beside loopback ones and Listen's.
	Hosts []string

	// Ready tells whether requests should be sent here.
	Ready func() Readiness
	// Draining tells whether it is about to end, which /ping answers by.
	Draining func() bool

	// Each of these returns a value that encoding/json can write.
	Routes, Problems, Templates, Watches, Guard func() any

	// ReleaseGuard has the guard let go of what it holds. It reports whether it
	// held anything.
	ReleaseGuard func() bool

	// Explain tells what would happen to a request. Its errors are shown as
	// faults of the question.
	Explain func(method, url string, header http.Header) (any, error)

	// Fabio, if not nil, answers in the place of Fabio's own administration.
	Fabio Fabio

	// Traefik answers what Traefik's API has, but for what is asked of Fabio.
	Traefik http.Handler

	Gatherer    prometheus.Gatherer // for MetricsPath
	MetricsPath string              // empty: /metrics
	MetricsOnly bool                // "/" leads to them then
	Logger      *slog.Logger        // nil: slog.Default
	Version     string
}

// Fabio answers requests that it owns, whatever else there is at their paths, and
// those at paths where there is nothing else.
type Fabio interface {
	http.Handler
	Owns(r *http.Request) bool
}
