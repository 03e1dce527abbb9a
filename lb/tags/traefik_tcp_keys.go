package tags

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/transport"
)

// streams is what the tags of one instance declare of connections (TCP) or of
// datagrams (UDP), by lower-case name.
type streams struct {
	routers     map[string]*streamRouter
	services    map[string]*streamService
	middlewares map[string]*streamMiddleware
}

func newStreams() streams {
	return streams{map[string]*streamRouter{}, map[string]*streamService{}, map[string]*streamMiddleware{}}
}

// streamRouter has the options of Traefik by their keys. UDP routers have no
// others than Entrypoints and Service.
type streamRouter struct {
	name        string
	rule        label
	Rule        string     `key:"rule"`
	Syntax      string     `key:"rulesyntax"`
	Priority    int        `key:"priority"`
	Entrypoints []string   `key:"entrypoints"`
	Middlewares []string   `key:"middlewares"`
	Service     string     `key:"service"`
	TLS         *streamTLS `key:"tls"`
}

type streamTLS struct {
	Passthrough  bool        `key:"passthrough"`
	CertResolver string      `key:"certresolver"`
	Options      string      `key:"options"`
	Domains      []tlsDomain `key:"domains"`
}

type streamService struct {
	name     string
	Balancer *streamBalancer        `key:"loadbalancer"`
	Weighted *spec.WeightedServices `key:"weighted"` // makes it one of other services
	broken   string                 // why it cannot be used
	reached  transport.ID
}

type streamBalancer struct {
	Server           *streamServer       `key:"server"`
	ServersTransport string              `key:"serverstransport"`
	ProxyProtocol    *spec.ProxyProtocol `key:"proxyprotocol"`
	TerminationDelay string              `key:"terminationdelay"` // in milliseconds
	HealthCheck      *streamHealth       `key:"healthcheck"`
}

// streamHealth is a health check of connections.
type streamHealth struct {
	Port              int           `key:"port"`
	Send              string        `key:"send"`
	Expect            string        `key:"expect"`
	Interval          time.Duration `key:"interval"`
	UnhealthyInterval time.Duration `key:"unhealthyinterval"`
	Timeout           time.Duration `key:"timeout"`
}

// spec has the defaults of what is not said. The error says what became of
// something that makes no sense.
func (h *streamHealth) spec() (*spec.HealthCheck, error) {
	defaults := spec.DefaultHealthCheck()
	check := &spec.HealthCheck{
		Mode: spec.ModeTCP, Port: h.Port, Send: h.Send, Expect: h.Expect, UnhealthyInterval: h.UnhealthyInterval,
		Interval: cmp.Or(h.Interval, defaults.Interval), Timeout: cmp.Or(h.Timeout, defaults.Timeout),
	}
	return check, check.Settle()
}

type streamServer struct {
	Port int  `key:"port"`
	TLS  bool `key:"tls"`
}

// streamMiddleware is one of connections; UDP has none.
type streamMiddleware struct {
	name   string
	kind   string
	spec   spec.Middleware
	broken string
	by     label
}

// set reads a label: its key taken apart, from the root on.
func (s *streams) set(l label, elements []string, unsupported func(label, string)) *keyError {
	root := strings.ToLower(elements[0])
	if kind := strings.ToLower(elements[1]); root == "tcp" && (kind == "serverstransports" || kind == "models") {
		unsupported(l, ofConfiguration)
		return nil
	}
	if len(elements) < 4 {
		return &keyError{label: l, reason: "the key ends too early"}
	}
	name, path := elements[2], elements[3:]
	key := strings.ToLower(name)
	kind := strings.ToLower(elements[1])
	switch {
	case kind == "routers":
		if s.routers[key] == nil {
			s.routers[key] = &streamRouter{name: name}
		}
		return s.routers[key].set(l, root, path)
	case kind == "services":
		if s.services[key] == nil {
			s.services[key] = &streamService{name: name}
		}
		return s.services[key].set(l, root, path, unsupported)
	case kind == "middlewares" && root == "tcp":
		if s.middlewares[key] == nil {
			s.middlewares[key] = &streamMiddleware{name: name}
		}
		return s.middlewares[key].set(l, path)
	}
	return &keyError{label: l, reason: "unknown element " + elements[1]}
}

func (r *streamRouter) set(l label, root string, path []string) *keyError {
	first := strings.ToLower(path[0])
	switch {
	case root == "udp" && first != "entrypoints" && first != "service":
		return &keyError{label: l, reason: "UDP routers have no option " + strings.Join(path, ".")}
	case first == "rule":
		r.rule = l
	}
	return decodeStream(r, l, path, strings.ToUpper(root)+" routers")
}

func (s *streamService) set(l label, root string, path []string, unsupported func(label, string)) *keyError {
	option := strings.ToLower(strings.Join(path, "."))
	if root == "udp" && option != "loadbalancer.server.port" && !strings.HasPrefix(option, "weighted.services[") {
		return &keyError{label: l, reason: "UDP services have no option " + option}
	}
	if err := decodeStream(s, l, path, strings.ToUpper(root)+" services"); err != nil {
		return err
	}
	b := s.Balancer
	switch {
	case b == nil:
	case b.Server != nil && (b.Server.Port < 0 || b.Server.Port > 65535):
		return &keyError{l, true, "the port is not a number from 1 to 65535"}
	case b.HealthCheck != nil && (b.HealthCheck.Port < 0 || b.HealthCheck.Port > 65535):
		return &keyError{l, true, "the port is not a number from 1 to 65535"}
	case option == "loadbalancer.terminationdelay":
		if _, err := strconv.Atoi(b.TerminationDelay); err != nil {
			return &keyError{l, true, "the delay is not a number of milliseconds"}
		}
	case strings.HasPrefix(option, "loadbalancer.healthcheck."):
		if _, err := b.HealthCheck.spec(); err != nil {
			unsupported(l, err.Error())
		}
	case b.ProxyProtocol != nil:
		if err := b.ProxyProtocol.Validate(); err != nil {
			return &keyError{l, true, err.Error()}
		}
	}
	return nil
}

func (m *streamMiddleware) set(l label, path []string) *keyError {
	kind := strings.ToLower(path[0])
	if m.kind != "" && m.kind != kind {
		m.broken, m.by = fmt.Sprintf("one name is used for two kinds of middleware, %s and %s", m.kind, kind), l
		return nil
	}
	m.kind, m.by = kind, l
	if m.spec == nil {
		switch kind {
		case "ipallowlist", "ipwhitelist":
			m.spec = &spec.ConnAllowList{}
		case "inflightconn":
			m.spec = &spec.InFlightConn{}
		default:
			return &keyError{label: l, reason: "there is no kind of TCP middleware " + kind}
		}
	}
	return decodeStream(m.spec, l, path[1:], "middlewares of kind "+kind)
}

// decodeStream reads an option into a struct by its keys.
func decodeStream(target any, l label, path []string, whose string) *keyError {
	err := spec.Decode(target, path, l.value)
	switch {
	case errors.Is(err, spec.ErrUnknown):
		return &keyError{label: l, reason: fmt.Sprintf("%s have no option %q", whose, strings.Join(path, "."))}
	case err != nil:
		return &keyError{l, true, err.Error()}
	}
	return nil
}
