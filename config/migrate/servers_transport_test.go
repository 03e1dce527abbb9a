package migrate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestMigratedServersTransports(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yml")
	if err := os.WriteFile(path, []byte(filesWithTransports), 0o600); err != nil {
		t.Fatal(err)
	}
	text, notes := runMigrate(t, path)
	c := config.DefaultConfig()
	if err := c.LoadText("result", []byte(text)); err != nil {
		t.Fatal(err)
	}
	want := []config.ServersTransport{
		{
			Name: "inner",
			ServerTLS: config.ServerTLS{
				ServerName: "x", PeerCertURI: "urn:x", RootCAs: []string{"ca.pem", "-----BEGIN CERTIFICATE-----\nx\n"},
				Certificate: []string{"a.pem", "b.pem"}, Key: []dial.Secret{"a.key", "b.key"},
			},
			MinVersion: "VersionTLS12", MaxVersion: "VersionTLS13", Ciphers: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
			DialTimeout: time.Second, ResponseTimeout: 2 * time.Second, IdleTimeout: 3 * time.Second, MaxIdle: 7,
		},
		{Name: allServers, ServerTLS: config.ServerTLS{InsecureSkipVerify: true, RootCAs: []string{"all.pem"}}},
	}
	wantTCP := []config.TCPTransport{
		{
			Name: "inner",
			ServerTLS: config.ServerTLS{
				ServerName: "inner.test", InsecureSkipVerify: true, RootCAs: []string{"ca.pem"}, Certificate: []string{"a.pem"}, Key: []dial.Secret{"a.key"},
			},
			DialTimeout: time.Second, KeepAlive: -time.Second, TerminationDelay: 5 * time.Second, ProxyProtocol: 1,
		},
		{Name: allServers, DialTimeout: 9 * time.Second},
		{Name: "db-termination", TerminationDelay: 200 * time.Millisecond},
	}
	ignored := cmp.Options{
		cmpopts.IgnoreFields(config.ServersTransport{}, "Origin"), cmpopts.IgnoreFields(config.TCPTransport{}, "Origin"),
		cmpopts.SortSlices(func(a, b config.TCPTransport) bool { return a.Name < b.Name }),
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
