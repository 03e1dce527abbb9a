package lb

import (
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// tlsRig is a server with TLS, options for it, and routers of Traefik for hosts.
type tlsRig struct {
	*liveCatalog
	ca   string          // file of the authorities of options "clients", which is not there yet
	good tls.Certificate // known.pem beside that file
	bad  tls.Certificate
}

// startTLSOptions starts one on a listener with these further settings, with a
// service for each list of tags.
func startTLSOptions(t *testing.T, listener string, options []certs.TLSOptions, services ...[]string) *tlsRig {
	t.Helper()
	dir := t.TempDir()
	r := &tlsRig{ca: filepath.Join(dir, "ca.pem")}
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "lb.test")
	pair := func(name string) tls.Certificate {
		cert, key := filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
		writePair(t, cert, key, name+".test")
		loaded, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	r.good, r.bad = pair("known"), pair("stranger")
	backend := httpBackend(t, echo)
	r.liveCatalog = startWithCatalog(t, func(source *watchtest.Source) {
		r.register(source, backend, services...)
	}, proxied("cert="+cert+";key="+key+listener), func(o *ServerOptions) {
		o.Table.TLSOptions = append(options, certs.TLSOptions{Name: "Clients", ClientCAs: []string{r.ca}})
	})
	eventually(t, "the server is ready", r.Ready)
	return r
}

func (r *tlsRig) register(source *watchtest.Source, backend string, services ...[]string) {
	var list []watch.ServiceTags
	for i, tags := range services {
		name := string(rune('a' + i))
		registerAmong(source, name, tags, watch.Passing, backend)
		list = append(list, watch.ServiceTags{Name: name, Tags: tags})
	}
	source.Set(watch.Services{}, list)
}

// router is the tags of a router with TLS.
func router(name, rule, options string) []string {
	tags := []string{"traefik.http.routers." + name + ".rule=" + rule, "traefik.http.routers." + name + ".tls=true"}
	if options != "" {
		tags = append(tags, "traefik.http.routers."+name+".tls.options="+options)
	}
	return tags
}

// client is one that asks for a server name, by one of the protocols.
func (r *tlsRig) client(protocol, name string, change func(*tls.Config)) *http.Client {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: name}
	if change != nil {
		change(config)
	}
	return tlsClient(r.t, protocol, config)
}

// ask is the status of a request for a host, 0 if no connection came about.
func (r *tlsRig) ask(c *http.Client, host string) int {
	r.t.Helper()
	req := mustRequest(r.t, "https://"+r.addr+"/x")
	req.Host = host
	resp, err := c.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func showing(certificates ...tls.Certificate) func(*tls.Config) {
	return func(c *tls.Config) { c.Certificates = certificates }
}

func upTo(version uint16) func(*tls.Config) {
	return func(c *tls.Config) { c.MaxVersion = version }
}

// hasProblem reports whether there is one with the text.
func (r *tlsRig) hasProblem(text string) bool {
	for _, p := range r.Table().Problems() {
		if strings.Contains(p.Error(), text) {
			return true
		}
	}
	return false
}
