package vault

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// These tests are of a real Vault. What takes hours there, or cannot be had from
// one, is tested against the fake.

// readSecrets is a policy for all of the KV stores and what gives certificates.
const readSecrets = `{"policy": "path \"secret/*\" { capabilities = [\"read\", \"list\"] } path \"kv/*\" { capabilities = [\"read\"] }"}`

func startServer(t *testing.T) *parts.Vault {
	t.Helper()
	v := parts.StartVault(t)
	v.Do("POST", "sys/mounts/old", `{"type": "kv", "options": {"version": "1"}}`)
	v.Do("PUT", "sys/policies/acl/reader", readSecrets)
	v.Do("PUT", "secret/data/app", `{"data": {"k": "v1"}}`)
	v.Do("PUT", "secret/data/app", `{"data": {"k": "v2"}}`)
	return v
}

// open returns a source with the root token, unless change says otherwise.
func open(t *testing.T, v *parts.Vault, change func(*Config)) *Source {
	t.Helper()
	c := Config{Target: dial.Target{Address: v.URL}, Token: dial.Secret(v.Token), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

// await polls until done.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func dataOf(reply watch.Reply) object { return reply.Value.(*watch.Secret).Data }

// versioned is k of a secret of a KV store of version 2.
func versioned(reply watch.Reply) any { return dataOf(reply)["data"].(object)["k"] }

func TestServer_KV(t *testing.T) {
	v := startServer(t)
	v.Do("POST", "sys/mounts/team/kv", `{"type": "kv", "options": {"version": "2"}}`)
	await(t, "the store at team/kv is upgraded", func() bool {
		_, err := open(t, v, nil).Fetch(t.Context(), watch.Request{Query: watch.VaultSecret{Path: "team/kv/config"}})
		return err == nil || errors.Is(err, watch.ErrNotFound)
	})
	v.Do("PUT", "old/app", `{"k": "plain", "n": 7}`)
	v.Do("PUT", "secret/data/dir/b", `{"data": {"k": "deep"}}`)
	v.Do("PUT", "secret/data/dir/a/x", `{"data": {"k": "deeper"}}`)
	v.Do("PUT", "secret/data/gone", `{"data": {"k": "v"}}`)
	v.Do("DELETE", "secret/data/gone", "")
	v.Do("PUT", "secret/data/destroyed", `{"data": {"k": "v"}}`)
	v.Do("PUT", "secret/destroy/destroyed", `{"versions": [1]}`)
	s := open(t, v, nil)

	write := watch.VaultSecret{Path: "team/kv/new", Write: true, Data: `{"k":"written"}`}
	if version := dataOf(fetch(t, s, write))["version"]; version != json.Number("1") {
		t.Errorf("version %v was written", version)
	}
	for _, test := range []struct {
		query watch.VaultSecret
		want  string
	}{
		{watch.VaultSecret{Path: "secret/app"}, "v2"},
		{watch.VaultSecret{Path: "secret/data/app"}, "v2"},
		{watch.VaultSecret{Path: "secret/app", Params: "version=1"}, "v1"},
		{watch.VaultSecret{Path: "secret/dir/a/x"}, "deeper"},
		{watch.VaultSecret{Path: "team/kv/new"}, "written"},
	} {
		reply := fetch(t, s, test.query)
		if got := versioned(reply); got != test.want || reply.Poll < 4*time.Minute || reply.Poll > 5*time.Minute {
			t.Errorf("%s: got %v, polls after %v", test.query, got, reply.Poll)
		}
	}
	old := fetch(t, s, watch.VaultSecret{Path: "old/app"})
	if diff := cmp.Diff(object{"k": "plain", "n": json.Number("7")}, dataOf(old)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if old.Poll < 20*24*time.Hour { // version 1 hands out Vault's default lease
		t.Errorf("polls after %v", old.Poll)
	}
	if reply := fetch(t, s, watch.VaultSecret{Path: "old/new", Write: true, Data: `{"k":"v"}`}); reply.Value.(*watch.Secret) != nil {
		t.Errorf("a write was answered by %v", reply.Value)
	}
	for path, want := range map[string][]string{
		"secret":     {"app", "destroyed", "dir/", "gone"},
		"secret/dir": {"a/", "b"},
		"old":        {"app", "new"},
		"secret/no":  nil,
		"old/no":     nil,
	} {
		if got := fetch(t, s, watch.VaultList{Path: path}).Value; !slices.Equal(got.([]string), want) {
			t.Errorf("%s holds %q", path, got)
		}
	}
	for _, path := range []string{"secret/none", "secret/gone", "secret/destroyed", "old/none", "secret/app/k"} {
		if _, err := s.Fetch(t.Context(), watch.Request{Query: watch.VaultSecret{Path: path}}); !errors.Is(err, watch.ErrNotFound) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestServer_Refusals(t *testing.T) {
	v := startServer(t)
	reader := v.Login("reader", "")
	s := open(t, v, func(c *Config) { c.Token = dial.Secret(reader) })
	if got := versioned(fetch(t, s, watch.VaultSecret{Path: "secret/app"})); got != "v2" {
		t.Errorf("got %v", got)
	}
	for _, test := range []struct {
		query  watch.Query
		denied bool
		want   string
	}{
		{watch.VaultSecret{Path: "old/app"}, true, "permission denied"},
		{watch.VaultList{Path: "old"}, true, "permission denied"},
		{watch.VaultSecret{Path: "secret/app", Write: true, Data: `{"k":"hush-hush"}`}, true, "permission denied"},
		{watch.VaultSecret{Path: "nowhere/app"}, true, "permission denied"},
	} {
		_, err := s.Fetch(t.Context(), watch.Request{Query: test.query})
		if err == nil || errors.Is(err, watch.ErrDenied) != test.denied || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if strings.Contains(err.Error(), reader) || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("a secret is in: %v", err)
		}
	}
	for name, token := range map[string]string{"none": "", "an unknown one": "hvs.unknown"} {
		s := open(t, v, func(c *Config) { c.Token = dial.Secret(token) })
		if _, err := s.Fetch(t.Context(), watch.Request{Query: watch.VaultSecret{Path: "secret/app"}}); !errors.Is(err, watch.ErrDenied) {
			t.Errorf("token %s: %v", name, err)
		}
	}
}

// An outage is neither a refusal nor an absence.
func TestServer_Outage(t *testing.T) {
	v := startServer(t)
	s := open(t, v, nil)
	q := watch.VaultSecret{Path: "secret/app"}
	fetch(t, s, q)
	v.Kill()
	if _, err := s.Fetch(t.Context(), watch.Request{Query: q}); err == nil || errors.Is(err, watch.ErrDenied) || errors.Is(err, watch.ErrNotFound) {
		t.Errorf("an outage gives %v", err)
	}
	v.Start()
	if _, err := s.Fetch(t.Context(), watch.Request{Query: q}); !errors.Is(err, watch.ErrNotFound) {
		t.Errorf("an empty Vault gives %v", err)
	}
	v.Do("PUT", "secret/data/app", `{"data": {"k": "again"}}`)
	if got := versioned(fetch(t, s, q)); got != "again" {
		t.Errorf("got %v", got)
	}
	v.Do("PUT", "sys/seal", "")
	if _, err := s.Fetch(t.Context(), watch.Request{Query: q}); err == nil || errors.Is(err, watch.ErrDenied) || errors.Is(err, watch.ErrNotFound) || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("a sealed Vault gives %v", err)
	}
}

// token is what Vault tells of one.
type token struct {
	LastRenewal int64 `json:"last_renewal_time"`
	TTL         int
}

func lookUp(t *testing.T, v *parts.Vault, id string) token {
	t.Helper()
	var answer struct{ Data token }
	if err := json.Unmarshal([]byte(v.Do("POST", "auth/token/lookup", fmt.Sprintf(`{"token": %q}`, id))), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data
}

func TestServer_RenewsItsToken(t *testing.T) {
	v := startServer(t)
	reader := v.Login("reader", "", `"ttl": "5s"`)
	s := open(t, v, func(c *Config) { c.Token, c.Renew = dial.Secret(reader), true })
	defer runFor(t, s)()
	fetch(t, s, watch.VaultSecret{Path: "secret/app"})
	await(t, "the token is renewed", func() bool { return lookUp(t, v, reader).LastRenewal > 0 })
}

// A wrapping token serves once.
func TestServer_WrappedToken(t *testing.T) {
	v := startServer(t)
	wrapping := v.Login("reader", "60s")
	wrapped := func(c *Config) { c.Token, c.Unwrap = dial.Secret(wrapping), true }
	s := open(t, v, wrapped)
	q := watch.VaultSecret{Path: "secret/app"}
	fetch(t, s, q)
	fetch(t, s, q)
	_, err := open(t, v, wrapped).Fetch(t.Context(), watch.Request{Query: q})
	if err == nil || !strings.Contains(err.Error(), "wrapping token") || strings.Contains(err.Error(), wrapping) {
		t.Errorf("unwrapped twice: %v", err)
	}
}

// The file may hold a token, or what a Vault agent writes of a wrapped one.
func TestServer_TokenFile(t *testing.T) {
	v := startServer(t)
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(v.Login("reader", "") + "\n")
	s := open(t, v, func(c *Config) { c.Token, c.TokenFile = "", file })
	defer runFor(t, s)()
	q := watch.VaultSecret{Path: "old/app"}
	if _, err := s.Fetch(t.Context(), watch.Request{Query: q}); !errors.Is(err, watch.ErrDenied) {
		t.Errorf("got %v", err)
	}
	v.Do("PUT", "old/app", `{"k": "v"}`)
	v.Do("PUT", "sys/policies/acl/writer", `{"policy": "path \"old/*\" { capabilities = [\"read\"] }"}`)
	renewed := s.Renewed()
	write(fmt.Sprintf(`{"token": %q, "ttl": 60, "creation_time": "2026-01-01T00:00:00Z", "creation_path": "auth/token/create"}`, v.Login("writer", "60s")))
	<-renewed
	if got := dataOf(fetch(t, s, q))["k"]; got != "v" {
		t.Errorf("got %v", got)
	}
}

// A token that a template has made stays the same while it can be renewed.
func TestServer_Leases(t *testing.T) {
	v := startServer(t)
	s := open(t, v, nil)
	q := watch.VaultSecret{Path: "auth/token/create", Write: true, Data: `{"policies":"default","ttl":"3s","explicit_max_ttl":"20s"}`}
	first := fetch(t, s, q)
	made := first.Value.(*watch.Secret).Auth
	if made == nil || !made.Renewable || made.LeaseDuration != 3 || first.Poll < time.Second || first.Poll > 3*time.Second {
		t.Fatalf("got %+v, polls after %v", made, first.Poll)
	}
	await(t, "the token is renewed", func() bool {
		if reply := fetch(t, s, q); reply.Value != first.Value {
			t.Fatal("another token was made before its time")
		}
		return lookUp(t, v, made.ClientToken).LastRenewal > 0
	})
	v.Do("POST", "auth/token/revoke", fmt.Sprintf(`{"token": %q}`, made.ClientToken))
	await(t, "another token is made", func() bool { return fetch(t, s, q).Value != first.Value })
}

// startPKI makes an authority at pki/ whose role web issues for example.
func startPKI(t *testing.T, v *parts.Vault) {
	t.Helper()
	v.Do("POST", "sys/mounts/pki", `{"type": "pki", "config": {"max_lease_ttl": "8760h"}}`)
	v.Do("POST", "pki/root/generate/internal", `{"common_name": "Test CA", "ttl": "8760h", "key_type": "ec"}`)
	v.Do("POST", "pki/roles/web", `{"allowed_domains": ["example"], "allow_subdomains": true, "max_ttl": "72h", "key_type": "ec", "generate_lease": true}`)
}

// Each call issues another one, and errors name what was asked for but no secret.
func TestServer_Issue(t *testing.T) {
	v := startServer(t)
	startPKI(t, v)
	v.Do("PUT", "sys/policies/acl/issuer", `{"policy": "path \"pki/issue/web\" { capabilities = [\"update\"] }"}`)
	token := v.Login("issuer", "")
	s := open(t, v, func(c *Config) { c.Token = dial.Secret(token) })
	var serials []string
	for range 2 {
		issued, err := s.Issue(t.Context(), "/pki/issue/web/", "a.example")
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair([]byte(issued.Cert), []byte(issued.Key))
		if err != nil || len(issued.CAChain) == 0 || pair.Leaf.VerifyHostname("a.example") != nil {
			t.Fatalf("issued %+v, error %v", issued, err)
		}
		serials = append(serials, pair.Leaf.SerialNumber.String())
	}
	if serials[0] == serials[1] {
		t.Error("one certificate was issued twice")
	}
	for _, test := range []struct {
		path, name, want string
		denied           bool
	}{
		{"pki/issue/web", "a.elsewhere", "a.elsewhere", false},
		{"pki/issue/other", "a.example", "permission denied", true},
	} {
		_, err := s.Issue(t.Context(), test.path, test.name)
		if err == nil || errors.Is(err, watch.ErrDenied) != test.denied || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), token) {
			t.Errorf("%s %s: %v", test.path, test.name, err)
		}
	}
}

func TestServer_Certificate(t *testing.T) {
	v := startServer(t)
	startPKI(t, v)
	file := filepath.Join(t.TempDir(), "web.pem")
	q := watch.VaultCertificate{Path: "pki/issue/web", Data: `{"common_name":"a.example","ttl":"10h"}`, File: file}
	issuedSoFar := func() int {
		var answer struct{ Data struct{ Keys []string } }
		if err := json.Unmarshal([]byte(v.Do("LIST", "pki/certs", "")), &answer); err != nil {
			t.Fatal(err)
		}
		return len(answer.Data.Keys)
	}
	before := issuedSoFar()
	reply := fetch(t, open(t, v, nil), q)
	got := reply.Value.(*watch.IssuedCertificate)
	if reply.Poll < 8*time.Hour || reply.Poll > 10*time.Hour || len(got.CAChain) != 1 || got.CA != got.CAChain[0] || got.Key == "" {
		t.Errorf("got %+v, polls after %v", got, reply.Poll)
	}
	if err := os.WriteFile(file, []byte(got.Key+got.Cert+got.CA), 0o600); err != nil {
		t.Fatal(err)
	}
	again := fetch(t, open(t, v, nil), q).Value.(*watch.IssuedCertificate)
	if n := issuedSoFar() - before; n != 1 || again.Cert != got.Cert {
		t.Errorf("%d certificates were issued", n)
	}
	_, err := open(t, v, nil).Fetch(t.Context(), watch.Request{Query: watch.VaultCertificate{Path: "pki/issue/web", Data: `{"common_name":"a.elsewhere"}`}})
	if err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("a foreign name: %v", err)
	}

	// As a plain secret it has a lease, and is not issued by each request.
	s := open(t, v, nil)
	written := watch.VaultSecret{Path: "pki/issue/web", Write: true, Data: `{"common_name":"b.example","ttl":"1h"}`}
	one := fetch(t, s, written)
	if secret := one.Value.(*watch.Secret); !strings.HasPrefix(secret.LeaseID, "pki/issue/web/") || secret.Renewable || fetch(t, s, written).Value != one.Value {
		t.Errorf("got %+v", secret)
	}
	if one.Poll < 50*time.Minute || one.Poll > time.Hour {
		t.Errorf("polls after %v", one.Poll)
	}
}
