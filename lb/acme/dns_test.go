package acme

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluiceproxy/sluice/internal/dnstest"
	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/acme/dns01"
)

// byDNS are options for challenges by DNS, of which the servers of zones are not
// asked: they would have to be at port 53.
func byDNS(t *testing.T, p *parts.Pebble, provider string, storage Storage) Options {
	t.Helper()
	o := options(t, p, ChallengeDNS, storage)
	o.DNS = dns01.Options{Provider: provider, Resolvers: []string{p.DNS}, RequireResolvers: true, DisableServers: true}
	t.Setenv(strings.ToUpper(provider)+"_POLLING_INTERVAL", "1")
	return o
}

// setNames changes what the authority's DNS server has.
func setNames(p *parts.Pebble, action string, record map[string]string) error {
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	resp, err := http.Post(p.Names+action, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", action, resp.Status)
	}
	return nil
}

// The certificate for all names below one is ordered once for all who share the
// storage, and serves each of them; so does that for the name itself, which has its
// challenge in the same record.
func TestWildcardByUpdates(t *testing.T) {
	dns := dnstest.Start(t, "ns.example.test", "example.test")
	pebble, s, storage := parts.StartPebbleAsking(t, dns.Address), startSite(t), newMemory()
	t.Setenv("RFC2136_NAMESERVER", dns.Address)
	first, _ := s.start(t, byDNS(t, pebble, "rfc2136", storage))
	second, _ := s.start(t, byDNS(t, pebble, "rfc2136", storage))
	names := []string{"*.example.test", "a.example.test", "b.example.test", "deep.a.example.test", "example.test"}
	first.Want(names)
	second.Want(names)
	one, two := serial(t, first, "a.example.test"), serial(t, second, "b.example.test")
	apex, deep := serial(t, first, "example.test"), serial(t, second, "deep.a.example.test")
	if one != two || apex == one || deep == one || pebble.Orders() != 3 {
		t.Errorf("serials %s, %s, %s and %s of %d orders", one, two, apex, deep, pebble.Orders())
	}
	for _, name := range []string{"other.deep.a.example.test", "*.a.example.test", "example.com"} {
		if first.certificate(t.Context(), name) != nil {
			t.Errorf("there is a certificate for %s", name)
		}
	}
	eventually(t, "no record is left", func() bool { return len(dns.Records()) == 0 })
	if !strings.Contains(storage.keys(), "wildcard_.example.test") {
		t.Errorf("keys:\n%s", storage.keys())
	}
}

// A program of the operator's is asked as Traefik would, one record at a time.
func TestWildcardByProgram(t *testing.T) {
	parts.Path(t, "curl")
	s := startSite(t)
	pebble := parts.StartPebble(t, s.ip, 0)
	dir := t.TempDir()
	script, calls := filepath.Join(dir, "records"), filepath.Join(dir, "calls")
	text := fmt.Sprintf(`#!/bin/sh -e
echo "$1 $2" >>%[1]s
case $1 in
present) action=set-txt data="{\"host\":\"$2\",\"value\":\"$3\"}" ;;
cleanup) action=clear-txt data="{\"host\":\"$2\"}" ;;
esac
exec curl -sf --max-time 20 -d "$data" %[2]s/$action
`, calls, pebble.Names)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EXEC_PATH", script)
	c, _ := s.start(t, byDNS(t, pebble, "exec", newMemory()))
	c.Want([]string{"*.example.test", "example.test"})
	serial(t, c, "a.example.test")
	serial(t, c, "example.test")
	const each = "present _acme-challenge.example.test.\ncleanup _acme-challenge.example.test.\n"
	eventually(t, "the records are removed", func() bool {
		got, err := os.ReadFile(calls)
		return err == nil && string(got) == each+each
	})
	if pebble.Orders() != 2 {
		t.Errorf("%d orders", pebble.Orders())
	}
}

// What a provider fails at is told with its name and reason, the authority is not
// bothered again and again, and other names have their certificates.
func TestProviderFails(t *testing.T) {
	s := startSite(t)
	pebble := parts.StartPebble(t, s.ip, 0)
	var failing atomic.Bool
	failing.Store(true)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var record struct{ FQDN, Value string }
		user, password, _ := r.BasicAuth()
		switch err := json.NewDecoder(r.Body).Decode(&record); {
		case err != nil || user != "operator" || password != "confidential":
			w.WriteHeader(http.StatusForbidden)
		case failing.Load() && strings.Contains(record.FQDN, "bad.test"):
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "the zone is locked")
		case setNames(pebble, map[string]string{"/present": "/set-txt", "/cleanup": "/clear-txt"}[r.URL.Path], map[string]string{"host": record.FQDN, "value": record.Value}) != nil:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(provider.Close)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("confidential\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTPREQ_USERNAME", "operator")
	t.Setenv("HTTPREQ_PASSWORD_FILE", password)
	c, _ := s.start(t, byDNS(t, pebble, "httpreq", newMemory()))
	c.Want([]string{"*.bad.test"})
	eventually(t, "what is missing is told", func() bool {
		err := c.Failures()["*.bad.test"]
		return err != nil && strings.Contains(err.Error(), "DNS provider httpreq is not set up: httpreq: some credentials information are missing: HTTPREQ_ENDPOINT")
	})
	t.Setenv("HTTPREQ_ENDPOINT", provider.URL)
	c.Want([]string{"*.bad.test", "*.good.test"})
	serial(t, c, "a.good.test")
	eventually(t, "the failure is told", func() bool {
		err := c.Failures()["*.bad.test"]
		return err != nil && strings.Contains(err.Error(), "DNS provider httpreq: writing the TXT record of _acme-challenge.bad.test: ") &&
			strings.Contains(err.Error(), "the zone is locked") && !strings.Contains(err.Error(), "confidential")
	})
	failing.Store(false)
	serial(t, c, "a.bad.test")
}
