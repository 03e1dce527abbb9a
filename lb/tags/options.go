package tags

import (
	"text/template"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// Exposure is which instances count that do not say enable=false.
type Exposure uint8

// Kinds of Exposure.
const (
	// ExposeTagged: those with a routing tag, or that say enable=true.
	ExposeTagged Exposure = iota
	// ExposeAll: those without any tag as well, by the default rule. It is Traefik's
	// exposedByDefault=true.
	ExposeAll
	// ExposeEnabled: those that say enable=true. It is exposedByDefault=false.
	ExposeEnabled
)

// Options say which tags count and what the defaults are. DefaultOptions gives
// the documented values.
type Options struct {
	// Fabio, Traefik1 and Traefik switch the dialects on.
	Fabio, Traefik1, Traefik bool

	// FabioPrefix is the start of a Fabio tag, TraefikPrefix the first word of
	// the keys of both Traefik dialects. Both are case-sensitive.
	FabioPrefix string
	// FabioPrefixes are further ones, which mean the same.
	FabioPrefixes []string
	TraefikPrefix string

	// FabioMatcher is how paths of Fabio routes are compared; empty is MatchPrefix.
	FabioMatcher Matcher
	// FabioPlainHosts takes hosts of Fabio routes for names, not for patterns.
	FabioPlainHosts bool
	// FabioNames makes routes of TLS connections, too, of routes for all paths of a
	// host: for listeners that pass TLS on.
	FabioNames bool
	// FabioAuth are the authentications auth=NAME may refer to. A route that
	// refers to another one lets nobody in.
	FabioAuth map[string]spec.Middleware
	// FabioCompress, if not nil, is what becomes of answers of Fabio's routes.
	FabioCompress spec.Middleware
	// Commands are manual changes of Fabio routes.
	Commands Commands
	// Policies are those of the configuration, as [SortPolicies] has them.
	Policies []ServicePolicy
	// StaticPools are those of the configuration that instances are in, by service; see
	// [Static.Definition].
	StaticPools map[string][]StaticPool

	// Transports are those services of Traefik may name, TCPTransports those that its
	// services of connections may.
	Transports, TCPTransports Transports
	DefaultTransports         DefaultTransports

	// Sockets are the folders below which instances may have sockets: whoever may
	// register a service could else have requests sent to any socket of the machine.
	Sockets []string

	// Meta reads tags from instances' metadata, too; see [MetaKey].
	Meta bool
	// Exposed says which instances Traefik's dialects are for.
	Exposed Exposure
	// DefaultDialect says whose default rule applies where tags name none:
	// Traefik or Traefik1.
	DefaultDialect Dialect
	// RuleSyntax is the syntax of Traefik rules that do not say theirs: "v3" or
	// "v2".
	RuleSyntax string
	// DefaultRule is the text/template of the rule of a Traefik router without
	// one. Data: .Name and .Labels; functions: normalize and RuleFunctions.
	DefaultRule   string
	RuleFunctions template.FuncMap
	// DefaultRule1 is the same for a Traefik v1 frontend. Data: .ServiceName and
	// .Domain. A dot at its end is cut.
	DefaultRule1 string
	// Domain is for DefaultRule1.
	Domain string
	// RedirectBare, RewriteLocation and RewriteCookies are the options of [spec.StripPrefix] of those
	// names for all prefixes that Traefik's tags have cut.
	RedirectBare, RewriteLocation, RewriteCookies bool
	// KeepSlash has v1 rules redirect no path to its other form with, or without, a
	// slash at its end.
	KeepSlash bool
	// Constraint says which instances of Traefik v2/v3 count, Constraint1 which of
	// v1.
	Constraint, Constraint1 Constraint

	// Patterns compiles the patterns of rules, and keeps them from one change of
	// a service to the next. Nil keeps none.
	Patterns *match.Patterns
}

// DefaultOptions are the values used when the operator says nothing.
func DefaultOptions() Options {
	return Options{
		Fabio:          true,
		Traefik1:       true,
		Traefik:        true,
		FabioPrefix:    "urlprefix-",
		TraefikPrefix:  "traefik",
		DefaultDialect: Traefik,
		RuleSyntax:     string(syntaxV3),
		DefaultRule:    "Host(`{{ normalize .Name }}`)",
		DefaultRule1:   "Host:{{.ServiceName}}.{{.Domain}}",
		Patterns:       &match.Patterns{},
	}
}
