package certs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// Resolver is an [ACME] for those who build tables.
type Resolver struct {
	Name  string
	Allow []string
	// Wildcards tells that it may issue certificates for all names below one.
	Wildcards bool
}

// Resolvers are what tables need to know of authorities.
func Resolvers(all []ACME, listeners []listener.Listener) (resolvers []Resolver, at map[string]string) {
	at = map[string]string{}
	for i := range all {
		resolvers = append(resolvers, *all[i].resolver())
		for l := range listeners {
			if cmp.Or(listeners[l].CertResolver, listeners[l].CertSource) == all[i].Name {
				at[listeners[l].Entrypoint()] = all[i].Name
			}
		}
	}
	return resolvers, at
}

// NameToIssue makes of a text the name that a certificate is for, in lower case, or
// tells why there is none for that.
func (r *Resolver) NameToIssue(text string) (string, error) {
	parent, isWildcard := strings.CutPrefix(text, "*.")
	name, ok := tlsconf.NameToIssue(parent)
	switch {
	case !ok:
		return "", fmt.Errorf("%q is not the name of a host", text)
	case isWildcard && !r.Wildcards:
		return "", fmt.Errorf("%s: certificates for all names below one need a challenge by DNS, which acme %s does not have", text, r.Name)
	case isWildcard:
		return "*." + name, nil
	}
	return name, nil
}

// Allows reports whether a name may have a certificate.
func (r *Resolver) Allows(name string) bool {
	return len(r.Allow) == 0 || slices.ContainsFunc(r.Allow, func(pattern string) bool {
		below, isPattern := strings.CutPrefix(strings.ToLower(pattern), "*")
		return isPattern && strings.HasSuffix(name, below) || strings.EqualFold(name, pattern)
	})
}
