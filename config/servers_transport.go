package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/lb/transport"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// ServerTLS is how servers with TLS are believed, and what they are shown. Authorities,
// certificates and keys are files of PEM, or PEM.
type ServerTLS struct {
	InsecureSkipVerify bool     `hcl:"insecure_skip_verify"`
	ServerName         string   `hcl:"server_name"`
	PeerCertURI        string   `hcl:"peer_cert_uri"`
	RootCAs            []string `hcl:"root_cas"`
	// Certificate and Key belong together by their places.
	Certificate []string      `hcl:"certificate"`
	Key         []dial.Secret `hcl:"key"`
}

// transport is that much of a transport; files are yet to be read.
func (t *ServerTLS) transport(name string, conns transport.Conns) transport.Transport {
	return transport.Transport{Name: name, SkipVerify: t.InsecureSkipVerify, ServerName: t.ServerName, PeerURI: t.PeerCertURI, Conns: conns}
}

// ServersTransport is how servers are connected to, which tags refer to by
// loadbalancer.serverstransport=NAME, and stanzas by transport = "NAME".
type ServersTransport struct {
	Origin string
	Name   string // the label of the stanza

	ServerTLS

	MinVersion string   `hcl:"min_version"`
	MaxVersion string   `hcl:"max_version"`
	Ciphers    []string `hcl:"ciphers"`

	// These hold without TLS as well; 0 is as lb.timeouts and lb.limits say.
	DialTimeout     time.Duration `hcl:"dial_timeout"`
	ResponseTimeout time.Duration `hcl:"response_timeout"`
	IdleTimeout     time.Duration `hcl:"idle_timeout"`
	MaxIdle         int           `hcl:"max_idle"`
}

// SetDefaults implements [hcl.Defaulted].
func (t *ServersTransport) SetDefaults(at hcl.Position) { *t = ServersTransport{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (t *ServersTransport) SetLabel(label string) { t.Name = label }

// Read reads the files.
func (t *ServersTransport) Read() (made transport.Transport, err error) {
	made = t.transport(t.Name, transport.Conns{Dial: t.DialTimeout, Response: t.ResponseTimeout, Idle: t.IdleTimeout, MaxIdle: t.MaxIdle})
	var errs []error
	version := func(key, text string, into *uint16) {
		if text == "" {
			return
		}
		if *into, err = tlsconf.ParseVersion(text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	version("min_version", t.MinVersion, &made.MinVersion)
	version("max_version", t.MaxVersion, &made.MaxVersion)
	if made.MaxVersion > 0 && made.MinVersion > made.MaxVersion {
		errs = append(errs, errors.New("min_version is above max_version"))
	}
	if len(t.Ciphers) > 0 {
		suites, err := tlsconf.ParseCiphers(strings.Join(t.Ciphers, ","))
		if err != nil {
			errs = append(errs, fmt.Errorf("ciphers: %w", err))
		}
		made.SetCiphers(suites)
	}
	if t.DialTimeout < 0 || t.ResponseTimeout < 0 || t.IdleTimeout < 0 || t.MaxIdle < 0 {
		errs = append(errs, errors.New("timeouts and max_idle cannot be negative"))
	}
	errs = append(errs, readPEM(&made, t.RootCAs, t.Certificate, t.Key))
	return made, transportFault(t.Origin, "transport", t.Name, errs)
}

// TCPTransport is the same for servers of connections, by
// tcp.services.NAME.loadbalancer.serverstransport.
type TCPTransport struct {
	Origin string
	Name   string // the label of the stanza

	ServerTLS

	DialTimeout time.Duration `hcl:"dial_timeout"`
	// KeepAlive and TerminationDelay are as in [transport.Conns].
	KeepAlive        time.Duration `hcl:"keepalive"`
	TerminationDelay time.Duration `hcl:"termination_delay"`
	// ProxyProtocol is the version of the PROXY header they are sent; 0 is none.
	ProxyProtocol int `hcl:"proxy_protocol"`
}

// SetDefaults implements [hcl.Defaulted].
func (t *TCPTransport) SetDefaults(at hcl.Position) { *t = TCPTransport{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (t *TCPTransport) SetLabel(label string) { t.Name = label }

func (t *TCPTransport) Read() (made transport.Transport, err error) {
	made = t.transport(t.Name, transport.Conns{
		Dial: t.DialTimeout, KeepAlive: t.KeepAlive, Termination: t.TerminationDelay, ProxyProtocol: t.ProxyProtocol,
	})
	var errs []error
	if t.DialTimeout < 0 {
		errs = append(errs, errors.New("dial_timeout cannot be negative"))
	}
	if t.ProxyProtocol < 0 || t.ProxyProtocol > 2 {
		errs = append(errs, fmt.Errorf("proxy_protocol is the version 1 or 2 of the header, or 0 for none, not %d", t.ProxyProtocol))
	}
	errs = append(errs, readPEM(&made, t.RootCAs, t.Certificate, t.Key))
	return made, transportFault(t.Origin, "tcp_transport", t.Name, errs)
}

func readPEM(into *transport.Transport, rootCAs, certificates []string, keys []dial.Secret) error {
	var revealed []string
	for _, key := range keys {
		revealed = append(revealed, key.Reveal())
	}
	return into.ReadFiles(rootCAs, certificates, revealed)
}

// transportFault joins what is wrong with a stanza.
func transportFault(origin, kind, name string, errs []error) error {
	if name == "" || strings.ContainsAny(name, "@ ") {
		errs = append(errs, errors.New("the name is empty, or holds an @ or a blank"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %s %q: %s", origin, kind, name, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// transports are those of the stanzas that are valid.
type transports struct{ http, tcp tags.Transports }

func (c *Config) transports() transports {
	all := transports{tags.Transports{}, tags.Transports{}}
	for i := range c.Transports {
		if made, err := c.Transports[i].Read(); err == nil {
			all.http[strings.ToLower(made.Name)] = made.ID()
		}
	}
	for i := range c.TCPTransports {
		if made, err := c.TCPTransports[i].Read(); err == nil {
			all.tcp[strings.ToLower(made.Name)] = made.ID()
		}
	}
	return all
}

// defaults are those of the defaults stanza.
func (c *Config) defaultTransports(all transports) (d tags.DefaultTransports) {
	d.HTTP, _ = all.http.Find(c.Defaults.Transport)
	d.TCP, _ = all.tcp.Find(c.Defaults.TCPTransport)
	return d
}

func (c *Config) validateTransports(f *faultList) {
	seen, seenTCP := map[string]string{}, map[string]string{}
	for i := range c.Transports {
		t := &c.Transports[i]
		if _, err := t.Read(); err != nil {
			*f = append(*f, err)
		}
		unique(f, seen, "transport", t.Name, t.Origin)
	}
	for i := range c.TCPTransports {
		t := &c.TCPTransports[i]
		if _, err := t.Read(); err != nil {
			*f = append(*f, err)
		}
		unique(f, seenTCP, "tcp_transport", t.Name, t.Origin)
	}
	c.knownTransport(f, "defaults.transport", c.Defaults.Transport)
	c.knownTCPTransport(f, "defaults.tcp_transport", c.Defaults.TCPTransport)
}

// knownTransport finds a name that no stanza declares, and knownTCPTransport
// likewise.
func (c *Config) knownTransport(f *faultList, at, name string) {
	var declared []string
	for _, t := range c.Transports {
		declared = append(declared, t.Name)
	}
	knownName(f, at, "transport", name, declared)
}

func (c *Config) knownTCPTransport(f *faultList, at, name string) {
	var declared []string
	for _, t := range c.TCPTransports {
		declared = append(declared, t.Name)
	}
	knownName(f, at, "tcp_transport", name, declared)
}
