package lb

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// acmeSource is an authority at work. What is not its client's is for the
// goroutine that follows the catalog.
type acmeSource struct {
	ACME
	routes   map[string]int // how many ask for each name
	problems []tags.Problem // with what was asked for
}

func newACMESources(all []ACME) (sources []*acmeSource) {
	for _, a := range all {
		sources = append(sources, &acmeSource{ACME: a, routes: map[string]int{}})
	}
	return sources
}

// challengedAt is where an authority reaches us.
func (s *Server) challengedAt(a *acmeSource) netip.AddrPort {
	for _, e := range s.entries {
		if a.isFor(&e.listener) {
			return addrPort(e.address)
		}
	}
	return netip.AddrPort{} // which validate has seen to
}

// wantCertificates tells the authorities which names are needed, by the routes
// that are gone and come.
func (s *Server) wantCertificates(first bool, gone, come []*Route, goneTCP, comeTCP []*TCPRoute) {
	for _, a := range s.acme {
		changed := first
		count := func(needed []certificateName, n int) {
			for _, c := range needed {
				if c.resolver != a.Name {
					continue
				}
				was := a.routes[c.name]
				if a.routes[c.name] += n; a.routes[c.name] == 0 {
					delete(a.routes, c.name)
				}
				changed = changed || was == 0 || was+n == 0
			}
		}
		for _, r := range come {
			count(r.certificates, 1)
		}
		for _, r := range comeTCP {
			count(r.certificates, 1)
		}
		for _, r := range gone {
			count(r.certificates, -1)
		}
		for _, r := range goneTCP {
			count(r.certificates, -1)
		}
		if changed {
			a.Client.Want(a.names())
		}
	}
}

// names are all that need a certificate.
func (a *acmeSource) names() (names []string) {
	for _, domain := range a.Domains {
		name, _ := tlsconf.NameToIssue(domain)
		names = append(names, name)
	}
	for name := range a.routes {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// recheckCertificates reports whether something else has failed than was last
// told.
func (s *Server) recheckCertificates() (changed bool) {
	for _, a := range s.acme {
		var problems []tags.Problem
		for name, err := range a.Client.Failures() {
			problems = append(problems, tags.Problem{
				Source: "acme " + a.Name, Offset: -1, Reason: "no certificate was issued for " + name + ": " + err.Error(),
				Hint: "what there was stays in use; it is tried again",
			})
		}
		slices.SortFunc(problems, compareProblems)
		changed = changed || !slices.Equal(problems, a.problems)
		a.problems = problems
	}
	return changed
}

// tellCertificates has the next table's problems tell of failures.
func (s *Server) tellCertificates() {
	for _, a := range s.acme {
		s.builder.problems.set(owner{"certificates", name{text: a.Name}}, a.problems)
	}
}

// CertificateFailures counts by source the names for which no certificate could be
// issued or renewed at the last attempt.
func (s *Server) CertificateFailures() map[string]int {
	counts := map[string]int{}
	for _, a := range s.acme {
		counts[a.Name] = len(a.Client.Failures())
	}
	return counts
}

// challengePath is below what authorities ask for (RFC 8555 §8.3).
const challengePath = "/.well-known/acme-challenge/"

// answerChallenge answers what an authority asks for, and reports whether it did:
// all else below the path is a request as any other.
func (s *Server) answerChallenge(x *Exchange) bool {
	if x.Request.Method != http.MethodGet || !strings.HasPrefix(x.RawPath, challengePath) {
		return false
	}
	for _, a := range s.acme {
		if !a.HTTP || !a.isFor(&x.entry.listener) {
			continue
		}
		if text, ok := a.Client.HTTPChallenge(cmp.Or(x.ctx, context.Background()), x.Request.Host, x.RawPath); ok {
			h := &Header{}
			h.Add("Content-Type", "application/octet-stream")
			x.Answer(http.StatusOK, h, text)
			return true
		}
	}
	return false
}
