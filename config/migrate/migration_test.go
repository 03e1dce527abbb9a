package migrate

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/config/fabio"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// runMigrate is what sluice migrate writes.
func runMigrate(t *testing.T, args ...string) (text, notes string) {
	t.Helper()
	kind := ""
	if args[0] == "-kind" {
		kind, args = args[1], args[2:]
	}
	made, err := Files(kind, args, configtest.NoEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range made.Notes {
		notes += note + "\n"
	}
	if made.Faults != nil {
		notes += "to be mended in the result: " + strings.ReplaceAll(made.Faults.Error(), "\n", "\nto be mended in the result: ") + "\n"
	}
	return made.Text, notes
}

// Each sample becomes what its golden file has, which is a valid configuration.
func TestMigrateSamples(t *testing.T) {
	golden := "../config/migrate/testdata/"
	t.Chdir("../../examples")
	for name, files := range map[string][]string{
		"fabio":    {"migrate/fabio.properties"},
		"traefik1": {"migrate/traefik1.toml"},
		"traefik":  {"migrate/traefik.yml", "migrate/dynamic.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			text, notes := runMigrate(t, files...)
			configtest.Golden(t, golden+name+".hcl", text)
			configtest.Golden(t, golden+name+".notes", notes)
			c := configtest.Text(t, text)
			if _, err := c.ServerOptions(); err != nil {
				t.Error(err)
			}
		})
	}
}

// comparable leaves out what cannot be compared.
var comparable = gocmp.Options{
	cmpopts.IgnoreFields(lb.ServerOptions{}, "Table", "Logger", "AccessLog"),
	cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
}

// What is migrated of Fabio is what -fabio reads, setting by setting.
func TestMigratedFabioIsWhatFabioSays(t *testing.T) {
	text, _ := runMigrate(t, "../../examples/migrate/fabio.properties")
	want := config.DefaultConfig()
	settings := fabio.Settings{Path: "../../examples/migrate/fabio.properties"}
	if err := settings.Load(&want, configtest.NoEnv); err != nil {
		t.Fatal(err)
	}
	want.Settle()
	got := configtest.Text(t, text)
	a, err := want.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	b, err := got.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(a, b, comparable); diff != "" {
		t.Errorf("server: -fabio +migrated:\n%s", diff)
	}
	for _, c := range []*config.Config{&want, &got} { // compared above; they know where they stand
		c.LB.Listeners, c.LB.Certificates, c.Warnings = nil, nil, nil
		for i := range c.Admin.MetricsPush {
			c.Admin.MetricsPush[i].Origin = ""
		}
	}
	if diff := gocmp.Diff(configtest.Dump(want), configtest.Dump(got)); diff != "" {
		t.Errorf("-fabio +migrated:\n%s", diff)
	}
}

// What is no configuration of a load balancer is told from one, with its line.
func TestMigrateRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		name, file, text, kind, want string
	}{
		{name: "empty", file: "a.yml", want: "a.yml has no settings: what can be migrated"},
		{name: "comments alone", file: "a.toml", text: "# nothing\n", want: "a.toml has no settings"},
		{name: "no properties", file: "fabio.properties", text: "# nothing\n", want: "fabio.properties has no settings"},
		{name: "of something else", file: "a.yml", text: "version: 3\nservices:\n  web:\n    image: x\n", want: "a.yml:1: version is a setting of no known load balancer"},
		{name: "prose", file: "a.txt", text: "\nno configuration\n", want: "a.txt:2: there is no key in front of a colon"},
		{name: "YAML", file: "a.yml", text: "http:\n\trouters:\n", want: "a.yml:2: found character"},
		{name: "a key twice", file: "a.yml", text: "entryPoints:\n  web: {}\n  web: {}\n", want: `a.yml:3: key "web" already set`},
		{name: "TOML", file: "a.toml", text: "x = 1\n[http\n", want: "a.toml:2: expected"},
		{name: "binary", file: "a.yml", text: "\x7fELF\xff\xfe", want: "a.yml is not a text in UTF-8"},
		{name: "another kind", file: "a.yml", text: "providers: {}\n", kind: "traefik1", want: "a.yml is of Traefik 2 or 3, not of Traefik 1"},
		{name: "an older kind", file: "a.toml", text: "[frontends]\n[consulCatalog]\n", kind: "traefik", want: "a.toml is of Traefik 1, not of its successors"},
		{name: "not of Fabio", file: "a.yml", text: "http: {}\n", kind: "fabio", want: "a.yml has no property of Fabio"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(tt.file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			made, err := Files(tt.kind, []string{tt.file}, configtest.NoEnv)
			if err == nil || !strings.Contains(err.Error(), tt.want) || made.Text != "" {
				t.Errorf("%v and %q, want %q", err, made.Text, tt.want)
			}
		})
	}
}

// A listener is for connections if only their routes name it, in whichever file.
func TestMigrateListenersOfConnections(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{
		"a.yml": "entryPoints:\n  pg:\n    address: \":5432\"\n  web:\n    address: \":80\"\n",
		"b.yml": "tcp:\n  routers:\n    db:\n      rule: HostSNI(`*`)\n      entryPoints: [pg]\n      service: db\n  services:\n    db:\n      loadBalancer:\n        servers:\n          - address: 10.0.0.1:5432\n            weight: 2\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := configtest.Text(t, first(runMigrate(t, "a.yml", "b.yml")))
	if got := c.LB.Listeners; len(got) != 2 || got[0].Text != ":5432;name=pg;proto=tcp" || got[1].Text != ":80;name=web" {
		t.Errorf("listeners %v", got)
	}
	if got := c.TCPRoutes; len(got) != 1 || got[0].Targets[0] != "10.0.0.1:5432 weight=2" {
		t.Errorf("routes %v", got)
	}
}

func first(text, _ string) string { return text }

// What files of Traefik declare others may name. Of what two declare, the first counts.
func TestMigrateFilesTogether(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{
		"a.yml": "entryPoints:\n  web:\n    address: \":80\"\n  odd:\n    address: \":81\"\ntls:\n  certificates:\n    - certFile: a.pem\n",
		"b.yml": "http:\n  routers:\n    r:\n      rule: Host(`b`)\n      service: s\n      entryPoints: [odd]\n      tls: {}\ntls:\n  certificates:\n    - certFile: b.pem\n",
		"c.yml": "http:\n  routers:\n    r:\n      rule: Host(`c`)\n      service: s\n  services:\n    s:\n      loadBalancer:\n        servers:\n          - url: http://a\n          - url: http://b\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, notes := runMigrate(t, "a.yml", "b.yml", "c.yml")
	if want := "c.yml:4: http.routers.r is left out: it is in b.yml as well, which counts\n"; !strings.HasPrefix(notes, want) {
		t.Errorf("notes: %s", notes)
	}
	c := config.DefaultConfig()
	if err := c.LoadText("result", []byte(text)); err != nil {
		t.Fatal(err)
	}
	if r := c.Routes; len(r) != 1 || r[0].Rule != "Host(`b`)" || len(r[0].Targets) != 2 {
		t.Errorf("routes %+v", r)
	}
	if l := c.LB.Listeners; len(l) != 2 || !strings.Contains(l[1].Text, "cs="+migrated) {
		t.Errorf("listeners %v", l)
	}
	if files := c.LB.Certificates; len(files) != 1 || !slices.Equal(files[0].Cert, []string{"a.pem", "b.pem"}) {
		t.Errorf("certificates %v", files)
	}
}

// What Traefik 1 has in frontends becomes middlewares, in its order.
func TestMigrateFrontends(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.toml", []byte(frontends), 0o600); err != nil {
		t.Fatal(err)
	}
	text, notes := runMigrate(t, "a.toml")
	if notes != "" {
		t.Errorf("notes: %s", notes)
	}
	loaded := configtest.Text(t, text)
	c := loaded.Static()
	want := []spec.Middleware{
		&spec.Errors{Status: []string{"500-599"}, Service: "pages", Query: "/{status}.html"},
		&spec.Headers{Request: map[string]string{"X-One": "1"}, AllowedHosts: []string{"a.example.com"}, STSSeconds: 300, SSLRedirect: true},
		&spec.BasicAuth{Users: []string{"u:$apr1$x"}},
		&spec.RateLimit{Average: 100, Period: 10 * time.Second, Burst: 200, Source: &spec.SourceCriterion{IPStrategy: &spec.IPStrategy{}}},
	}
	var got []spec.Middleware
	for _, name := range c.Routes[0].Middlewares {
		i := slices.IndexFunc(c.Middlewares, func(m tags.StaticMiddleware) bool { return m.Name == name })
		got = append(got, c.Middlewares[i].Spec)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("middlewares: -want +got:\n%s", diff)
	}
	if len(c.Services) != 1 || c.Services[0].Name != "pages" || c.Services[0].Targets[0] != "http://10.0.0.2:80 weight=2" {
		t.Errorf("services: %+v", c.Services)
	}
}

const frontends = `
[frontends]
  [frontends.a]
  backend = "b"
    [frontends.a.routes.r]
    rule = "Host:a.example.com"
    [frontends.a.headers]
    SSLRedirect = true
    STSSeconds = 300
    allowedHosts = ["a.example.com"]
      [frontends.a.headers.customRequestHeaders]
      X-One = "1"
    [frontends.a.errors.network]
    status = ["500-599"]
    backend = "pages"
    query = "/{status}.html"
    [frontends.a.errors.own]
    status = ["404"]
    backend = "b"
    query = "/"
    [frontends.a.rateLimit]
    extractorFunc = "client.ip"
      [frontends.a.rateLimit.rateSet.slow]
      period = "10s"
      average = 100
      burst = 200
    [frontends.a.auth.basic]
    users = ["u:$apr1$x"]
[backends.b.servers.one]
url = "http://10.0.0.1:80"
[backends.pages.servers.one]
url = "http://10.0.0.2:80"
weight = 2
`

// Composed services become stanzas that say the same, with their parts and the
// services of error pages.
func TestMigrateComposedServices(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.yml", []byte(composedServices), 0o600); err != nil {
		t.Fatal(err)
	}
	text, notes := runMigrate(t, "a.yml")
	if notes != "" {
		t.Errorf("notes: %s", notes)
	}
	c := configtest.Text(t, text)
	health := spec.DefaultHealthCheck()
	health.Path = "/ok"
	want := map[string]tags.StaticService{
		"one": {Targets: []string{"http://10.0.0.1:80"}},
		"two": {Targets: []string{"http://10.0.0.2:80 weight=2"}, RewriteHost: true, Balance: &spec.LoadBalancer{Health: health}},
		"both": {Composed: &spec.Composition{Weighted: &spec.Weighted{
			Services: []spec.WeightedService{{Name: "one", Weight: 3}, {Name: "two", Weight: 1}, {Name: "tagged@consulcatalog"}},
			Sticky:   &spec.Sticky{Cookie: &spec.Cookie{}},
		}}},
		"shadow": {Composed: &spec.Composition{Mirroring: &spec.Mirroring{
			Service: "one", Mirrors: []spec.Mirror{{Name: "near", Percent: 10}}, MaxBodySize: 1 << 20,
		}}},
		"near": {Composed: &spec.Composition{Highest: &spec.WeightedServices{Services: []spec.WeightedService{{Name: "two", Weight: 1}}}}},
		"app": {Composed: &spec.Composition{Failover: &spec.Failover{
			Service: "both", Fallback: "shadow", HealthCheck: true, Errors: &spec.FailoverErrors{Status: []string{"503"}, MaxRequestBody: 2 << 20},
		}}},
	}
	got := map[string]tags.StaticService{}
	for _, s := range c.Static().Services {
		name := s.Name
		s.Name, s.Source = "", ""
		got[name] = s
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("services: -want +got:\n%s", diff)
	}
	if r := c.Routes; len(r) != 2 || r[0].Service != "app" || r[1].Targets[0] != "http://10.0.0.1:80" {
		t.Errorf("routes %+v", r)
	}
	if pages, ok := c.Middlewares[0].Spec.(*spec.Errors); !ok || pages.Service != "two" {
		t.Errorf("error pages %+v", c.Middlewares[0].Spec)
	}
}

const composedServices = `
http:
  routers:
    app: {rule: "Host(` + "`a`" + `)", service: app}
    plain: {rule: "Host(` + "`b`" + `)", service: one, middlewares: [pages]}
  middlewares:
    pages: {errors: {status: ["500-599"], service: two@file, query: "/{status}"}}
  services:
    app: {failover: {service: both, fallback: shadow@file, healthCheck: {}, errors: {status: ["503"]}}}
    both:
      weighted:
        services: [{name: one, weight: 3}, {name: two}, {name: tagged@consulcatalog, weight: 0}]
        sticky: {cookie: {}}
    shadow: {mirroring: {service: one, mirrorBody: false, mirrors: [{name: near, percent: 10}]}}
    near: {highestRandomWeight: {services: [{name: two}]}}
    one: {loadBalancer: {servers: [{url: "http://10.0.0.1:80"}]}}
    two: {loadBalancer: {passHostHeader: false, healthCheck: {path: /ok}, servers: [{url: "http://10.0.0.2:80", weight: 2}]}}
`

// A byte order mark in front is no part of the first key.
func TestMigrateByteOrderMark(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{"fabio.properties": "proxy.addr = :99\r\n", "a.yml": "entryPoints:\r\n  web:\r\n    address: \":99\"\r\n"} {
		if err := os.WriteFile(file, []byte("\ufeff"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, notes := runMigrate(t, file); notes != "" || !strings.Contains(text, `address = ":99"`) || strings.Contains(text, ":0:") {
			t.Errorf("%s: %q and\n%s", file, notes, text)
		}
	}
}

// Whatever the file, migrating it ends without a panic. The seeds are short: what
// is interesting is cut down byte by byte before the next is tried.
func FuzzMigrate(f *testing.F) {
	for extension, texts := range map[string][]string{
		".properties": {
			"proxy.addr = :1;cs=a\nproxy.cs = cs=a;type=file;cert=b", "proxy.auth=name=a;type=basic;file=b\nui.addr=:2;cs=a",
			"registry.backend=custom\nregistry.custom.host=${a}\na=b", "log.level=WARN\nregistry.backend=static",
		},
		".toml": {
			"[entryPoints.a]\naddress=\":1\"\n[entryPoints.a.tls]", "[frontends.a]\nbackend=\"b\"\n[backends.b.servers.c]\nurl=\"http://d\"\n[frontends.a.routes.e]\nrule=\"Host:f\"",
			"[consulCatalog]\nstrictChecks=false\n[web]\naddress=\":2\"",
		},
		".yml": {
			"entryPoints: {a: {address: ':1/udp'}, b: {address: ':443'}}", "http: {routers: {a: {rule: 'Host(`b`)', service: c}}, services: {c: {loadBalancer: {servers: [{url: 'http://d'}]}}}}",
			"http: {middlewares: {a: {chain: {middlewares: [a]}}}}", "http: {routers: {a: {rule: 'Host(`b`)', service: c}}, services: {c: {failover: {service: c, fallback: c}}}}", "tls: {certificates: [{certFile: a}], options: {b: {minVersion: VersionTLS12}}}",
			"providers: {consulCatalog: {endpoint: {address: a}}}\naccessLog: {fields: {names: {b: drop}}}",
		},
	} {
		for _, text := range texts {
			f.Add(extension, []byte(text))
		}
	}
	f.Fuzz(func(_ *testing.T, extension string, text []byte) {
		m := newMigration()
		if m.take("file"+extension, "", text, configtest.NoEnv) != nil {
			return
		}
		_, _, _ = m.text() // reads what it has written
	})
}
