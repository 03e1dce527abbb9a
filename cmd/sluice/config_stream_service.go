package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// StreamService is a service of connections or datagrams that routes of them, other
// services and tags, by NAME@file, refer to. It has targets, those of a service of the
// catalog, or is composed of others.
type StreamService struct {
	Origin string
	Name   string // the label of the stanza

	// These are as in [StaticStream].
	Service       string       `hcl:"service"`
	Targets       []string     `hcl:"targets"`
	TargetTLS     bool         `hcl:"target_tls"`
	ServerName    string       `hcl:"server_name"`
	SkipVerify    bool         `hcl:"skip_verify"`
	Transport     string       `hcl:"transport"`
	ProxyProtocol int          `hcl:"proxy_protocol"`
	Health        StreamHealth `hcl:"health_check"`

	Weighted Composed `hcl:"weighted"`
}

func (s *StreamService) setDefaults(at position) {
	*s = StreamService{Origin: at.String(), Weighted: Composed{kind: "weighted"}}
}

func (s *StreamService) setLabel(label string) { s.Name = label }

func (s *StreamService) static(known tags.Transports, udp bool) tags.StaticStreamService {
	made := tags.StaticStreamService{
		Name: s.Name, Source: s.Origin, UDP: udp,
		StreamServers: tags.StreamServers{
			Service: s.Service, Targets: s.Targets, TargetTLS: s.TargetTLS,
			Reach: reach(known, s.ServerName, s.SkipVerify, s.Transport), ProxyProtocol: s.ProxyProtocol, Health: s.Health.spec,
		},
	}
	if w := s.Weighted.spec; w != nil {
		made.Weighted = w.Weighted.Services
	}
	return made
}

func (c *Config) validateStreamServices(f *faultList, kind string, services []StreamService) {
	names := map[string]string{}
	for i := range services {
		s := &services[i]
		unique(f, names, kind, s.Name, s.Origin)
		at := fmt.Sprintf("%s: %s %q", s.Origin, kind, s.Name)
		reachable(f, at, s.ServerName, s.SkipVerify, s.Transport)
		c.knownTCPTransport(f, at, s.Transport)
		if w := s.Weighted.spec; w != nil && w.Weighted.Sticky != nil {
			f.addf("%s: weighted: connections have no cookies to be sticky by", at)
		}
	}
}

// StreamHealth is a check of servers of connections.
type StreamHealth struct {
	spec *spec.HealthCheck // nil if there is none
}

func (*StreamHealth) expects() string { return "a stanza" }

// streamHealth has its keys.
type streamHealth struct {
	Port              int           `key:"port"`
	Send              string        `key:"send"`
	Expect            string        `key:"expect"`
	Interval          time.Duration `key:"interval"`
	UnhealthyInterval time.Duration `key:"unhealthyinterval"`
	Timeout           time.Duration `key:"timeout"`
}

func (h *StreamHealth) unmarshalObject(o object) error {
	var keys streamHealth
	if err := decodeSpec(o, &keys, ""); err != nil {
		return err
	}
	defaults := spec.DefaultHealthCheck()
	h.spec = &spec.HealthCheck{
		Mode: spec.ModeTCP, Port: keys.Port, Send: keys.Send, Expect: keys.Expect, UnhealthyInterval: keys.UnhealthyInterval,
		Interval: cmp.Or(keys.Interval, defaults.Interval), Timeout: cmp.Or(keys.Timeout, defaults.Timeout),
	}
	return h.spec.Settle()
}

// keys are those that say the same.
func (h *StreamHealth) keys() streamHealth {
	s := h.spec
	return streamHealth{s.Port, s.Send, s.Expect, s.Interval, s.UnhealthyInterval, s.Timeout}
}

// TCPMiddleware is a step of routes of connections: of those of the configuration by
// its name, and of tags as NAME@file.
type TCPMiddleware struct {
	Origin string
	Name   string // the first label of the stanza
	// spec is what the second label and the keys say; nil if they are wrong.
	spec spec.Middleware
}

func (m *TCPMiddleware) setDefaults(at position) { *m = TCPMiddleware{Origin: at.String()} }

func (m *TCPMiddleware) setLabel(label string) { m.Name = label }

// unmarshalObject reads the stanza below the name: the kind and its keys.
func (m *TCPMiddleware) unmarshalObject(o object) error {
	var made spec.Middleware
	var keys object
	if len(o) == 1 {
		keys, _ = o[0].value.value.(object)
		switch plainKey(o[0].key) {
		case "ipallowlist", "ipwhitelist":
			made = &spec.ConnAllowList{}
		case "inflightconn":
			made = &spec.InFlightConn{}
		default:
			return &fault{o[0].pos, "there is no kind of middleware of connections " + o[0].key + " (ip_allow_list, in_flight_conn)"}
		}
	}
	if made == nil {
		return errors.New(`a middleware has a name and a kind: tcp_middleware "NAME" "KIND" { … }`)
	}
	if err := decodeSpec(keys, made, m.Name); err != nil {
		return err
	}
	m.spec = made
	return nil
}

// knownTCP finds names of middlewares of connections that no stanza declares.
func (c *Config) knownTCP(f *faultList, at string, names []string) {
	var declared []string
	for _, m := range c.TCPMiddlewares {
		declared = append(declared, m.Name)
	}
	for _, name := range names {
		if name = strings.TrimSuffix(name, "@file"); !strings.Contains(name, "@") {
			knownName(f, at, "tcp_middleware", name, declared)
		}
	}
}
