package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/transport"
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
		`transport "a@b" { }`:                                                   "holds an @",
		`transport "a" { min_version = "2" }`:                                   "min_version",
		`transport "a" { root_cas = ["/none.pem"] }`:                            "root_cas: open /none.pem",
		`transport "a" { root_cas = ["` + empty + `"] }`:                        "holds no certificate in PEM",
		`transport "a" { certificate = "x" }`:                                   "certificate and key go together",
		`transport "a" { certificate = "x" key = "y" }`:                         "certificate: open x",
		`transport "a" { certificate = "` + empty + `" key = "` + empty + `" }`: "certificate " + empty + " with key",
		"transport \"a\" { }\ntransport \"A\" { }":                              "transport",
	} {
		c := DefaultConfig()
		if err := c.loadText("test.hcl", []byte(stanza)); err != nil {
			t.Fatal(err)
		}
		c.settle()
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "test.hcl:1") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want %q", stanza, err, want)
		}
	}
}

func TestMigratedServersTransports(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yml")
	if err := os.WriteFile(path, []byte(`http:
  serversTransports:
    inner:
      serverName: x
      minVersion: VersionTLS13
      rootCAs: [ca.pem]
      certificates:
        - certFile: a.pem
          keyFile: a.key
    odd:
      insecureSkipVerify: true
      peerCertURI: spiffe://x
`), 0o600); err != nil {
		t.Fatal(err)
	}
	text, notes := runMigrate(t, path)
	for _, want := range []string{
		`transport "inner"`, `server_name = "x"`, `min_version = "VersionTLS13"`, `root_cas = [`, `certificate = "a.pem"`, `key = "a.key"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `transport "odd"`) || !strings.Contains(text+notes, "the servers transport odd is left out") {
		t.Errorf("one that cannot be taken over:\n%s\n%s", text, notes)
	}
}
