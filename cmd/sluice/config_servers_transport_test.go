package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sluiceproxy/sluice/lb/transport"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestServersTransports(t *testing.T) {
	c := loadTextOrFail(t, `transport "Inner" { insecure_skip_verify = true server_name = "x" min_version = "tls13" }`)
	o, err := c.serverOptions()
	if err != nil {
		t.Fatal(err)
	}
	want := transport.Transport{Name: "Inner", SkipVerify: true, ServerName: "x", MinVersion: 0x304}.ID()
	if o.Table.Tags.Transports["inner"] != want {
		t.Errorf("transports %v", o.Table.Tags.Transports)
	}
	if fixed := new(Config).fixedSettings(c); strings.Contains(strings.Join(fixed, " "), "transport") {
		t.Errorf("they count from the next start: %v", fixed)
	}
}

func TestServersTransportFaults(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("-----BEGIN SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	for stanza, want := range map[string]string{
		`transport "a@b" { }`:                                                                                            "holds an @",
		`transport "a" { min_version = "2" }`:                                                                            "min_version",
		`transport "a" { root_cas = ["/none.pem"] }`:                                                                     "root_cas: open /none.pem",
		`transport "a" { root_cas = ["` + empty + `"] }`:                                                                 "holds no certificate in PEM",
		`transport "a" { certificate = "x" }`:                                                                            "certificate and key go together",
		`transport "a" { certificate = "x" key = "y" }`:                                                                  "certificate: open x",
		`transport "a" { certificate = "` + empty + `" key = "` + empty + `" }`:                                          "certificate " + empty + " with key",
		`transport "a" { max_idle = -1 }`:                                                                                "cannot be negative",
		`transport "a" { ciphers = "x" }`:                                                                                "is no cipher suite",
		`transport "a" { min_version = "tls13" max_version = "tls12" }`:                                                  "min_version is above max_version",
		`transport "a" { root_cas = "-----BEGIN SECRET-----" }`:                                                          "root_cas: given as text holds no certificate",
		`tcp_transport "a" { proxy_protocol = 3 }`:                                                                       "proxy_protocol is the version 1 or 2",
		`tcp_transport "a" { dial_timeout = "-1s" }`:                                                                     "dial_timeout cannot be negative",
		`tcp_transport "a" { certificate = "x" }`:                                                                        "certificate and key go together",
		`route "r" { host = "a" targets = "https://a" transport = "none" }`:                                              `no stanza declares transport "none"`,
		`service "r" { targets = "https://a" transport = "none" }`:                                                       `no stanza declares transport "none"`,
		`tcp_route "r" { targets = "a:1" transport = "none" }`:                                                           `no stanza declares tcp_transport "none"`,
		"transport \"t\" { }\nroute \"r\" { host = \"a\" targets = \"https://a\" transport = \"t\" skip_verify = true }": "the transport says server_name and insecure_skip_verify",
		"transport \"a\" { }\ntransport \"A\" { }":                                                                       "transport",
	} {
		c := DefaultConfig()
		if err := c.loadText("test.hcl", []byte(stanza)); err != nil {
			t.Fatal(err)
		}
		c.settle()
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "test.hcl:") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want %q", stanza, err, want)
		}
	}
}

func TestMigratedServersTransports(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yml")
	if err := os.WriteFile(path, []byte(filesWithTransports), 0o600); err != nil {
		t.Fatal(err)
	}
	text, notes := runMigrate(t, path)
	c := DefaultConfig()
	if err := c.loadText("result", []byte(text)); err != nil {
		t.Fatal(err)
	}
	want := []ServersTransport{
		{
			Name: "inner", ServerName: "x", PeerCertURI: "urn:x", RootCAs: []string{"ca.pem", "-----BEGIN CERTIFICATE-----\nx\n"}, MinVersion: "VersionTLS12",
			MaxVersion: "VersionTLS13", Ciphers: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
			Certificate: []string{"a.pem", "b.pem"}, Key: []dial.Secret{"a.key", "b.key"},
			DialTimeout: time.Second, ResponseTimeout: 2 * time.Second, IdleTimeout: 3 * time.Second, MaxIdle: 7,
		},
		{Name: allServers, InsecureSkipVerify: true, RootCAs: []string{"all.pem"}},
	}
	wantTCP := []TCPTransport{
		{
			Name: "inner", ServerName: "inner.test", InsecureSkipVerify: true, RootCAs: []string{"ca.pem"}, Certificate: []string{"a.pem"}, Key: []dial.Secret{"a.key"},
			DialTimeout: time.Second, KeepAlive: -time.Second, TerminationDelay: 5 * time.Second, ProxyProtocol: 1,
		},
		{Name: allServers, DialTimeout: 9 * time.Second},
		{Name: "db-termination", TerminationDelay: 200 * time.Millisecond},
	}
	ignored := cmp.Options{
		cmpopts.IgnoreFields(ServersTransport{}, "Origin"), cmpopts.IgnoreFields(TCPTransport{}, "Origin"),
		cmpopts.SortSlices(func(a, b TCPTransport) bool { return a.Name < b.Name }),
	}
	if diff := cmp.Diff(want, c.Transports, ignored); diff != "" {
		t.Errorf("transports: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(wantTCP, c.TCPTransports, ignored); diff != "" {
		t.Errorf("transports of connections: -want +got:\n%s", diff)
	}
	for _, note := range []string{
		"the servers transport odd is left out: http.serversTransports.odd.spiffe.trustDomain has no equivalent",
		"router c is left out: there is no servers transport odd", "tcp router lost is left out: there is no servers transport nowhere",
		"pingTimeout is left out", "disableHTTP2 has no effect",
	} {
		if !strings.Contains(notes, note) {
			t.Errorf("no note says %s:\n%s", note, notes)
		}
	}
	if c.Defaults.Transport != allServers || c.Defaults.TCPTransport != allServers {
		t.Errorf("defaults: %+v", c.Defaults)
	}
	got := map[string]string{}
	for _, r := range c.Routes {
		got["route "+r.Name] = r.Transport
	}
	for _, r := range c.TCPRoutes {
		got["tcp_route "+r.Name] = fmt.Sprint(r.Transport, " ", r.ProxyProtocol)
	}
	wantRoutes := map[string]string{"route a": "inner", "route b": "", "tcp_route named": "inner 0", "tcp_route own": "db-termination 2"}
	if diff := cmp.Diff(wantRoutes, got); diff != "" {
		t.Errorf("routes: -want +got:\n%s", diff)
	}
}

const filesWithTransports = `
serversTransport: {insecureSkipVerify: true, rootCAs: [all.pem]}
tcpServersTransport: {dialTimeout: 9s}
http:
  routers:
    a: {rule: "Host(` + "`a`" + `)", service: a}
    b: {rule: "Host(` + "`b`" + `)", service: b}
    c: {rule: "Host(` + "`c`" + `)", service: c}
  services:
    a: {loadBalancer: {serversTransport: inner@file, servers: [{url: "https://10.0.0.1"}]}}
    b: {loadBalancer: {serversTransport: default@internal, servers: [{url: "https://10.0.0.1"}]}}
    c: {loadBalancer: {serversTransport: odd, servers: [{url: "https://10.0.0.1"}]}}
  serversTransports:
    inner:
      serverName: x
      peerCertURI: urn:x
      minVersion: VersionTLS12
      maxVersion: VersionTLS13
      cipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
      rootCAs: [ca.pem, "-----BEGIN CERTIFICATE-----\nx\n"]
      certificates: [{certFile: a.pem, keyFile: a.key}, {certFile: b.pem, keyFile: b.key}]
      maxIdleConnsPerHost: 7
      forwardingTimeouts: {dialTimeout: 1s, responseHeaderTimeout: 2, idleConnTimeout: 3s, pingTimeout: 4s}
      disableHTTP2: true
    odd: {spiffe: {trustDomain: x}}
tcp:
  routers:
    named: {rule: "HostSNI(` + "`*`" + `)", service: named}
    own: {rule: "HostSNI(` + "`*`" + `)", service: db}
    lost: {rule: "HostSNI(` + "`*`" + `)", service: lost}
  services:
    named: {loadBalancer: {serversTransport: inner, terminationDelay: 3, proxyProtocol: {}, servers: [{address: "10.0.0.1:1"}]}}
    db: {loadBalancer: {terminationDelay: 200, proxyProtocol: {}, servers: [{address: "10.0.0.1:1"}]}}
    lost: {loadBalancer: {serversTransport: nowhere, servers: [{address: "10.0.0.1:1"}]}}
  serversTransports:
    inner:
      dialTimeout: 1s
      dialKeepAlive: -1s
      terminationDelay: 5s
      proxyProtocol: {version: 1}
      tls: {serverName: inner.test, insecureSkipVerify: true, rootCAs: [ca.pem], certificates: [{certFile: a.pem, keyFile: a.key}]}
`
