package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/acme"
)

// acmeOf1 is the name of the one authority Traefik 1 may have.
const acmeOf1 = "acme"

// resolver takes over one of certificatesResolvers.
func (m *migration) resolver(t *tree, name string) {
	at := "certificatesResolvers." + name
	m.authority(t, name, at, at+".acme")
}

// authority1 takes over that of Traefik 1, which may be for all hosts of an entry
// point.
func (m *migration) authority1(t *tree) {
	const at = "acme"
	if !t.has(at) {
		return
	}
	entrypoint, all := t.text(at+".entryPoint"), t.is(at+".onHostRule")
	domains := m.certDomains(t, at+".domains")
	m.authority(t, acmeOf1, at, at)
	t.take(at + ".acmeLogging")
	if a := m.authorityNamed(acmeOf1); a != nil {
		a.Domains = domains
	}
	if l := m.listenerNamed(entrypoint); l != nil && all {
		l.Text += ";certresolver=" + acmeOf1
	}
}

// authority takes over the keys below a path. What is left of it afterwards is
// told as all that is not taken.
func (m *migration) authority(t *tree, name, whole, at string) {
	a := config.ACME{}
	a.SetDefaults(hcl.Position{})
	a.Origin, a.Name, a.Email = t.origin(whole), name, t.text(at+".email")
	a.CA = cmp.Or(t.text(at+".caServer"), a.CA)
	a.KeyType = strings.ToLower(cmp.Or(t.text(at+".keyType"), "rsa4096")) // as there without a word
	a.PreferredChain = t.text(at + ".preferredChain")
	a.EAB = config.ACMEBinding{KeyID: t.text(at + ".eab.kid")}
	_ = config.Assign(&a.EAB.HMAC, t.text(at+".eab.hmacEncoded"))
	if roots := t.list(at + ".caCertificates"); len(roots) == 1 {
		a.CARoot = roots[0]
	} else if len(roots) > 1 {
		m.note(t, at+".caCertificates", at+".caCertificates are several files: write them to one, and name it in ca_root")
	}
	_, err := a.Options(slog.New(slog.DiscardHandler))
	switch {
	case t.has(at + ".dnsChallenge"):
		m.note(t, at+".dnsChallenge", fmt.Sprintf("%s is left out: challenges by DNS are not supported; tlsChallenge and httpChallenge are, "+
			"and certificates for *.DOMAIN can come from elsewhere as files, or out of Consul or Vault", whole))
		t.take(whole)
		return
	case t.has(at + ".tlsChallenge"):
		t.take(at + ".tlsChallenge")
	case t.has(at + ".httpChallenge"):
		a.Challenge, a.Entrypoint = acme.ChallengeHTTP, t.text(at+".httpChallenge.entryPoint")
		t.text(at + ".httpChallenge")
	default:
		m.note(t, whole, whole+" is left out: it has no challenge")
		t.take(whole)
		return
	}
	if err != nil {
		m.note(t, whole, fmt.Sprintf("%s is left out: %s", whole, strings.ReplaceAll(err.Error(), "\n", "; ")))
		t.take(whole)
		return
	}
	if storage := t.text(at + ".storage"); storage != "" {
		a.Folder = strings.TrimSuffix(storage, filepath.Ext(storage)) // if it comes to that
		m.note(t, at+".storage", "what "+storage+" holds is not taken over: certificates are ordered anew, once for all who share the storage")
	}
	m.comment("lb.acme."+name, "%s", m.origin(t, whole))
	m.LB.ACME = append(m.LB.ACME, a)
}

// certDomains takes a list of domains. Certificates are for one name each here.
func (m *migration) certDomains(t *tree, at string) (names []string) {
	for i := range t.count(at) {
		each := fmt.Sprintf("%s[%d]", at, i)
		for _, name := range append([]string{t.text(each + ".main")}, t.list(each+".sans")...) {
			switch {
			case name == "" || slices.Contains(names, name):
			case strings.HasPrefix(name, "*."):
				m.note(t, each, each+": "+name+" is left out: certificates for all names below one need a challenge by DNS, which is not supported")
			default:
				names = append(names, name)
			}
		}
	}
	return names
}

// certResolver takes over what an entry point of Traefik 2 and 3 has for its
// routers.
func (m *migration) certResolver(t *tree, at string, text *string) {
	if name := m.routersResolver(t, at+".http.tls"); name != "" {
		*text += ";certresolver=" + name
	}
}

// routersResolver takes the name of an authority, and the domains it is for.
func (m *migration) routersResolver(t *tree, at string) string {
	name, domains := t.text(at+".certResolver"), m.certDomains(t, at+".domains")
	if name == "" && len(domains) > 0 {
		m.note(t, at+".domains[0]", at+".domains have no effect without a certResolver")
	}
	if a := m.authorityNamed(name); a != nil {
		for _, domain := range domains {
			if !slices.Contains(a.Domains, domain) {
				a.Domains = append(a.Domains, domain)
			}
		}
	}
	return name
}

func (m *migration) authorityNamed(name string) *config.ACME {
	for i := range m.LB.ACME {
		if strings.EqualFold(m.LB.ACME[i].Name, name) {
			return &m.LB.ACME[i]
		}
	}
	return nil
}

// finishACME leaves out what names authorities that are not there, and settles
// where certificates are kept.
func (m *migration) finishACME() {
	missing := func(name, origin, what string) bool {
		is := name != "" && m.authorityNamed(name) == nil
		if is {
			m.notes = append(m.notes, note{path: origin, text: what + " has the certificates of files alone: there is no resolver " + name})
		}
		return is
	}
	for i := range m.LB.Listeners {
		l := &m.LB.Listeners[i]
		if name := l.Option("certresolver"); missing(name, l.Origin, "the listener "+l.Option("name")) {
			l.Text = strings.Replace(l.Text, ";certresolver="+name, "", 1)
		}
	}
	for i := range m.Routes {
		if r := &m.Routes[i]; missing(r.CertResolver, r.Origin, "route "+r.Name) {
			r.CertResolver, r.TLS = "", true
		}
	}
	for i := range m.TCPRoutes {
		if r := &m.TCPRoutes[i]; missing(r.CertResolver, r.Origin, "TCP route "+r.Name) {
			r.CertResolver = ""
		}
	}
	for i := range m.LB.ACME {
		a := &m.LB.ACME[i]
		if m.Catalog.None {
			a.Storage, a.Folder = config.ACMEFile, cmp.Or(a.Folder, "acme")
		} else {
			a.Folder = ""
		}
	}
}
