package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/transport"
	"github.com/sluiceproxy/sluice/watch/dial"
)

const (
	serversTransports    = "http.serversTransports"
	tcpServersTransports = "tcp.serversTransports"
	// allServers is the transport for servers of which nothing else is said.
	allServers = "all-servers"
)

// serversTransport takes over one of http.serversTransports. What cannot be taken over
// leaves out the whole: routers of services that name it are off, rather than
// connected in another way.
func (m *migration) serversTransport(t *tree, name string) {
	at := serversTransports + "." + name
	made := config.ServersTransport{
		Name: name, ServerTLS: t.serverTLS(at),
		MinVersion: t.text(at + ".minVersion"), MaxVersion: t.text(at + ".maxVersion"),
		Ciphers: slices.DeleteFunc(t.list(at+".cipherSuites"), isSuiteOf13),
	}
	made.MaxIdle, _ = strconv.Atoi(t.text(at + ".maxIdleConnsPerHost"))
	timeouts := at + ".forwardingTimeouts"
	made.DialTimeout, made.ResponseTimeout = t.duration(timeouts+".dialTimeout"), t.duration(timeouts+".responseHeaderTimeout")
	made.IdleTimeout = t.duration(timeouts + ".idleConnTimeout")
	m.withoutPings(t, timeouts)
	if t.is(at + ".disableHTTP2") {
		m.note(t, at+".disableHTTP2", at+".disableHTTP2"+" has no effect: servers with TLS are spoken to by HTTP/1.1, but for gRPC")
	}
	m.addTransport(t, at, &made)
}

// withoutPings tells that silent connections of HTTP/2 are looked at in one way.
func (m *migration) withoutPings(t *tree, timeouts string) {
	for _, key := range []string{"readIdleTimeout", "pingTimeout"} {
		if d := t.duration(hcl.Join(timeouts, key)); d > 0 {
			m.note(t, hcl.Join(timeouts, key), hcl.Join(timeouts, key)+" is left out: servers that are gone are noticed by TCP, within a minute")
		}
	}
}

// addTransport adds one of which nothing is left at a path, unless it makes no sense.
func (m *migration) addTransport(t *tree, at string, made *config.ServersTransport) {
	made.Origin = t.origin(at)
	if m.isWhole(t, at, made.Name, made.Read) {
		m.comment("transport."+made.Name, "%s", m.origin(t, at))
		m.Transports = append(m.Transports, *made)
	}
}

// isWhole reports whether nothing is left at the path of a transport and, if it is to
// be used at once, its files can be read.
func (m *migration) isWhole(t *tree, at, name string, read func() (transport.Transport, error)) bool {
	err := t.nothingLeft(at)
	if err == nil && m.isRunning {
		_, err = read()
	}
	if err != nil {
		m.note(t, at, fmt.Sprintf("the servers transport %s is left out: %v", name, err))
		t.take(at)
	}
	return err == nil
}

// pairs are certificates with their keys.
func (t *tree) pairs(at string) (certificates []string, keys []dial.Secret) {
	for i := range t.count(at) {
		pair := at + "[" + strconv.Itoa(i) + "]"
		certificates = append(certificates, t.text(pair+".certFile"))
		keys = append(keys, dial.Secret(t.text(pair+".keyFile")))
	}
	return certificates, keys
}

// serverTLS is what both kinds say of TLS.
func (t *tree) serverTLS(at string) config.ServerTLS {
	made := config.ServerTLS{
		InsecureSkipVerify: t.is(at + ".insecureSkipVerify"), ServerName: t.text(at + ".serverName"),
		PeerCertURI: t.text(at + ".peerCertURI"), RootCAs: t.list(at + ".rootCAs"),
	}
	made.Certificate, made.Key = t.pairs(at + ".certificates")
	return made
}

// tcpServersTransport takes over one of tcp.serversTransports.
func (m *migration) tcpServersTransport(t *tree, at, name string) {
	made := config.TCPTransport{
		Origin: t.origin(at), Name: name, ServerTLS: t.serverTLS(at + ".tls"),
		DialTimeout: t.duration(at + ".dialTimeout"), KeepAlive: t.duration(at + ".dialKeepAlive"),
		TerminationDelay: t.duration(at + ".terminationDelay"), ProxyProtocol: t.proxyVersion(at),
	}
	t.text(at + ".tls")
	if m.isWhole(t, at, name, made.Read) {
		m.comment("tcp_transport."+name, "%s", m.origin(t, at))
		m.TCPTransports = append(m.TCPTransports, made)
		if name == allServers {
			m.Defaults.TCPTransport = name
		}
	}
}

// proxyVersion is the version of the PROXY header that servers are sent.
func (t *tree) proxyVersion(at string) int {
	if !t.has(at + ".proxyProtocol") {
		return 0
	}
	t.text(at + ".proxyProtocol")
	version, _ := strconv.Atoi(cmp.Or(t.text(at+".proxyProtocol.version"), "2"))
	return version
}

// ofAllServers takes over how servers are connected to of which nothing else is said:
// of Traefik 2 and 3 below a path, of Traefik 1 at the top.
func (m *migration) ofAllServers(t *tree, at string) {
	skip, cas := hcl.Join(at, "insecureSkipVerify"), hcl.Join(at, "rootCAs")
	made := config.ServersTransport{Name: allServers, ServerTLS: config.ServerTLS{InsecureSkipVerify: t.is(skip), RootCAs: t.list(cas)}}
	if !made.InsecureSkipVerify && len(made.RootCAs) == 0 {
		return
	}
	made.Origin = t.origin(cmp.Or(at, skip))
	if m.isRunning {
		if _, err := made.Read(); err != nil {
			m.note(t, cas, err.Error())
			return
		}
	}
	for _, path := range []string{skip, cas} {
		if t.has(path) {
			m.comment("transport."+allServers, "%s", m.origin(t, path))
		}
	}
	m.Transports = append(m.Transports, made)
	m.Defaults.Transport = allServers
}

// transportNamed is the name of one that was taken over, empty for none.
func (m *migration) transportNamed(name string) (string, error) {
	if name = fileName(name); name == "" || name == "default@internal" {
		return "", nil
	}
	if !slices.ContainsFunc(m.Transports, func(t config.ServersTransport) bool { return strings.EqualFold(t.Name, name) }) {
		return "", fmt.Errorf("there is no servers transport %s", name)
	}
	return name, nil
}

func (m *migration) tcpTransportNamed(name string) (string, error) {
	if name = fileName(name); name == "" || name == "default@internal" {
		return "", nil
	}
	if !slices.ContainsFunc(m.TCPTransports, func(t config.TCPTransport) bool { return strings.EqualFold(t.Name, name) }) {
		return "", fmt.Errorf("there is no servers transport %s", name)
	}
	return name, nil
}

// termination makes a transport of how a service of connections ends them, which
// Traefik has in milliseconds.
func (m *migration) termination(t *tree, at, service string) (transport string) {
	ms, err := strconv.Atoi(t.text(at))
	if err != nil {
		return ""
	}
	name := service + "-termination"
	if !slices.ContainsFunc(m.TCPTransports, func(t config.TCPTransport) bool { return t.Name == name }) {
		m.comment("tcp_transport."+name, "%s", m.origin(t, at))
		m.TCPTransports = append(m.TCPTransports, config.TCPTransport{Name: name, TerminationDelay: cmp.Or(time.Duration(ms)*time.Millisecond, time.Millisecond)})
	}
	return name
}
