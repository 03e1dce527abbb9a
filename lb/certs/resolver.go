package certs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/listener"
)

// Resolver is an [ACME] for those who build tables.
type Resolver struct {
	Name  string
	Allow []string
}

// Resolvers are what tables need to know of authorities.
func Resolvers(all []ACME, listeners []listener.Listener) (resolvers []Resolver, at map[string]string) {
	at = map[string]string{}
	for i := range all {
		resolvers = append(resolvers, Resolver{all[i].Name, all[i].Allow})
		for l := range listeners {
			if cmp.Or(listeners[l].CertResolver, listeners[l].CertSource) == all[i].Name {
				at[listeners[l].Entrypoint()] = all[i].Name
			}
		}
	}
	return resolvers, at
}

// Allows reports whether a name may have a certificate.
func (r *Resolver) Allows(name string) bool {
	return len(r.Allow) == 0 || slices.ContainsFunc(r.Allow, func(pattern string) bool {
		below, isPattern := strings.CutPrefix(strings.ToLower(pattern), "*")
		return isPattern && strings.HasSuffix(name, below) || strings.EqualFold(name, pattern)
	})
}
