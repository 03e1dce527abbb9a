package main

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
)

// Authorities are taken over with what names them; without those that cannot be,
// what names them goes on.
func TestMigrateACME(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yml", `entryPoints:
  web: {address: ":80"}
  websecure:
    address: ":443"
    http:
      tls:
        certResolver: le
        domains:
          - main: example.com
            sans: [www.example.com, "*.example.com"]
  other:
    address: ":8443"
    http: {tls: {certResolver: dns}}
certificatesResolvers:
  le:
    acme:
      email: ops@example.com
      caServer: https://ca.example.com/directory
      storage: /data/acme.json
      keyType: EC384
      preferredChain: Root X1
      caCertificates: [ca.pem]
      eab: {kid: k1, hmacEncoded: c2VjcmV0}
      httpChallenge: {entryPoint: web}
  dns: {acme: {email: ops@example.com, dnsChallenge: {provider: route53}}}
  nobody: {acme: {tlsChallenge: {}}}
  none: {acme: {email: ops@example.com}}
providers: {consulCatalog: {}}
http:
  routers:
    a: {rule: Host(`+"`a.example.com`"+`), service: s, tls: {certResolver: le, domains: [{main: b.example.com}]}}
    b: {rule: Host(`+"`b.example.com`"+`), service: s, tls: {certResolver: dns}}
  services: {s: {loadBalancer: {servers: [{url: http://10.0.0.1}]}}}
tcp:
  routers:
    c: {rule: HostSNI(`+"`c.example.com`"+`), service: s, entryPoints: [websecure], tls: {certResolver: le}}
  services: {s: {loadBalancer: {servers: [{address: "10.0.0.1:1"}]}}}
`)
	text, notes := runMigrate(t, "a.yml")
	for _, want := range []string{
		"a.yml:9: entryPoints.websecure.http.tls.domains[0]: *.example.com is left out", "what /data/acme.json holds is not taken over",
		"certificatesResolvers.dns is left out: challenges by DNS", "certificatesResolvers.nobody is left out: email is missing",
		"certificatesResolvers.none is left out: it has no challenge", "the listener other has the certificates of files alone: there is no resolver dns",
		"route b has the certificates of files alone",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not among the notes:\n%s", want, notes)
		}
	}
	c := configtest.Text(t, text)
	if len(c.LB.ACME) != 1 {
		t.Fatalf("authorities: %+v", c.LB.ACME)
	}
	got := c.LB.ACME[0]
	want := config.ACME{
		Origin: got.Origin, Name: "le", Email: "ops@example.com", CA: "https://ca.example.com/directory", CARoot: "ca.pem", KeyType: "ec384",
		PreferredChain: "Root X1", EAB: config.ACMEBinding{KeyID: "k1", HMAC: "c2VjcmV0"}, Challenge: "http", Entrypoint: "web", Storage: config.ACMEConsul,
	}
	if domains := got.Domains; !slices.Equal(domains, []string{"example.com", "www.example.com", "b.example.com"}) {
		t.Errorf("domains %q", domains)
	}
	if got.Domains = nil; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if l := c.LB.Listeners; len(l) != 3 || l[1].Option("certresolver") != "le" || l[2].Option("certresolver") != "" || l[2].Option("cs") != migrated {
		t.Errorf("listeners %v", l)
	}
	if r := c.Routes; len(r) != 2 || r[0].CertResolver != "le" || r[1].CertResolver != "" || !r[1].TLS {
		t.Errorf("routes %+v", r)
	}
	if r := c.TCPRoutes; len(r) != 1 || r[0].CertResolver != "le" {
		t.Errorf("routes of connections %+v", r)
	}
}

func TestMigrateACMEOf1(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.toml", []byte(`defaultEntryPoints = ["https"]
[entryPoints.http]
address = ":80"
[entryPoints.https]
address = ":443"
[entryPoints.https.tls]
[acme]
email = "ops@example.com"
storage = "acme.json"
entryPoint = "https"
onHostRule = true
onDemand = true
[acme.tlsChallenge]
[[acme.domains]]
main = "example.com"
sans = ["www.example.com"]
[file]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	text, notes := runMigrate(t, "a.toml")
	if !strings.Contains(notes, "acme.onDemand has no equivalent") {
		t.Errorf("notes: %s", notes)
	}
	c := configtest.Text(t, text)
	if l := c.LB.Listeners; len(l) != 2 || l[1].Option("certresolver") != acmeOf1 {
		t.Errorf("listeners %v", l)
	}
	// There is no Consul.
	if a := c.LB.ACME; len(a) != 1 || a[0].Challenge != "tls-alpn" || a[0].KeyType != "rsa4096" || a[0].Storage != config.ACMEFile || a[0].Folder != "acme" ||
		!slices.Equal(a[0].Domains, []string{"example.com", "www.example.com"}) {
		t.Errorf("authorities %+v", a)
	}
}
