package config

import (
	"cmp"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// TraefikTags is how the tags of both Traefik dialects are read, in the words of
// its own providers. What is empty is as Traefik's default.
type TraefikTags struct {
	// DefaultRule is the template of the rule of routers that have none, and
	// DefaultRuleV1 that of v1 frontends; Domain is for that.
	DefaultRule   string `hcl:"default_rule"`
	DefaultRuleV1 string `hcl:"default_rule_v1"`
	Domain        string `hcl:"domain"`
	// DefaultDialect says whose default rule services get whose tags name neither:
	// "traefik" or "traefik1".
	DefaultDialect string `hcl:"default_dialect"`
	// RuleSyntax is the syntax of rules that do not say theirs: "v3" or "v2".
	RuleSyntax string `hcl:"rule_syntax"`
	// Constraints is an expression such as Tag(`a`) && !TagRegex(`^b`), and
	// ConstraintsV1 a list of tag==GLOB and tag!=GLOB.
	Constraints   string   `hcl:"constraints"`
	ConstraintsV1 []string `hcl:"constraints_v1"`
	// RedirectBarePrefix redirects a prefix that is cut to itself with a slash at its
	// end, and RewriteLocation puts it in front of the paths answers redirect to.
	RedirectBarePrefix bool `hcl:"redirect_bare_prefix"`
	RewriteLocation    bool `hcl:"rewrite_location"`
	// RewriteCookies puts it in front of the paths that cookies are for.
	RewriteCookies bool `hcl:"rewrite_cookies"`
	// KeepTrailingSlash has Path of v1 rules redirect nobody to its other form.
	KeepTrailingSlash bool `hcl:"keep_trailing_slash"`
}

// set replaces what is set.
func (t *TraefikTags) set(o *tags.Options) {
	o.DefaultRule, o.RuleFunctions = cmp.Or(t.DefaultRule, o.DefaultRule), sprig.TxtFuncMap()
	o.DefaultRule1 = cmp.Or(t.DefaultRuleV1, o.DefaultRule1)
	o.Domain = t.Domain
	o.DefaultDialect = cmp.Or(tags.Dialect(t.DefaultDialect), o.DefaultDialect)
	o.RuleSyntax = cmp.Or(t.RuleSyntax, o.RuleSyntax)
	if t.Constraints != "" {
		o.Constraint, _ = tags.ParseConstraint(t.Constraints) // as validate has let through
	}
	o.RedirectBare, o.RewriteLocation, o.RewriteCookies = t.RedirectBarePrefix, t.RewriteLocation, t.RewriteCookies
	o.KeepSlash = t.KeepTrailingSlash
	o.Constraint1, _ = tags.ParseConstraints1(t.ConstraintsV1)
}

func (t *TraefikTags) validate(f *faultList) {
	if t.DefaultDialect != "" {
		f.oneOf("tags.traefik.default_dialect", t.DefaultDialect, string(tags.Traefik), string(tags.Traefik1))
	}
	if t.RuleSyntax != "" {
		f.oneOf("tags.traefik.rule_syntax", t.RuleSyntax, "v3", "v2")
	}
	if t.Constraints != "" {
		_, err := tags.ParseConstraint(t.Constraints)
		f.add("tags.traefik.constraints", err)
	}
	_, err := tags.ParseConstraints1(t.ConstraintsV1)
	f.add("tags.traefik.constraints_v1", err)
	_, err = template.New("default_rule").Funcs(sprig.TxtFuncMap()).Funcs(template.FuncMap{"normalize": func(string) string { return "" }}).Parse(t.DefaultRule)
	f.add("tags.traefik", err)
	stub := func(string, []string, ...string) string { return "" }
	_, err = template.New("default_rule_v1").Funcs(template.FuncMap{"getTag": stub, "hasTag": stub, "getAttribute": stub}).Parse(t.DefaultRuleV1)
	f.add("tags.traefik", err)
}
