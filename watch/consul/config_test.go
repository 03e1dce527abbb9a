package consul

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestConfigFromEnv(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		want Config
		err  string
	}{
		{"nothing", nil, Config{SSL: SSL{Enabled: Off}}, ""},
		{"all", map[string]string{
			"CONSUL_HTTP_ADDR": "https://c:8501", "CONSUL_HTTP_TOKEN": "t", "CONSUL_HTTP_TOKEN_FILE": "tf",
			"CONSUL_HTTP_SSL": "1", "CONSUL_HTTP_SSL_VERIFY": "false", "CONSUL_CACERT": "ca", "CONSUL_CAPATH": "cap",
			"CONSUL_CLIENT_CERT": "cc", "CONSUL_CLIENT_KEY": "ck", "CONSUL_TLS_SERVER_NAME": "sn",
			"CONSUL_HTTP_AUTH": "u:p:w", "CONSUL_NAMESPACE": "ns", "CONSUL_PARTITION": "pa",
		}, Config{
			Address: "https://c:8501", Token: "t", TokenFile: "tf", Auth: Auth{"u", "p:w"}, Namespace: "ns", Partition: "pa",
			SSL: SSL{Enabled: On, Verify: Off, CACert: "ca", CAPath: "cap", Cert: "cc", Key: "ck", ServerName: "sn"},
		}, ""},
		{"the shorter token names win", map[string]string{
			"CONSUL_HTTP_TOKEN": "a", "CONSUL_TOKEN": "b", "CONSUL_HTTP_TOKEN_FILE": "c", "CONSUL_TOKEN_FILE": "d",
		}, Config{Token: "b", TokenFile: "d", SSL: SSL{Enabled: Off}}, ""},
		{"a certificate alone does not switch TLS on", map[string]string{"CONSUL_CACERT": "ca"}, Config{SSL: SSL{Enabled: Off, CACert: "ca"}}, ""},
		{"name without password", map[string]string{"CONSUL_HTTP_AUTH": "u"}, Config{Auth: Auth{Username: "u"}, SSL: SSL{Enabled: Off}}, ""},
		{"bad boolean", map[string]string{"CONSUL_HTTP_SSL": "maybe"}, Config{}, `CONSUL_HTTP_SSL="maybe" is not a boolean`},
		{"every fault is told", map[string]string{"CONSUL_HTTP_SSL_VERIFY": "x", "CONSUL_HTTP_AUTH": ":p"}, Config{}, "CONSUL_HTTP_AUTH: consul auth"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ConfigFromEnv(func(name string) string { return test.env[name] })
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got error %v, want %q in it", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfig_Over(t *testing.T) {
	env := Config{
		Address: "env:1", Token: "env", TokenFile: "envfile", Auth: Auth{"env", "p"}, Namespace: "env",
		SSL: SSL{Enabled: Off, Verify: Off, CACert: "envca", Cert: "envcert", Key: "envkey"},
	}
	for _, test := range []struct {
		name   string
		over   Config
		expect func(*Config)
	}{
		{"nothing set", Config{}, func(*Config) {}},
		{"address", Config{Address: "a:1"}, func(c *Config) { c.Address = "a:1" }},
		{"a token beats the environment's file", Config{Token: "t"}, func(c *Config) { c.Token, c.TokenFile = "t", "" }},
		{"auth is replaced as a whole", Config{Auth: Auth{Username: "u"}}, func(c *Config) { c.Auth = Auth{Username: "u"} }},
		{"mention enables", Config{SSL: SSL{Verify: On}}, func(c *Config) { c.SSL.Enabled, c.SSL.Verify = On, On }},
		{"unless switched off", Config{SSL: SSL{Enabled: Off, Verify: On}}, func(c *Config) { c.SSL.Verify = On }},
		{"a folder replaces the file", Config{SSL: SSL{CAPath: "dir"}}, func(c *Config) { c.SSL.Enabled, c.SSL.CACert, c.SSL.CAPath = On, "", "dir" }},
		{"a certificate does not get another's key", Config{SSL: SSL{Cert: "x"}}, func(c *Config) { c.SSL.Enabled, c.SSL.Cert, c.SSL.Key = On, "x", "" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := env
			test.expect(&want)
			if diff := cmp.Diff(want, test.over.Over(env)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNew_Faults(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{TokenFile: dir + "/none"}, "reading the consul token: stat " + dir + "/none: no such file"},
		{Config{TokenFile: dir}, "reading the consul token: read " + dir},
		{Config{Address: "gopher://x"}, "unknown scheme"},
		{Config{Address: "unix://"}, "lacks the socket's path"},
		{Config{Address: "a b:c"}, "is not host:port"},
		{Config{Address: "http://u:secret@h"}, "must not hold a password"},
		{Config{Mode: "fast"}, `mode "fast"`},
		{Config{MaxConnections: -1}, "max_connections"},
		{Config{SSL: SSL{Key: "k"}}, "key is set without a cert"},
		{Config{SSL: SSL{CACert: dir + "/ca"}}, "setting up TLS to consul"},
		{Config{SSL: SSL{Cert: dir + "/cert"}}, "setting up TLS to consul: open " + dir + "/cert"},
	} {
		_, err := New(test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q in it", err, test.want)
		}
	}
}

func TestParseAddress_RefusesQueries(t *testing.T) {
	for _, text := range []string{"http://c:1?token=x", "c:1/#x", "unix:///s?x", "http://c:1?"} {
		if _, err := parseAddress(text, false); err == nil || !strings.Contains(err.Error(), "must not hold a query (?…) or a fragment (#…)") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for _, test := range []struct {
		text        string
		ssl         bool
		base, shown string
	}{
		{"127.0.0.1:8500", false, "http://127.0.0.1:8500", "http://127.0.0.1:8500"},
		{"[::1]:8500", false, "http://[::1]:8500", "http://[::1]:8500"},
		{"consul", true, "https://consul", "https://consul"},
		{"http://c:1", true, "https://c:1", "https://c:1"},
		{"https://c:1/some/prefix/", false, "https://c:1/some/prefix", "https://c:1/some/prefix"},
		{"unix:///run/consul.sock", false, "http://localhost", "unix:///run/consul.sock"},
		{"unix:///run/consul.sock", true, "https://localhost", "unix:///run/consul.sock"},
	} {
		a, err := parseAddress(test.text, test.ssl)
		if err != nil || a.base != test.base || a.shown != test.shown {
			t.Errorf("%s: %+v, %v", test.text, a, err)
		}
	}
}

func TestSecret_NeverShows(t *testing.T) {
	c := struct{ Token dial.Secret }{planted}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s %q", c, c, c.Token, c.Token), string(encoded)} {
		if strings.Contains(text, planted) || !strings.Contains(text, "***") {
			t.Errorf("shows as %s", text)
		}
	}
	if dial.Secret("").String() != "" {
		t.Error("the empty secret shows as set")
	}
}

func TestTokenFile_FollowsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sent := func(c *canned) string { return c.last(t).Header.Get("X-Consul-Token") }
	write("first\n")
	server := serve(t, 200, `[]`, nil)
	s := newSource(t, Config{Address: server.URL, Token: "fixed", TokenFile: file})
	fetch(t, s, watch.Nodes{})
	if got := sent(server); got != "first" {
		t.Errorf("sent %q, want the file's token without its newline", got)
	}
	write("the second")
	fetch(t, s, watch.Nodes{})
	if got := sent(server); got != "the second" {
		t.Errorf("sent %q after the file changed", got)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	fetch(t, s, watch.Nodes{})
	if got := sent(server); got != "the second" {
		t.Errorf("sent %q while the file is missing", got)
	}
}

// A file rewritten with the same size within the clock's grain looks
// unchanged; the refusal of the old token gives it away.
func TestTokenFile_IsReadAgainAfterRefusal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, 403, ``, nil)
	s := newSource(t, Config{Address: server.URL, TokenFile: file})
	if err := os.WriteFile(file, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}}); err == nil {
		t.Fatal("no error")
	}
	var tokens []string
	for _, r := range server.requests {
		tokens = append(tokens, r.Header.Get("X-Consul-Token"))
	}
	if diff := cmp.Diff([]string{"old", "new"}, tokens); diff != "" {
		t.Error(diff)
	}
}

func TestUserAgent(t *testing.T) {
	server := serve(t, 200, "[]", nil)
	s := newSource(t, Config{Address: server.URL, UserAgent: "team/1"}.Over(Config{UserAgent: "other"}))
	if _, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}}); err != nil {
		t.Fatal(err)
	}
	if got := server.last(t).UserAgent(); got != "team/1" {
		t.Errorf("the request calls us %q", got)
	}
}
