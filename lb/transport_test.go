package lb

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluiceproxy/sluice/lb/transport"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// mutualBackend has a certificate of its own authority, and asks for that of a
// client. Both are in dir as server.pem, client.pem and their .key.
func mutualBackend(t *testing.T, dir string) string {
	path := func(name string) string { return filepath.Join(dir, name) }
	writePair(t, path("server.pem"), path("server.key"), "inner.test")
	writePair(t, path("client.pem"), path("client.key"), "lb.test")
	pair, err := tls.LoadX509KeyPair(path("server.pem"), path("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile(path("client.pem"))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	s.TLS.ClientCAs.AppendCertsFromPEM(known)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Servers are connected to as the transport says that their tags name, by health
// checks as well; a changed one counts for new connections.
func TestServersTransportsOfTags(t *testing.T) {
	dir := t.TempDir()
	backend := mutualBackend(t, dir)
	load := func(ca, name, client string) transport.ID {
		made := transport.Transport{Name: "inner", ServerName: name}
		var cert, key []string
		if client != "" {
			cert, key = []string{filepath.Join(dir, client+".pem")}, []string{filepath.Join(dir, client+".key")}
		}
		if err := made.ReadFiles([]string{filepath.Join(dir, ca+".pem")}, cert, key); err != nil {
			t.Fatal(err)
		}
		return made.ID()
	}
	good := load("server", "inner.test", "client")
	table := DefaultOptions()
	table.Tags.Transports = map[string]transport.ID{
		"inner": good, "otherca": load("client", "inner.test", "client"), "othername": load("server", "x.test", "client"),
		"nobody": load("server", "inner.test", ""), "stranger": load("server", "inner.test", "server"),
		"lax": transport.Transport{Name: "lax", SkipVerify: true}.ID(),
	}
	named := map[string]string{
		"a": "inner", "b": "Inner@file", "c": "otherca", "d": "othername", "e": "nobody", "f": "stranger", "g": "lax",
		"h": "nowhere", "i": "inner@docker", "j": "default@internal",
	}
	c := startWithCatalog(t, func(source *watchtest.Source) {
		var list []watch.ServiceTags
		for name, transport := range named {
			at := "traefik.http.services." + name + ".loadbalancer."
			tags := []string{"traefik.http.routers." + name + ".rule=Path(`/" + name + "`)", at + "server.scheme=https", at + "serverstransport=" + transport}
			if name == "b" || name == "c" {
				tags = append(tags, at+"healthcheck.path=/", at+"healthcheck.interval=20ms")
			}
			registerAmong(source, name, tags, watch.Passing, backend)
			list = append(list, watch.ServiceTags{Name: name, Tags: tags})
		}
		source.Set(watch.Services{}, list)
	}, func(o *ServerOptions) { o.Table = table })
	eventually(t, "the server is ready", c.Ready)
	eventually(t, "a health check fails by another authority", func() bool { status, _ := c.get("/c"); return status == 503 })
	for path, want := range map[string]int{"/a": 200, "/b": 200, "/d": 502, "/e": 502, "/f": 502, "/g": 502, "/h": 404, "/i": 404, "/j": 502} {
		if got, _ := c.get(path); got != want {
			t.Errorf("%s by %s: %d, want %d", path, named[path[1:]], got, want)
		}
	}
	for _, text := range []string{"there is no servers transport nowhere", "there is no servers transport inner@docker"} {
		if !(&tlsRig{liveCatalog: c}).hasProblem(text) {
			t.Errorf("no problem tells: %s\n%v", text, c.Table().Problems())
		}
	}
	changed := table
	changed.Tags.Transports = map[string]transport.ID{"inner": load("client", "inner.test", "client")}
	if err := c.Reload(changed); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a changed transport counts", func() bool { status, _ := c.get("/a"); return status == 502 })
}
