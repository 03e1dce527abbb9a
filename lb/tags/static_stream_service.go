package tags

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/internal/unixsock"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// StreamServers are who serves connections or datagrams: of Service and Targets there
// is one.
type StreamServers struct {
	// Service is one of the configuration or, if that has none of the name, of the
	// catalog.
	Service string
	// Targets are HOST:PORT, each with a weight behind it if that is not 1.
	Targets   []string
	TargetTLS bool // speaks TLS to the targets
	Reach
	ProxyProtocol int               // as in [TCPRoute]
	Health        *spec.HealthCheck // of [spec.ModeTCP]; nil is none
}

// StaticStreamService is a service of the configuration for connections or, if it is
// UDP, for datagrams: those of [StreamServers], or composed of others.
type StaticStreamService struct {
	Name   string
	Source string // as in [StaticRoute]
	UDP    bool
	// Weighted are other services: of the configuration or, where that has none of the
	// name, of the catalog. NAME@consulcatalog is one that tags declare.
	Weighted []spec.WeightedService
	StreamServers
}

func streamRoot(isUDP bool) string {
	if isUDP {
		return "udp"
	}
	return "tcp"
}

func (s *StreamServers) scheme(isUDP bool) string {
	if s.TargetTLS && !isUDP {
		return "tls"
	}
	return streamRoot(isUDP)
}

// pool makes the pool of the targets.
func (s *StreamServers) pool(name string, isUDP bool) (p Pool, err error) {
	p = Pool{Name: name, Dialect: File, Origin: unbeatable, ProxyProtocol: s.ProxyProtocol}
	switch {
	case isUDP && (s.TargetTLS || s.ProxyProtocol != 0 || s.Health != nil):
		return p, errors.New("datagrams have no TLS, PROXY protocol or health checks")
	case s.ProxyProtocol < 0 || s.ProxyProtocol > 2:
		return p, fmt.Errorf("proxy_protocol is the version 1 or 2 of the header targets are sent, or 0 for none, not %d", s.ProxyProtocol)
	case s.ProxyProtocol == 0:
		p.ProxyProtocol = s.Transport.Conns().ProxyProtocol
	}
	if s.Health != nil {
		p.Balance = &spec.LoadBalancer{Health: s.Health}
	}
	for _, text := range s.Targets {
		e, err := s.target(text, isUDP)
		if err != nil {
			return p, err
		}
		p.Endpoints = append(p.Endpoints, e)
	}
	return p, nil
}

// target reads "HOST:PORT" or "HOST:PORT weight=N".
func (s *StreamServers) target(text string, isUDP bool) (e Endpoint, err error) {
	address, option, weighted := strings.Cut(strings.TrimSpace(text), " ")
	e = Endpoint{Scheme: s.scheme(isUDP), Address: address, Weight: 1, Serving: true, Instance: address}
	s.set(&e)
	if weighted {
		digits, ok := strings.CutPrefix(strings.TrimSpace(option), "weight=")
		if e.Weight, err = strconv.Atoi(digits); !ok || err != nil || e.Weight < 0 {
			return e, fmt.Errorf("target %q: what follows the address is not of the form weight=3", text)
		}
	}
	if path, ok := unixsock.Path(address); ok && !isUDP {
		e.Address = unixsock.Prefix + path
		return e, unixsock.Check(path)
	}
	host, port, err := net.SplitHostPort(address)
	if _, invalid := strconv.ParseUint(port, 10, 16); err != nil || host == "" || invalid != nil {
		return e, fmt.Errorf("target %q is not of the form HOST:PORT or, of connections, unix:///PATH", text)
	}
	return e, nil
}

// key is what the service is called among those of both kinds, and its pool.
func (s *StaticStreamService) key() string { return streamRoot(s.UDP) + ":" + s.Name }

func (s *StaticStreamService) kind() string { return streamRoot(s.UDP) + "_service" }

// pools are that of the service, and those of services of the catalog that it is
// composed of.
func (s *StaticStreamService) pools(known, http staticServices) (pools []Pool, err error) {
	hasServers := s.Service != "" || len(s.Targets) > 0
	switch {
	case strings.Contains(s.Name, "@"):
		return nil, errors.New("a name has no @: what stands behind one says whose it is")
	case len(s.Weighted) > 0 && (hasServers || s.TargetTLS || s.Reach != (Reach{}) || s.ProxyProtocol != 0 || s.Health != nil):
		return nil, errors.New("it is composed of others, so it has no instances, targets or options for them itself")
	case len(s.Weighted) > 0:
		return s.composed(known, http)
	case (s.Service == "") == (len(s.Targets) == 0):
		return nil, errors.New("one of service, targets and weighted says who serves it")
	}
	own, err := s.pool(s.key(), s.UDP)
	if s.Service != "" {
		http.add(s.Service, StaticPool{own.Name, s.scheme(s.UDP), s.Reach})
	}
	return append(pools, own), err
}

// composed names the pools of the parts.
func (s *StaticStreamService) composed(known, http staticServices) (pools []Pool, err error) {
	weighted := &spec.Weighted{}
	root := streamRoot(s.UDP)
	for _, part := range s.Weighted {
		name := part.Name
		part.Name = root + ":" + name
		if !known.has(part.Name) && !strings.Contains(name, "@") {
			http.add(name, StaticPool{Name: part.Name, Scheme: root})
			pools = append(pools, Pool{Name: part.Name, Dialect: File, Origin: unbeatable})
		}
		weighted.Services = append(weighted.Services, part)
	}
	own := Pool{Name: s.key(), Dialect: File, Composed: &spec.Composition{Weighted: weighted}, Origin: unbeatable}
	return append(pools, own), own.Composed.Validate()
}
