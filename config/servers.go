package config

import (
	"github.com/sluiceproxy/sluice/lb/tags"
)

// Servers are what answers requests, and how they are spoken to.
type Servers struct {
	// Service is that of a service stanza or of the catalog, and Scheme how its
	// instances are spoken to; Targets are URLs, "http://10.0.0.1:80 weight=3".
	Service      string         `hcl:"service"`
	Scheme       string         `hcl:"scheme"` // empty: "http"
	Targets      []string       `hcl:"targets"`
	LoadBalancer LoadBalancer   `hcl:"load_balancer"`
	PassHost     Optional[bool] `hcl:"pass_host"` // on if not set
	// ServerName and SkipVerify are of targets with TLS; Transport, the name of a
	// transport stanza, says that and more.
	ServerName string `hcl:"server_name"`
	SkipVerify bool   `hcl:"skip_verify"`
	Transport  string `hcl:"transport"`
}

func (s *Servers) validate(f *faultList, at string, c *Config) {
	if s.Scheme != "" {
		f.oneOf(at+": scheme", s.Scheme, "http", "https")
	}
	reachable(f, at, s.ServerName, s.SkipVerify, s.Transport)
	c.knownTransport(f, at, s.Transport)
}

// StreamServers are what connections or datagrams are passed on to.
type StreamServers struct {
	// Service is that of a tcp_service or udp_service stanza, or of the catalog; Targets
	// are addresses, "10.0.0.1:5432 weight=3".
	Service string   `hcl:"service"`
	Targets []string `hcl:"targets"`
	// TargetTLS speaks TLS to them; ServerName and SkipVerify are for that. Transport, the
	// name of a tcp_transport stanza, says that and more.
	TargetTLS  bool   `hcl:"target_tls"`
	ServerName string `hcl:"server_name"`
	SkipVerify bool   `hcl:"skip_verify"`
	Transport  string `hcl:"transport"`
	// ProxyProtocol is the version of the PROXY header they are sent; 0 is none.
	ProxyProtocol int          `hcl:"proxy_protocol"`
	Health        StreamHealth `hcl:"health_check"`
}

func (s *StreamServers) static(known tags.Transports) tags.StreamServers {
	return tags.StreamServers{
		Service: s.Service, Targets: s.Targets, TargetTLS: s.TargetTLS,
		Reach: reach(known, s.ServerName, s.SkipVerify, s.Transport), ProxyProtocol: s.ProxyProtocol, Health: s.Health.spec,
	}
}

func (s *StreamServers) validate(f *faultList, at string, c *Config) {
	reachable(f, at, s.ServerName, s.SkipVerify, s.Transport)
	c.knownTCPTransport(f, at, s.Transport)
}

// reach is how targets are connected to. That a transport is there, and alone, is for
// reachable to check.
func reach(known tags.Transports, serverName string, skipVerify bool, transport string) tags.Reach {
	id, _ := known.Find(transport)
	return tags.Reach{ServerName: serverName, SkipVerify: skipVerify, Transport: id}
}

// reachable finds what contradicts a transport.
func reachable(f *faultList, at, serverName string, skipVerify bool, transport string) {
	if transport != "" && (serverName != "" || skipVerify) {
		f.addf("%s: the transport says server_name and insecure_skip_verify: leave them out here", at)
	}
}
