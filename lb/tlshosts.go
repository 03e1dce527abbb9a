package lb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// tlsHost is a host at a listener, whose name is empty if none has one. The host
// is a name, ".example.com" for one label more, or "*" for any.
type tlsHost struct{ entrypoint, host string }

// tlsVote is what one route asks for.
type tlsVote struct {
	by      *tags.Route
	options string // see certs.TLSOptionsName
}

// tlsHosts knows for each host which routes with TLS ask for which options. As
// these are chosen before there is a request, those of one host have to agree.
type tlsHosts struct {
	own   map[string]string // the options of listeners that name some
	votes map[tlsHost][]tlsVote
	stale map[tlsHost]bool // to be decided again
}

func newTLSHosts(own map[string]string) tlsHosts {
	return tlsHosts{own: own, votes: map[tlsHost][]tlsVote{}, stale: map[tlsHost]bool{}}
}

// withdraw takes back what a route asked for.
func (t *tlsHosts) withdraw(r *tags.Route, at []tlsHost) {
	for _, h := range at {
		t.votes[h] = slices.DeleteFunc(t.votes[h], func(v tlsVote) bool { return v.by == r })
		t.stale[h] = true
	}
}

// vote takes in what a route asks for. What its listener has anyway is nothing.
func (t *tlsHosts) vote(r *tags.Route, at []tlsHost) {
	for _, h := range at {
		name := certs.TLSOptionsName(r.TLSOptions())
		if name == t.own[h.entrypoint] {
			name = ""
		}
		t.votes[h] = append(t.votes[h], tlsVote{r, name})
		t.stale[h] = true
	}
}

// decide makes the next table of the last one, of what has changed.
func (t *tlsHosts) decide(last tlsTable, problems *problemSet) tlsTable {
	next, own := last, map[string]bool{}
	for h := range t.stale {
		votes := t.votes[h]
		if len(votes) == 0 {
			delete(t.votes, h)
		}
		options, losers := elected(h.host, votes)
		problems.set(owner{"TLS options", nameOf(tags.Dialect(h.entrypoint), h.host)}, losers)
		if last[h.entrypoint][h.host] == options {
			continue
		}
		if len(own) == 0 {
			next = cloned(last)
		}
		if !own[h.entrypoint] {
			own[h.entrypoint], next[h.entrypoint] = true, cloned(last[h.entrypoint])
		}
		if next[h.entrypoint][h.host] = options; options == "" {
			delete(next[h.entrypoint], h.host)
		}
	}
	t.stale = map[tlsHost]bool{}
	if len(own) > 0 {
		maps.DeleteFunc(next, func(_ string, hosts map[string]string) bool { return len(hosts) == 0 })
	}
	return next
}

// cloned is a copy of a map that can be added to.
func cloned[M ~map[string]V, V any](m M) M {
	next := make(M, len(m)+1)
	maps.Copy(next, m)
	return next
}

// elected are the options that count for a host: those all ask for, else the
// default ones, of which those who asked for others are told.
func elected(host string, votes []tlsVote) (options string, problems []tags.Problem) {
	for i, v := range votes {
		if i > 0 && v.options != options {
			return "", disagreement(host, votes)
		}
		options = v.options
	}
	return options, nil
}

func disagreement(host string, votes []tlsVote) (problems []tags.Problem) {
	votes = slices.SortedFunc(slices.Values(votes), func(a, b tlsVote) int { return strings.Compare(a.by.Name, b.by.Name) })
	for _, v := range votes {
		i := slices.IndexFunc(votes, func(other tlsVote) bool { return other.options != v.options })
		if v.options != "" {
			p := v.by.Problem(fmt.Sprintf("route %s of service %s asks for other TLS options for host %s: the default ones count for both",
				votes[i].by.Name, votes[i].by.Service, host), "all routes of a host need the same tls.options")
			p.Route = "" // it is served
			problems = append(problems, p)
		}
	}
	return problems
}

// hostsOf are the hosts for which a route's options are to count, at each of its
// listeners.
func (l *linker) hostsOf(r *Route) (all []tlsHost) {
	at := r.Entrypoints
	switch {
	case r.Dialect != tags.Traefik && r.Dialect != tags.File || !asksForTLS(r.Route.Match):
		return nil
	case len(l.Entrypoints) == 0:
		at = []string{""} // all are one
	case len(at) == 0:
		at = l.Entrypoints
	}
	for _, host := range hostsNamed(nil, r.Route.Match) {
		for _, entrypoint := range at {
			if h := (tlsHost{entrypoint, host}); !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	return all
}

// hostsNamed adds the hosts an expression names, as Traefik finds them: in
// whatever combination with what else it asks for.
func hostsNamed(hosts []string, e match.Expr) []string {
	switch e := e.(type) {
	case match.And:
		for _, x := range e {
			hosts = hostsNamed(hosts, x)
		}
	case match.Or:
		for _, x := range e {
			hosts = hostsNamed(hosts, x)
		}
	case match.Host:
		hosts = append(hosts, e.Name)
	case match.HostWildcard:
		switch {
		case e.Suffix == "":
			hosts = append(hosts, "*")
		case e.OneLabel:
			hosts = append(hosts, e.Suffix)
		}
	}
	return hosts
}

// tlsTable has the hosts at each listener for which options count that are not
// the default ones. It is immutable.
type tlsTable map[string]map[string]string

// tlsOptions is the name of the options that count for a host in lower case at a
// listener, empty for the default ones. It allocates nothing. A nil table has
// none.
func (t *Table) tlsOptions(entrypoint, host string) string {
	if t == nil || len(t.tls) == 0 {
		return ""
	}
	hosts, ok := t.tls[entrypoint]
	if !ok {
		hosts = t.tls[""]
	}
	if options, ok := hosts[host]; ok || len(hosts) == 0 {
		return options
	}
	options, ok := "", false
	if dot := strings.IndexByte(host, '.'); dot > 0 {
		options, ok = hosts[host[dot:]]
	}
	if !ok {
		options = hosts["*"]
	}
	if options != "" && t.namesTLSHost(host, entrypoint) {
		return "" // the name itself counts for more than a pattern
	}
	return options
}

// namesTLSHost reports whether a route with TLS is for a host by its very name.
func (t *Table) namesTLSHost(host, entrypoint string) bool {
	return host != "" && t.index.ForHost(host, func(r *match.Route) bool {
		route, ok := r.Value.(*Route)
		return ok && asksForTLS(route.Route.Match) && (len(route.Entrypoints) == 0 || slices.Contains(route.Entrypoints, entrypoint))
	})
}
