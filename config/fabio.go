package config

import (
	"cmp"
	"os"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/roster"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// Fabio is how its tags are read, and what it has beside tags. What is empty is
// as Fabio's own default, but for the keys: then nothing is read from the KV
// store.
type Fabio struct {
	Matcher string `hcl:"matcher"` // "prefix", "iprefix" or "glob"
	// PlainHosts takes hosts for names, not for patterns.
	PlainHosts bool `hcl:"plain_hosts"`
	// RoutesKey is a key of Consul's KV store that holds manual routes, with those
	// below it; Routes are such routes themselves.
	RoutesKey string `hcl:"routes_key"`
	Routes    string `hcl:"routes"`
	// NoRouteKey is the same for the page for requests without a route.
	NoRouteKey string `hcl:"no_route_key"`

	Register Register `hcl:"register"`

	// EmptyNoRoute leaves answers without a route empty, as long as there is no
	// page. NoRoutePage is that page if there is no key for it.
	EmptyNoRoute bool   `hcl:"empty_no_route"`
	NoRoutePage  string `hcl:"no_route_page"`
	// Compress is a regular expression for the content types of answers that are
	// compressed; empty is none.
	Compress string `hcl:"compress"`
	// Registry is what stands in for Consul.
	Registry FabioRegistry `hcl:"registry"`
}

// Register registers sluice itself as a service of Consul, and under each name
// that tags ask for with register=NAME.
type Register struct {
	Enabled bool   `hcl:"enabled"`
	Name    string `hcl:"name"`
	// Address is that of the admin listener, for Consul to check; empty is the one
	// that is configured, if it can be reached from elsewhere.
	Address    string        `hcl:"address"`
	Tags       []string      `hcl:"tags"`
	Interval   time.Duration `hcl:"check_interval"`
	Timeout    time.Duration `hcl:"check_timeout"`
	SkipVerify bool          `hcl:"check_tls_skip_verify"`
	// Grace is how long requests are still accepted after it is deregistered.
	Grace time.Duration `hcl:"grace"`
}

// LBHealth says which instances get traffic.
type LBHealth struct {
	Statuses []string `hcl:"statuses"` // empty: "passing"
	// Checks is "every", or as Fabio has it "one" or "all" of the service's own.
	Checks string `hcl:"checks"` // empty: "every"
}

// LBAuth is an authentication that Fabio's tags refer to by auth=NAME.
type LBAuth struct {
	Origin  string
	Name    string        // the label of the stanza
	Type    string        `hcl:"type"` // "basic", also if it is empty
	File    string        `hcl:"file"`
	Realm   string        `hcl:"realm"`   // empty: the name
	Refresh time.Duration `hcl:"refresh"` // of the file; 0 is at most once a second

	// Later is set if the file need not be there yet.
	Later bool
}

// SetDefaults implements [hcl.Defaulted].
func (a *LBAuth) SetDefaults(at hcl.Position) { *a = LBAuth{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (a *LBAuth) SetLabel(label string) { a.Name = label }

func (a *LBAuth) validate(f *faultList) {
	at := a.Origin + ": auth \"" + a.Name + "\""
	if a.Name == "" {
		f.addf("%s: an authentication needs a name, for tags to refer to it", a.Origin)
	}
	f.oneOf(at+": type", cmp.Or(a.Type, "basic"), "basic")
	f.notNegative(at+": refresh", a.Refresh)
	if a.File == "" {
		f.addf("%s: file is missing", at)
		return
	}
	if _, err := os.Stat(a.File); !a.Later {
		f.add(at+": file", err)
	}
}

func (f *Fabio) validate(faults *faultList) {
	faults.oneOf("fabio.matcher", cmp.Or(f.Matcher, string(tags.MatchPrefix)),
		string(tags.MatchPrefix), string(tags.MatchPrefixFold), string(tags.MatchGlob))
	faults.notNegative("fabio.register.check_interval", f.Register.Interval)
	faults.notNegative("fabio.register.check_timeout", f.Register.Timeout)
	faults.notNegative("fabio.register.grace", f.Register.Grace)
	f.Registry.validate(faults)
}

func (h *LBHealth) validate(f *faultList) {
	for _, status := range h.Statuses {
		f.oneOf("lb.health.statuses", status, "passing", "warning", "critical", "maintenance")
	}
	f.oneOf("lb.health.checks", cmp.Or(h.Checks, "every"), "every", "one", "all")
}

// setFabio puts what concerns Fabio's dialect into the options of tables.
func (c Config) setFabio(o *lb.Options) {
	o.Tags.FabioMatcher = tags.Matcher(c.Fabio.Matcher)
	o.Tags.FabioPlainHosts = c.Fabio.PlainHosts
	o.Tags.FabioAuth = map[string]spec.Middleware{}
	for _, a := range c.LB.Auth {
		o.Tags.FabioAuth[a.Name] = &spec.BasicAuth{
			UsersFile: a.File, Realm: cmp.Or(a.Realm, a.Name), Refresh: a.Refresh, AllowPlain: true, Once: true, Closed: true,
		}
	}
	if c.Fabio.Compress != "" {
		o.Tags.FabioCompress = &spec.Compress{Encodings: []string{"gzip"}, MinResponseBody: 1, Pattern: c.Fabio.Compress}
	}
	o.Manual = lb.Manual{Text: c.Fabio.Routes, RoutesKey: c.Fabio.RoutesKey, PageKey: c.Fabio.NoRouteKey, Page: c.Fabio.NoRoutePage, NoLine: c.Fabio.EmptyNoRoute}
	if len(c.LB.Health.Statuses) > 0 {
		o.Statuses = c.LB.Health.Statuses
	}
	switch c.LB.Health.Checks {
	case "one":
		o.Checks = roster.ChecksOne
	case "all":
		o.Checks = roster.ChecksAll
	}
}
