package config

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tracing"
	"github.com/sluiceproxy/sluice/lb/transport"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// Tracing tells a collector of OpenTelemetry of each request the load balancer
// answers. It is on when it has an endpoint, or says so. What is not set is as OTEL_…
// environment variables say.
type Tracing struct {
	Enabled Optional[bool] `hcl:"enabled"`
	// Endpoint is a URL, Protocol "http" or "grpc".
	Endpoint string `hcl:"endpoint"`
	Protocol string `hcl:"protocol"`
	// Headers are sent along with spans.
	Headers Table[dial.Secret] `hcl:"headers"`
	TLS     TracingTLS         `hcl:"tls"`

	// SampleRate is the share of traces that are told of, from 0 to 1.
	SampleRate  Optional[float64] `hcl:"sample_rate"`
	ServiceName string            `hcl:"service_name"`
	// ResourceAttributes are of whatever makes the spans.
	ResourceAttributes Table[string] `hcl:"resource_attributes"`
	RequestHeaders     []string      `hcl:"captured_request_headers"`
	ResponseHeaders    []string      `hcl:"captured_response_headers"`
	// SafeQueryParams are those whose values are shown.
	SafeQueryParams []string `hcl:"safe_query_params"`
}

// TracingTLS is TLS towards the collector. Files are of PEM.
type TracingTLS struct {
	RootCAs            []string    `hcl:"root_cas"`
	Certificate        string      `hcl:"certificate"`
	Key                dial.Secret `hcl:"key"`
	ServerName         string      `hcl:"server_name"`
	InsecureSkipVerify bool        `hcl:"insecure_skip_verify"`
}

// IsOn reports whether requests are told of.
func (t *Tracing) IsOn() bool { return t.Enabled.Or(t.Endpoint != "") }

// options are those for package tracing.
func (t *Tracing) options(version string, log *slog.Logger) (tracing.Options, error) {
	o := tracing.DefaultOptions()
	o.Endpoint, o.Protocol, o.SampleRate = t.Endpoint, t.Protocol, t.SampleRate.Or(math.NaN())
	o.ServiceName, o.Version, o.Resource = t.ServiceName, version, t.ResourceAttributes
	o.RequestHeaders, o.ResponseHeaders, o.SafeQuery = t.RequestHeaders, t.ResponseHeaders, t.SafeQueryParams
	o.Logger = log
	o.Headers = make(map[string]string, len(t.Headers))
	for name, value := range t.Headers {
		o.Headers[name] = value.Reveal()
	}
	var err error
	o.TLS, err = t.TLS.config()
	return o, err
}

// Tracer is nil if it is off.
func (c Config) Tracer(log *slog.Logger) (*tracing.Tracer, error) {
	t := &c.LB.Tracing
	if !t.IsOn() {
		return nil, nil //nolint:nilnil // as balancing has it
	}
	o, err := t.options(c.version, log)
	if err != nil {
		return nil, fmt.Errorf("lb.tracing: %w", err)
	}
	return tracing.New(o)
}

// config is nil if nothing is said.
func (t *TracingTLS) config() (*tls.Config, error) {
	if reflect.ValueOf(*t).IsZero() {
		return nil, nil //nolint:nilnil // as tls.Config has it
	}
	made := transport.Transport{Name: "tracing", ServerName: t.ServerName, SkipVerify: t.InsecureSkipVerify}
	var certificates []string
	var keys []dial.Secret
	if t.Certificate != "" {
		certificates = []string{t.Certificate}
	}
	if t.Key != "" {
		keys = []dial.Secret{t.Key}
	}
	if err := readPEM(&made, t.RootCAs, certificates, keys); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return made.ID().Config(), nil
}

func (t *Tracing) validate(f *faultList) {
	if !t.IsOn() {
		return
	}
	o, err := t.options("", nil)
	f.add("lb.tracing", err)
	if err = o.Validate(); err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		f.addf("lb.tracing: %s", line)
	}
}

// tracingWords are what a route may say of tracing.
var tracingWords = map[string]struct{ traced, steps spec.Switch }{
	"":         {},
	"off":      {traced: spec.Off},
	"minimal":  {traced: spec.On, steps: spec.Off},
	"detailed": {traced: spec.On, steps: spec.On},
}
