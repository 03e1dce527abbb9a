package lb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/certs"
)

// certificates are what a route needs, by what it asks for and its listeners.
func (k *link) certificates(entrypoints []string) (all []certs.Need) {
	resolvers := k.certResolvers(k.asked.CertResolver(), entrypoints)
	if len(resolvers) == 0 {
		return nil
	}
	names, ruled := k.asked.CertDomains(), false
	if len(names) == 0 {
		names, ruled = hostsNamed(nil, k.asked.Match), true
	}
	for _, text := range names {
		if ruled && strings.HasPrefix(text, ".") {
			text = "*" + text // of one label more
		}
		for _, r := range resolvers {
			name, err := r.NameToIssue(text)
			asked := certs.Need{Resolver: r.Name, Name: name}
			switch {
			case err != nil && ruled: // a pattern, for which there is none
			case err != nil:
				k.tell(err.Error(), "")
			case slices.Contains(all, asked):
			case !r.Allows(name):
				k.tell(fmt.Sprintf("acme %s is not to issue certificates for %s", r.Name, name), "its allow says for which names it is")
			default:
				all = append(all, asked)
			}
		}
	}
	return all
}

// certResolvers are those that issue a route's certificates: the one it asks for,
// or else those of its listeners.
func (k *link) certResolvers(asked string, entrypoints []string) (all []certs.Resolver) {
	named := func(name string) bool {
		i := slices.IndexFunc(k.CertResolvers, func(r certs.Resolver) bool { return strings.EqualFold(r.Name, name) })
		if i >= 0 && !slices.ContainsFunc(all, func(r certs.Resolver) bool { return r.Name == k.CertResolvers[i].Name }) {
			all = append(all, k.CertResolvers[i])
		}
		return i >= 0
	}
	if asked != "" {
		if !named(asked) {
			var names []string
			for _, r := range k.CertResolvers {
				names = append(names, r.Name)
			}
			k.tell("there is no certificate resolver "+asked+"; the route is served with the listener's certificates",
				`lb { acme "NAME" { … } } declares one`+nearest.Hint(asked, "", slices.Values(names)))
		}
		return all
	}
	for _, entrypoint := range slices.Sorted(maps.Keys(k.EntrypointCertResolvers)) { // so that what is told keeps its order
		if len(entrypoints) == 0 || slices.Contains(entrypoints, entrypoint) {
			named(k.EntrypointCertResolvers[entrypoint])
		}
	}
	return all
}

// tell reports what does not keep the route from being served.
func (k *link) tell(reason, hint string) {
	p := k.asked.Problem(reason, hint)
	p.Route = ""
	k.problems = append(k.problems, p)
}
