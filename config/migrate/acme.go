package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/acme"
	"github.com/sluiceproxy/sluice/lb/acme/acmejson"
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
	m.authority(t, acmeOf1, at, at)
	t.take(at + ".acmeLogging")
	a := m.authorityNamed(acmeOf1)
	if domains := m.certDomains(t, at+".domains", a); a != nil {
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
	a.PreferredChain, a.Profile = t.text(at+".preferredChain"), t.text(at+".profile")
	// When certificates are renewed goes by their own life, and they have no common
	// name.
	t.take(at+".certificatesDuration", at+".disableCommonName")
	a.EAB = config.ACMEBinding{KeyID: t.text(at + ".eab.kid")}
	_ = config.Assign(&a.EAB.HMAC, t.text(at+".eab.hmacEncoded"))
	if roots := t.list(at + ".caCertificates"); len(roots) == 1 {
		a.CARoot = roots[0]
	} else if len(roots) > 1 {
		m.note(t, at+".caCertificates", at+".caCertificates are several files: write them to one, and name it in ca_root")
	}
	err := m.challenge(t, at, &a)
	if err == nil {
		_, err = a.Options(slog.New(slog.DiscardHandler))
	}
	if err != nil {
		m.note(t, whole, fmt.Sprintf("%s is left out: %s", whole, strings.ReplaceAll(err.Error(), "\n", "; ")))
		t.take(whole)
		return
	}
	if a.Challenge == acme.ChallengeDNS {
		m.comment("lb.acme."+name+".dns.provider", "its credentials are in the same environment variables as there")
	}
	m.stored(t, cmp.Or(t.text(at+".storage"), t.text(at+".storageFile")), at+".storage", &a)
	m.comment("lb.acme."+name, "%s", m.origin(t, whole))
	m.LB.ACME = append(m.LB.ACME, a)
}

// challenge takes over how the authority finds out whose a name is.
func (m *migration) challenge(t *tree, at string, a *config.ACME) error {
	dns := at + ".dnsChallenge"
	switch {
	case t.has(dns):
		a.Challenge = acme.ChallengeDNS
		a.DNS = config.ACMEDNS{
			Provider: t.text(dns + ".provider"), Resolvers: t.list(dns + ".resolvers"),
			Delay:         cmp.Or(t.duration(dns+".propagation.delayBeforeChecks"), t.duration(dns+".delayBeforeCheck")),
			DisableChecks: t.is(dns+".propagation.disableChecks") || t.is(dns+".disablePropagationCheck"),
			DisableANS:    t.is(dns + ".propagation.disableANSChecks"), RequireRNS: t.is(dns + ".propagation.requireAllRNS"),
		}
		t.take(dns+".delayBeforeCheck", dns+".disablePropagationCheck")
	case t.has(at + ".dnsProvider"): // before Traefik 1.6
		a.Challenge = acme.ChallengeDNS
		a.DNS = config.ACMEDNS{Provider: t.text(at + ".dnsProvider"), Delay: t.duration(at + ".delayDontCheckDNS")}
	case t.has(at + ".tlsChallenge"):
		t.take(at + ".tlsChallenge")
	case t.has(at + ".httpChallenge"):
		a.Challenge, a.Entrypoint = acme.ChallengeHTTP, t.text(at+".httpChallenge.entryPoint")
		t.text(at + ".httpChallenge")
	default:
		return errors.New("it has no challenge")
	}
	return nil
}

// stored has what Traefik kept taken over at the first start, if it is there.
func (m *migration) stored(t *tree, storage, at string, a *config.ACME) {
	if storage == "" {
		return
	}
	a.Folder = strings.TrimSuffix(storage, filepath.Ext(storage)) // if it comes to that
	file, err := acmejson.Read(storage)
	var r acmejson.Resolver
	if err == nil {
		r, err = file.Resolver(a.Name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.note(t, at, storage+` is not here, so that certificates are ordered anew: copy it from where Traefik runs, and name it in the acme stanza (import = "acme.json")`)
		return
	case err != nil:
		m.note(t, at, "nothing of "+storage+" is taken over: "+err.Error())
		return
	}
	a.Import = storage
	m.comment("lb.acme."+a.Name+".import", "%s", whatIsStored(&r, time.Now()))
	for _, fault := range r.Faults {
		m.note(t, at, "of "+storage+" is left out: "+fault.Error())
	}
	if file.Mode&0o077 != 0 {
		m.note(t, at, fmt.Sprintf("others may read %s, which has keys: its mode is %o and should be 600", storage, file.Mode))
	}
}

// whatIsStored tells what a file has.
func whatIsStored(r *acmejson.Resolver, now time.Time) string {
	account, over := "no account", 0
	if r.Account != nil {
		account = "the account of " + r.Account.Email
	}
	for _, c := range r.Certificates {
		if now.After(c.Leaf.NotAfter) {
			over++
		}
	}
	return fmt.Sprintf("taken over at the first start: %s, %d certificates, of which %d have ended", account, len(r.Certificates), over)
}

// certDomains takes a list of domains. Certificates are for one name each here. The
// authority may be nil.
func (m *migration) certDomains(t *tree, at string, a *config.ACME) (names []string) {
	byDNS := a != nil && a.Challenge == acme.ChallengeDNS
	for i := range t.count(at) {
		each := fmt.Sprintf("%s[%d]", at, i)
		for _, name := range append([]string{t.text(each + ".main")}, t.list(each+".sans")...) {
			switch {
			case name == "" || slices.Contains(names, name):
			case strings.HasPrefix(name, "*.") && !byDNS:
				m.note(t, each, each+": "+name+" is left out: certificates for all names below one need a challenge by DNS (dnsChallenge)")
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
	name := t.text(at + ".certResolver")
	domains := m.certDomains(t, at+".domains", m.authorityNamed(name))
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
