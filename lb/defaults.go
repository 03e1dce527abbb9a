package lb

import "github.com/sluiceproxy/sluice/lb/spec"

// Defaults are what holds for routes that say nothing else, of whichever
// dialect.
type Defaults struct {
	// Middlewares are names of the configuration's (NAME@file), which every route
	// has in front of its own. A route is not served if one of them is missing.
	Middlewares []string
	// Optional are those of them that tags may leave out.
	Optional []string
	// Entrypoints name the listeners of routes that name none; empty is all.
	Entrypoints []string
	// Balance is how requests are spread over pools that do not say; nil is by
	// turns.
	Balance *spec.LoadBalancer
}

// configuration is the name under which a builder keeps what no service asks
// for. The catalog has no service without a name.
const configuration = ""
