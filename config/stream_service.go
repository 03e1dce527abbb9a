package config

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// StreamService is a service of connections or datagrams that routes of them, other
// services and tags, by NAME@file, refer to. It has targets, those of a service of the
// catalog, or is composed of others.
type StreamService struct {
	Origin string
	Name   string // the label of the stanza

	StreamServers

	Weighted Composed `hcl:"weighted"`
}

// SetDefaults implements [hcl.Defaulted].
func (s *StreamService) SetDefaults(at hcl.Position) {
	*s = StreamService{Origin: at.String(), Weighted: Composed{kind: "weighted"}}
}

// SetLabel implements [hcl.Labelled].
func (s *StreamService) SetLabel(label string) { s.Name = label }

func (s *StreamService) static(known tags.Transports, udp bool) tags.StaticStreamService {
	made := tags.StaticStreamService{
		Name: s.Name, Source: s.Origin, UDP: udp,
		StreamServers: s.StreamServers.static(known),
	}
	if w := s.Weighted.Spec; w != nil {
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
		s.validate(f, at, c)
		if w := s.Weighted.Spec; w != nil && w.Weighted.Sticky != nil {
			f.addf("%s: weighted: connections have no cookies to be sticky by", at)
		}
	}
}

// StreamHealth is a check of servers of connections.
type StreamHealth struct {
	spec *spec.HealthCheck // nil if there is none
}

// Expects implements [hcl.Expecting].
func (*StreamHealth) Expects() string { return "a stanza" }

// streamHealth has its keys.
type streamHealth struct {
	Port              int           `key:"port"`
	Send              string        `key:"send"`
	Expect            string        `key:"expect"`
	Interval          time.Duration `key:"interval"`
	UnhealthyInterval time.Duration `key:"unhealthyinterval"`
	Timeout           time.Duration `key:"timeout"`
}

// UnmarshalObject implements [hcl.Structured].
func (h *StreamHealth) UnmarshalObject(o hcl.Object) error {
	var keys streamHealth
	if err := hcl.DecodeSpec(o, &keys, ""); err != nil {
		return err
	}
	defaults := spec.DefaultHealthCheck()
	h.spec = &spec.HealthCheck{
		Mode: spec.ModeTCP, Port: keys.Port, Send: keys.Send, Expect: keys.Expect, UnhealthyInterval: keys.UnhealthyInterval,
		Interval: cmp.Or(keys.Interval, defaults.Interval), Timeout: cmp.Or(keys.Timeout, defaults.Timeout),
	}
	return h.spec.Settle()
}

// Stanza implements [hcl.Written].
func (h StreamHealth) Stanza() (labels []string, body any) {
	s := h.spec
	return nil, streamHealth{s.Port, s.Send, s.Expect, s.Interval, s.UnhealthyInterval, s.Timeout}
}

// TCPMiddleware is a step of routes of connections: of those of the configuration by
// its name, and of tags as NAME@file.
type TCPMiddleware struct {
	Origin string
	Name   string // the first label of the stanza
	// Spec is what the second label and the keys say; nil if they are wrong.
	Spec spec.Middleware
}

// SetDefaults implements [hcl.Defaulted].
func (m *TCPMiddleware) SetDefaults(at hcl.Position) { *m = TCPMiddleware{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (m *TCPMiddleware) SetLabel(label string) { m.Name = label }

// UnmarshalObject reads the stanza below the name: the kind and its keys.
func (m *TCPMiddleware) UnmarshalObject(o hcl.Object) error {
	var made spec.Middleware
	var keys hcl.Object
	if len(o) == 1 {
		keys, _ = o[0].Value.Value.(hcl.Object)
		switch hcl.PlainKey(o[0].Key) {
		case "ipallowlist", "ipwhitelist":
			made = &spec.ConnAllowList{}
		case "inflightconn":
			made = &spec.InFlightConn{}
		default:
			return &hcl.Fault{Pos: o[0].Pos, Text: "there is no kind of middleware of connections " + o[0].Key + " (ip_allow_list, in_flight_conn)"}
		}
	}
	if made == nil {
		return errors.New(`a middleware has a name and a kind: tcp_middleware "NAME" "KIND" { … }`)
	}
	if err := hcl.DecodeSpec(keys, made, m.Name); err != nil {
		return err
	}
	m.Spec = made
	return nil
}

// Stanza implements [hcl.Written].
func (m TCPMiddleware) Stanza() (labels []string, body any) {
	return []string{m.Name, m.Spec.Kind()}, m.Spec
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
