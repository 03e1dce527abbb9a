package tracing

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"os"
)

// The protocols by which spans are exported.
const (
	ProtocolHTTP = "http" // protobuf over HTTP
	ProtocolGRPC = "grpc"
)

// Options are what a [Tracer] needs to know. What is not set is as OTEL_…
// environment variables say, and then as OpenTelemetry's documents do.
type Options struct {
	// Endpoint is the collector's URL. For [ProtocolHTTP], a path other than
	// /v1/traces has to be in it.
	Endpoint string
	// Protocol is one of the Protocol constants.
	Protocol string
	// Headers go with each export. They are secret.
	Headers map[string]string
	// TLS is for an endpoint of https; nil trusts the system's authorities.
	TLS *tls.Config

	// SampleRate is the share of traces that are exported, from 0 to 1, of those that
	// begin here: others are if whoever began them says so. NaN is not set.
	SampleRate float64
	// ServiceName and Version are what spans are of; Resource are more attributes of
	// that kind.
	ServiceName, Version string
	Resource             map[string]string

	// RequestHeaders and ResponseHeaders are fields that become attributes.
	RequestHeaders, ResponseHeaders []string
	// SafeQuery are the parameters whose values are shown.
	SafeQuery []string

	// Logger is told when spans are lost.
	Logger *slog.Logger
}

// DefaultOptions leave everything open.
func DefaultOptions() Options {
	return Options{SampleRate: math.NaN(), Logger: slog.Default()}
}

// Validate reports everything that is wrong with the options. Secrets are not in
// the error.
func (o Options) Validate() error {
	var errs []error
	switch protocol := o.protocol(); protocol {
	case ProtocolHTTP, ProtocolGRPC:
	default:
		errs = append(errs, fmt.Errorf("protocol: %q is none of %s, %s", protocol, ProtocolHTTP, ProtocolGRPC))
	}
	if o.Endpoint != "" {
		if err := o.validateEndpoint(); err != nil {
			errs = append(errs, fmt.Errorf("endpoint: %w", err))
		}
	}
	if o.SampleRate < 0 || o.SampleRate > 1 {
		errs = append(errs, fmt.Errorf("sample_rate: %v is not from 0 to 1", o.SampleRate))
	}
	_, err := newPropagator(propagatorNames())
	return errors.Join(append(errs, err)...)
}

func propagatorNames() string { return os.Getenv("OTEL_PROPAGATORS") }

func (o Options) validateEndpoint() error {
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("it is not a URL such as https://collector.example:4318")
	case u.User != nil:
		return errors.New("the URL holds a user or a password, which belong into headers")
	case u.Scheme == "http" && o.TLS != nil:
		return errors.New("TLS is configured, and the URL is not one of https")
	case o.protocol() == ProtocolGRPC && u.Path != "" && u.Path != "/":
		return errors.New("there are no paths with gRPC")
	}
	return nil
}

// protocol is the one to be used, by our name. The exporter knows which encoding the
// environment wants.
func (o Options) protocol() string {
	switch name := cmp.Or(o.Protocol, os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), ProtocolHTTP); name {
	case "http/protobuf", "http/json":
		return ProtocolHTTP
	default:
		return name
	}
}
