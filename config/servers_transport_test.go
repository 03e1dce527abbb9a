package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/transport"
)

func TestServersTransports(t *testing.T) {
	c := parsed(t, `transport "Inner" { insecure_skip_verify = true server_name = "x" min_version = "tls13" }`)
	o, err := c.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	want := transport.Transport{Name: "Inner", SkipVerify: true, ServerName: "x", MinVersion: 0x304}.ID()
	if o.Table.Tags.Transports["inner"] != want {
		t.Errorf("transports %v", o.Table.Tags.Transports)
	}
	if fixed := new(Config).FixedSettings(c); strings.Contains(strings.Join(fixed, " "), "transport") {
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
		if err := c.LoadText("test.hcl", []byte(stanza)); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "test.hcl:") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want %q", stanza, err, want)
		}
	}
}
