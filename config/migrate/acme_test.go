package migrate

import (
	"encoding/base64"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
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
  dns:
    acme: {email: ops@example.com, dnsChallenge: {provider: route53}, tlsChallenge: {}}
  wild:
    acme:
      email: ops@example.com
      storage: acme.json
      profile: tlsserver
      certificatesDuration: 2160
      emailAddresses: [ops@example.com]
      caServerName: ca.example.com
      dnsChallenge:
        provider: cloudflare
        resolvers: ["1.1.1.1:53", 8.8.8.8]
        propagation: {delayBeforeChecks: 30s, disableANSChecks: true, requireAllRNS: true}
  bad: {acme: {email: ops@example.com, storage: bad.json, dnsChallenge: {provider: rfc2136, delayBeforeCheck: 5, disablePropagationCheck: true}}}
  nobody: {acme: {tlsChallenge: {}}}
  none: {acme: {email: ops@example.com}}
providers: {consulCatalog: {}}
http:
  routers:
    a: {rule: Host(`+"`a.example.com`"+`), service: s, tls: {certResolver: le, domains: [{main: b.example.com}]}}
    b: {rule: Host(`+"`b.example.com`"+`), service: s, tls: {certResolver: dns}}
    w: {rule: Host(`+"`w.example.com`"+`), service: s, tls: {certResolver: wild, domains: [{main: example.org, sans: ["*.example.org"]}]}}
  services: {s: {loadBalancer: {servers: [{url: http://10.0.0.1}]}}}
tcp:
  routers:
    c: {rule: HostSNI(`+"`c.example.com`"+`), service: s, entryPoints: [websecure], tls: {certResolver: le}}
  services: {s: {loadBalancer: {servers: [{address: "10.0.0.1:1"}]}}}
`)
	pair, err := tlsconf.SelfSigned("w.example.com")
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	write("acme.json", `{"wild": {"Certificates": [{"domain": {"main": "w.example.com"}, "certificate": "`+encode(pair.Cert)+`", "key": "`+encode(pair.Key)+`"},
		{"domain": {"main": "broken.example.com"}, "certificate": "`+encode(pair.Cert)+`", "key": "AAAA"}]}}`)
	if err := os.Chmod("acme.json", 0o644); err != nil {
		t.Fatal(err)
	}
	write("bad.json", "{")
	text, notes := runMigrate(t, "a.yml")
	for _, want := range []string{
		"a.yml:9: entryPoints.websecure.http.tls.domains[0]: *.example.com is left out", "/data/acme.json is not here, so that certificates are ordered anew",
		`certificatesResolvers.dns is left out: dns: provider: "route53" is none of `, `for all others, "exec" runs a program`,
		"of acme.json is left out: the certificate of broken.example.com: tls: failed to find any PEM data in key input",
		"others may read acme.json, which has keys: its mode is 644", "nothing of bad.json is taken over: bad.json: line 1: it is no JSON",
		"certificatesResolvers.wild.acme.emailAddresses has no equivalent", "certificatesResolvers.wild.acme.caServerName has no equivalent",
		"certificatesResolvers.nobody is left out: email is missing",
		"certificatesResolvers.none is left out: it has no challenge", "the listener other has the certificates of files alone: there is no resolver dns",
		"route b has the certificates of files alone",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not among the notes:\n%s", want, notes)
		}
	}
	for _, want := range []string{
		"# its credentials are in the same environment variables as there\n      provider ", "# taken over at the first start: no account, 1 certificates, of which 0 have ended\n    import ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the file:\n%s", want, text)
		}
	}
	c := configtest.Text(t, text)
	if len(c.LB.ACME) != 3 {
		t.Fatalf("authorities: %+v", c.LB.ACME)
	}
	checkAuthoritiesByDNS(t, c.LB.ACME[2], c.LB.ACME[1])
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
	if r := c.Routes; len(r) != 3 || r[0].CertResolver != "le" || r[1].CertResolver != "" || !r[1].TLS {
		t.Errorf("routes %+v", r)
	}
	if r := c.TCPRoutes; len(r) != 1 || r[0].CertResolver != "le" {
		t.Errorf("routes of connections %+v", r)
	}
}

func checkAuthoritiesByDNS(t *testing.T, bad, wild config.ACME) {
	t.Helper()
	if got, want := bad.DNS, (config.ACMEDNS{Provider: "rfc2136", Delay: 5 * time.Second, DisableChecks: true}); bad.Challenge != "dns" || !reflect.DeepEqual(got, want) {
		t.Errorf("got %s %+v, want %+v", bad.Challenge, got, want)
	}
	want := config.ACMEDNS{Provider: "cloudflare", Resolvers: []string{"1.1.1.1:53", "8.8.8.8"}, Delay: 30 * time.Second, DisableANS: true, RequireRNS: true}
	if got := wild.DNS; wild.Challenge != "dns" || !reflect.DeepEqual(got, want) {
		t.Errorf("got %s %+v, want %+v", wild.Challenge, got, want)
	}
	if wild.Profile != "tlsserver" || wild.Import != "acme.json" || bad.Import != "" || !slices.Equal(wild.Domains, []string{"example.org", "*.example.org"}) {
		t.Errorf("got %+v and %+v", wild, bad)
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
