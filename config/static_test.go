package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// parsed is the configuration of a text, checked.
func parsed(t *testing.T, text string) Config {
	t.Helper()
	c := DefaultConfig()
	if err := c.LoadText("test.hcl", []byte(text)); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStaticStanzas(t *testing.T) {
	c := parsed(t, `
route "r" {
  host = ["a.example.com", "b.example.com"]
  path = "/x"
  service = "web"
  scheme = "https"
  server_name = "s"
  skip_verify = true
  pass_host = false
  defaults = false
  priority = 3
  tls = true
  entrypoints = "one,two"
  middlewares = ["m"]
  load_balancer {
    strategy = "leastconn"
    sticky { cookie { name = "c" http_only = true max_age = 5 } }
    health_check { path = "/ok" interval = "2s" headers { "X-A_b" = "1;2" } }
  }
}
middleware "m" "rateLimit" { average = 10 period = "1m" source_criterion { ip_strategy { excluded_ips = ["10.0.0.1", "10.0.0.2"] } } }
middleware "n" "forward-auth" { address = "http://auth" tls { ca = "ca.pem" } }
middleware "o" "strip_prefix_regex" { regex = ["/a{1,2}", "/b"] }
`)
	health := spec.DefaultHealthCheck()
	health.Path, health.Interval, health.Headers = "/ok", 2*time.Second, map[string]string{"X-A_b": "1;2"}
	auth := spec.DefaultForwardAuth()
	auth.Address, auth.TLS = "http://auth", &spec.ClientTLS{CA: "ca.pem"}
	want := tags.Static{
		Routes: []tags.StaticRoute{{
			Name: "r", Source: "test.hcl:2:11", Rule: "(Host(`a.example.com`) || Host(`b.example.com`)) && PathPrefix(`/x`)",
			Priority: 3, Entrypoints: []string{"one", "two"}, Middlewares: []string{"m"}, TLS: true, Service: "web", Scheme: "https",
			Balance: &spec.LoadBalancer{
				Strategy: "leastconn", Sticky: &spec.Sticky{Cookie: &spec.Cookie{Name: "c", HTTPOnly: true, MaxAge: 5}}, Health: health,
			},
			RewriteHost: true, Reach: tags.Reach{ServerName: "s", SkipVerify: true}, WithoutDefaults: true,
		}},
		Middlewares: []tags.StaticMiddleware{
			{Name: "m", Source: "test.hcl:21:16", Spec: &spec.RateLimit{
				Average: 10, Period: time.Minute,
				Source: &spec.SourceCriterion{IPStrategy: &spec.IPStrategy{ExcludedIPs: []string{"10.0.0.1", "10.0.0.2"}}},
			}},
			{Name: "n", Source: "test.hcl:22:16", Spec: auth},
			{Name: "o", Source: "test.hcl:23:16", Spec: spec.StripPrefixRegex{Regex: []string{"/a{1,2}", "/b"}}},
		},
	}
	if diff := cmp.Diff(want, c.Static()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDefaultsAndClaimsReachTheTable(t *testing.T) {
	o := parsed(t, `
middleware "m" "add_prefix" { prefix = "/x" }
defaults {
  middlewares = ["m"]
  optional    = ["m"]
  entrypoints = ["web"]
  load_balancer { strategy = "p2c" }
}
claim "a" { services = ["s"] nodes = ["n"] namespaces = ["x"] catch_all = true }
`).tableOptions()
	defaults := lb.Defaults{Middlewares: []string{"m@file"}, Optional: []string{"m@file"}, Entrypoints: []string{"web"}, Balance: &spec.LoadBalancer{Strategy: "p2c"}}
	if diff := cmp.Diff(defaults, o.Defaults); diff != "" {
		t.Errorf("defaults: -want +got:\n%s", diff)
	}
	claims := claim.List{{Host: "a", Services: []string{"s"}, Nodes: []string{"n"}, Namespaces: []string{"x"}, CatchAll: true}}
	if diff := cmp.Diff(claims, o.Claims); diff != "" {
		t.Errorf("claims: -want +got:\n%s", diff)
	}
}
