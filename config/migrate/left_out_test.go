package migrate

import (
	"os"
	"strings"
	"testing"
)

// Nothing of a file is lost without a word, and what would be open to more
// clients than before is left out.
func TestMigrateTellsWhatItLeavesOut(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		name, file, text string
		notes            []string
		absent           string // from the configuration
	}{
		{"unknown key", "a.yml", "providers: {}\nentryPoints:\n  web:\n    address: \":80\"\n    http4: {}\n", []string{"a.yml:5: entryPoints.web.http4 has no equivalent"}, "http4"},
		{"HTTP/3 without TLS", "a.yml", "providers: {}\nentryPoints:\n  web:\n    address: \":80\"\n    http3: {}\n", []string{"a.yml:5: entryPoints.web.http3 is left out: there is no HTTP/3 without TLS"}, "http3"},
		{
			"HTTP/3 behind a proxy", "a.yml", "providers: {}\nentryPoints:\n  web:\n    address: \":443\"\n    http: {tls: {}}\n    proxyProtocol: {insecure: true}\n    http3: {advertisedPort: 443}\n",
			[]string{"a.yml:7: entryPoints.web.http3 is left out: QUIC has no PROXY protocol"}, "http3",
		},
		{
			"misspelt keys of what is taken over", "a.yml", "providers:\n  consulCatalog:\n    exposedByDefalt: false\nentryPoints:\n  web:\n    adress: \":80\"\n",
			[]string{
				"a.yml:3: providers.consulCatalog.exposedByDefalt has no equivalent and is left out",
				"a.yml:5: entryPoints.web has no address, only adress, and is left out",
			}, "listener",
		},
		{
			"a guarded entry point", "a.yml", "entryPoints:\n  a:\n    address: \":80\"\n    http:\n      middlewares: [auth]\n  b:\n    address: \":81\"\nproviders: {}\n",
			[]string{"a.yml:2: the listener is left out: there is no middleware auth"}, ":80",
		},
		{
			"a redirect to what is left out", "a.yml",
			"entryPoints:\n  web:\n    address: \":80\"\n    http:\n      redirections:\n        entryPoint:\n          to: websecure\n  websecure:\n    address: \":443\"\n    http:\n      tls:\n        options: nowhere\n",
			[]string{"a.yml:8: the listener is left out: no file here has the tls.options nowhere", "a.yml:2: the listener is left out: it redirects to websecure"}, "listener",
		},
		{
			"an entry point with TLS options", "a.yml",
			"entryPoints:\n  a:\n    address: \":443\"\n    http:\n      tls:\n        options: old@file\n  b:\n    address: \":444\"\n    http:\n      tls:\n        options: clients@file\n" +
				"http:\n  routers:\n    r:\n      rule: Host(`a`)\n      service: s\n      tls:\n        options: old\n  services:\n    s:\n      loadBalancer:\n        servers:\n          - url: http://a\n" +
				"tls:\n  options:\n    old:\n      minVersion: VersionSSL30\n    clients:\n      clientAuth:\n        caFiles: [ca.pem]\n        secretOptionalDomains: [a]\n",
			[]string{
				"a.yml:2: the listener is left out: no file here has the tls.options old", "a.yml:7: the listener is left out: no file here has the tls.options clients",
				"a.yml:14: route r is left out: no file here has the tls.options old", `a.yml:26: the TLS options old are left out, and what asks for them: a.yml:26: tls_options "old": min_version`,
				"a.yml:28: the TLS options clients are left out, and what asks for them: tls.options.clients.clientAuth.secretOptionalDomains has no equivalent",
			}, "listener",
		},
		{
			"a guarded frontend", "a.toml", "[backends.b.servers.s]\nurl = \"http://a\"\n[frontends.f]\nbackend = \"b\"\n[frontends.f.routes.r]\nrule = \"Host:a\"\n[frontends.f.whiteList]\nsourceRange = [\"10.0.0.0/8\"]\nuseXForwardedFor = true\n",
			[]string{"a.toml:3: frontend f is left out: frontends.f.whiteList.useXForwardedFor has no equivalent"}, "route",
		},
		{
			"a broken middleware", "a.toml", "[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"s\"\nmiddlewares = [\"m\"]\n[http.middlewares.m.basicAuth]\nuser = \"x\"\n[[http.services.s.loadBalancer.servers]]\nurl = \"http://a\"\n",
			[]string{"a.toml:6: middleware m of kind basicAuth: unknown key", "a.toml:1: route r is left out: there is no middleware m"}, "route",
		},
		{
			"a composed service", "a.toml", "[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"s\"\n[http.services.s.failover]\nservice = \"x\"\n",
			[]string{"router r is left out: the service s: failover.fallback is missing"}, "route",
		},
		{
			"a composed service with a part that is not there", "a.toml",
			"[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"s\"\n[http.services.s.failover]\nservice = \"x\"\nfallback = \"y\"\n[[http.services.x.loadBalancer.servers]]\nurl = \"http://a\"\n",
			[]string{`router r is left out: there is no service "y" with servers`}, "service",
		},
		{
			"a composed service with a part of another provider", "a.toml",
			"[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"s\"\n[[http.services.s.weighted.services]]\nname = \"x@docker\"\n",
			[]string{"router r is left out: the service x@docker is not of the file"}, "service",
		},
		{
			"a part with a key that has no equivalent", "a.toml",
			"[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"s\"\n[[http.services.s.weighted.services]]\nname = \"x\"\n[http.services.x.loadBalancer]\nnovel = 1\n[[http.services.x.loadBalancer.servers]]\nurl = \"http://a\"\n",
			[]string{"router r is left out: http.services.x.loadBalancer.novel has no equivalent"}, "service",
		},
		{
			"error pages of a service that is not there", "a.toml",
			"[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"s\"\nmiddlewares = [\"m\"]\n[http.middlewares.m.errors]\nstatus = [\"500\"]\nservice = \"y\"\n[[http.services.s.loadBalancer.servers]]\nurl = \"http://a\"\n",
			[]string{`middleware m of kind errors: there is no service "y" with servers`, "route r is left out"}, "route",
		},
		{
			"error pages of a backend that is not there", "a.toml",
			"[frontends.f]\nbackend = \"b\"\n[frontends.f.errors.e]\nstatus = [\"500\"]\nbackend = \"x\"\n[backends.b.servers.s]\nurl = \"http://a\"\n",
			[]string{`frontend f is left out: there is no backend "x" with servers`}, "route",
		},
		{
			"a header there is not", "a.toml", "[frontends.f]\nbackend = \"b\"\n[frontends.f.headers]\nnovel = 1\n[backends.b.servers.s]\nurl = \"http://a\"\n",
			[]string{`frontend f is left out: frontends.f.headers: unknown key "novel"`}, "route",
		},
		{
			"rates of nobody", "a.toml",
			"[frontends.f]\nbackend = \"b\"\n[frontends.f.errors.e]\nstatus = [\"500\"]\nbackend = \"x\"\n[frontends.f.rateLimit.rateSet.r]\naverage = 1\n[backends.b.servers.s]\nurl = \"http://a\"\n[backends.x.servers.s]\nurl = \"http://a\"\n",
			[]string{"frontend f is left out: frontends.f.rateLimit has no extractorFunc"}, "service",
		},
		{"TCP", "a.yml", "tcp:\n  routers:\n    db:\n      rule: HostSNI(`*`)\n", []string{`a.yml:3: tcp router db is left out: there is no service "" with servers`}, "db"},
		{
			"TCP behind a middleware", "a.yml", "tcp:\n  routers:\n    db:\n      rule: HostSNI(`*`)\n      service: db\n      middlewares: [few]\n  services:\n    db:\n      loadBalancer:\n        servers:\n          - address: 10.0.0.1:1\n",
			[]string{"a.yml:3: tcp router db is left out: there is no middleware few"}, "tcp_route",
		},
		{
			"variables", "a.yml", "entryPoints:\n  web:\n    address: \":80\"\nproviders:\n  consulCatalog:\n    endpoint:\n      token: \"${TOKEN}\"\n    prefix: '{{ env \"P\" }}'\n",
			[]string{"a.yml:7: providers.consulCatalog.endpoint.token: ${TOKEN} is taken as it stands", "a.yml:8: providers.consulCatalog.prefix: {{…}} is taken as it stands"}, "${",
		},
		{"Fabio's variables", "fabio.properties", "proxy.addr = :1\nproxy.header.clientip = ${NOBODY_SET_THIS}\n", []string{"fabio.properties:2: proxy.header.clientip: ${NOBODY_SET_THIS} is empty: there is no property and no variable of that name"}, "client_ip"},
		{
			"how often catalog services are asked", "a.toml", "[consulCatalog]\n[healthcheck]\ninterval = \"7s\"\n",
			[]string{"a.toml:3: healthcheck.interval is taken over for backends of the file; services of the catalog are asked every 30s unless"}, "interval",
		},
		{
			"services of its own", "a.toml", "[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"api@internal\"\n[http.routers.kept]\nrule = \"Host(`b`)\"\nservice = \"noop@internal\"\n",
			[]string{"router r is left out: the service api@internal is not of the file"}, "api@internal",
		},
		{"Fabio", "fabio.properties", "proxy.addr = :1\nproxy.keepalivetimeout = 5s\n", []string{"fabio.properties:2: proxy.keepalivetimeout has no effect"}, "keepalive"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(tt.file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			text, notes := runMigrate(t, tt.file)
			for _, want := range tt.notes {
				if !strings.Contains(notes, want) {
					t.Errorf("%q is not among the notes:\n%s", want, notes)
				}
			}
			for line := range strings.Lines(text) {
				if !strings.HasPrefix(strings.TrimSpace(line), "#") && strings.Contains(line, tt.absent) {
					t.Errorf("%q is in the configuration:\n%s", tt.absent, text)
				}
			}
		})
	}
}
