package tracing

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/h1"
)

// Attributes of the semantic conventions (opentelemetry.io/docs/specs/semconv/http).
const (
	method          = attribute.Key("http.request.method")
	methodOriginal  = attribute.Key("http.request.method_original")
	statusCode      = attribute.Key("http.response.status_code")
	httpRoute       = attribute.Key("http.route")
	resendCount     = attribute.Key("http.request.resend_count")
	requestSize     = attribute.Key("http.request.body.size")
	responseSize    = attribute.Key("http.response.body.size")
	urlPath         = attribute.Key("url.path")
	urlQuery        = attribute.Key("url.query")
	urlScheme       = attribute.Key("url.scheme")
	urlFull         = attribute.Key("url.full")
	serverAddress   = attribute.Key("server.address")
	serverPort      = attribute.Key("server.port")
	clientAddress   = attribute.Key("client.address")
	clientPort      = attribute.Key("client.port")
	peerAddress     = attribute.Key("network.peer.address")
	peerPort        = attribute.Key("network.peer.port")
	protocolVersion = attribute.Key("network.protocol.version")
	userAgent       = attribute.Key("user_agent.original")
	errorType       = attribute.Key("error.type")
)

// Attributes of our own, and the one by which Traefik tells of the listener.
const (
	entryPoint     = attribute.Key("entry_point")
	routeName      = attribute.Key("sluice.route")
	serviceName    = attribute.Key("sluice.service")
	middlewareName = attribute.Key("sluice.middleware")
)

// text is a copy that may be kept, and that is fit for protobuf: strings of an
// exchange point into buffers, and hold what clients please.
func text(s string) string { return strings.Clone(valid(s)) }

// valid is text of the table, which is not changed by anybody.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// capturedFields are those of the names, in the order given.
func capturedFields(prefix string, names []string) []captured {
	var all []captured
	for _, name := range names {
		if !strings.EqualFold(name, "User-Agent") { // which is always there
			all = append(all, captured{name, attribute.Key(prefix + strings.ToLower(name))})
		}
	}
	return all
}

// knownMethods are those that may be names: others come from clients, without end.
var knownMethods = []string{
	http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions,
	http.MethodConnect, http.MethodTrace, "QUERY",
}

// knownMethod is the exchange's method, as a constant, or empty.
func knownMethod(x *lb.Exchange) string {
	if i := slices.Index(knownMethods, x.Request.Method); i >= 0 {
		return knownMethods[i]
	}
	return ""
}

// methodName is what the method is called in names of spans.
func methodName(x *lb.Exchange) string {
	if m := knownMethod(x); m != "" {
		return m
	}
	return "HTTP"
}

// appendMethod appends the attributes of the method.
func appendMethod(all []attribute.KeyValue, x *lb.Exchange) []attribute.KeyValue {
	if m := knownMethod(x); m != "" {
		return append(all, method.String(m))
	}
	return append(all, method.String("_OTHER"), methodOriginal.String(text(x.Request.Method)))
}

// routeOf is what the exchange's route is found by, empty without one.
func routeOf(x *lb.Exchange) string {
	if x.Route == nil {
		return ""
	}
	if x.Route.Rule != "" {
		return valid(x.Route.Rule)
	}
	return valid(x.Route.Name)
}

// exchangeAttributes tell of an exchange that is over, but for its header.
func (t *Tracer) exchangeAttributes(x *lb.Exchange) []attribute.KeyValue {
	all := appendMethod(make([]attribute.KeyValue, 0, 24), x)
	all = append(all,
		entryPoint.String(x.Request.Entrypoint), urlScheme.String(x.Scheme), urlPath.String(text(x.SentPath)),
		protocolVersion.String(version(x.Protocol)),
		requestSize.Int64(x.Outcome.Received), responseSize.Int64(x.Outcome.Sent),
	)
	if x.SentQuery != "" {
		all = append(all, urlQuery.String(t.redacted(x.SentQuery)[1:]))
	}
	if x.Request.Host != "" {
		all = append(all, serverAddress.String(text(x.Request.Host)))
	}
	if x.Request.Port != 0 {
		all = append(all, serverPort.Int(int(x.Request.Port)))
	}
	if x.Remote.IsValid() {
		address, port := x.Remote.Addr().Unmap().String(), int(x.Remote.Port())
		all = append(all, clientAddress.String(address), clientPort.Int(port), peerAddress.String(address), peerPort.Int(port))
	}
	if x.Outcome.Status != 0 {
		all = append(all, statusCode.Int(x.Outcome.Status))
	}
	if r := x.Route; r != nil {
		all = append(all, httpRoute.String(routeOf(x)), routeName.String(valid(r.Name)), serviceName.String(valid(r.Service)))
	}
	return all
}

// tryAttributes tell of what a target is asked.
func (t *Tracer) tryAttributes(x *lb.Exchange) []attribute.KeyValue {
	key := x.Outcome.Target.Key()
	scheme, spoken := key.Scheme, "1.1"
	if scheme == "h2c" {
		scheme, spoken = "http", "2"
	} else if scheme == "https" && strings.HasPrefix(x.Header.Get("Content-Type"), "application/grpc") {
		spoken = "2"
	}
	all := appendMethod(make([]attribute.KeyValue, 0, 12), x)
	all = append(all,
		urlFull.String(text(scheme+"://"+key.Address+key.Path+x.RawPath+t.redacted(x.RawQuery))),
		urlScheme.String(scheme), protocolVersion.String(spoken),
	)
	if host, port, err := net.SplitHostPort(key.Address); err == nil {
		n, _ := strconv.Atoi(port)
		all = append(all, serverAddress.String(host), serverPort.Int(n))
		if _, err := netip.ParseAddr(host); err == nil {
			all = append(all, peerAddress.String(host), peerPort.Int(n))
		}
	}
	if again := x.Outcome.Tries - 1; again > 0 {
		all = append(all, resendCount.Int(again))
	}
	if agent := x.Header.Get("User-Agent"); agent != "" {
		all = append(all, userAgent.String(text(agent)))
	}
	return all
}

// redacted is a query, with its question mark, without the values of parameters that
// are not known to be safe. What has no name may be a secret as a whole.
func (t *Tracer) redacted(query string) string {
	if query == "" {
		return ""
	}
	const hidden = "REDACTED"
	var b strings.Builder
	b.WriteByte('?')
	for i, pair := range strings.FieldsFunc(query[1:], func(r rune) bool { return r == '&' || r == ';' }) {
		if i > 0 {
			b.WriteByte('&')
		}
		name, _, named := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		switch {
		case err == nil && slices.Contains(t.safeQuery, plain):
			b.WriteString(pair)
		case named:
			b.WriteString(name + "=" + hidden)
		default:
			b.WriteString(hidden)
		}
	}
	return valid(b.String())
}

// version is that of a protocol such as "HTTP/1.1".
func version(protocol string) string {
	switch protocol {
	case "HTTP/1.1":
		return "1.1"
	case "HTTP/1.0":
		return "1.0"
	case "HTTP/2.0":
		return "2"
	case "HTTP/3.0":
		return "3"
	}
	return text(strings.TrimPrefix(protocol, "HTTP/"))
}

func statusText(status int) string { return strconv.Itoa(status) }

// kindOf says in a word why a try failed, and whether that is neither the target's
// fault nor ours.
func kindOf(err error) (kind string, blameless bool) {
	failed, _ := errors.AsType[*h1.SendError](err)
	timeout, _ := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	op, _ := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, h1.ErrClientGone), errors.Is(err, context.Canceled):
		return "client_gone", true
	case failed != nil && failed.Client != nil, errors.Is(err, h1.ErrCall):
		return "client", true
	case errors.Is(err, h1.ErrBusy):
		return "busy", false
	case timeout != nil && timeout.Timeout():
		return "timeout", false
	case op != nil && op.Op == "dial":
		return "connect", false
	}
	return "connection", false
}
