package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/acme"
	"github.com/sluiceproxy/sluice/lb/acme/dns01"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// ACME is an authority that issues certificates, which listeners and routes refer
// to by its name.
type ACME struct {
	Origin string
	Name   string // the label of the stanza
	Email  string `hcl:"email"`
	// CA is the URL of the authority's directory, CARoot a file with the roots of its
	// own certificate if they are not the system's.
	CA             string      `hcl:"ca"`
	CARoot         string      `hcl:"ca_root"`
	KeyType        string      `hcl:"key_type"`
	PreferredChain string      `hcl:"preferred_chain"`
	Profile        string      `hcl:"profile"`
	EAB            ACMEBinding `hcl:"eab"`
	// Challenge is "tls-alpn", "http" or "dns", for which there is DNS. Entrypoint
	// names the listener that the authority reaches; empty is the first that will do.
	Challenge  string  `hcl:"challenge"`
	Entrypoint string  `hcl:"entry_point,alias=entrypoint"`
	DNS        ACMEDNS `hcl:"dns"`
	// Import is an acme.json of Traefik, of which what concerns the resolver of the
	// stanza's name is taken over, once.
	Import string `hcl:"import"`
	// Storage is "consul", with Prefix of its KV store, or "file", with Folder.
	Storage string `hcl:"storage"`
	Prefix  string `hcl:"prefix"`
	Folder  string `hcl:"folder"`
	// Domains have a certificate whatever routes there are; Allow are the names that
	// may have one, none is all.
	Domains []string `hcl:"domains"`
	Allow   []string `hcl:"allow"`
}

// ACMEBinding is an account the operator has with the authority by other means.
type ACMEBinding struct {
	KeyID string      `hcl:"kid"`
	HMAC  dial.Secret `hcl:"hmac"`
}

// ACMEDNS is by whom records are written that an authority looks for. The names of
// its keys are Traefik's, and its secrets are in the environment.
type ACMEDNS struct {
	Provider  string   `hcl:"provider"`
	Resolvers []string `hcl:"resolvers"`
	// Delay is waited before it is checked whether records can be seen; the others
	// say by whom.
	Delay         time.Duration `hcl:"delay_before_checks"`
	DisableChecks bool          `hcl:"disable_checks"`
	// DisableANS leaves out the servers of the zone, and RequireRNS asks for all
	// resolvers too.
	DisableANS bool `hcl:"disable_ans_checks"`
	RequireRNS bool `hcl:"require_all_rns"`
}

func (d *ACMEDNS) options() dns01.Options {
	return dns01.Options{
		Provider: d.Provider, Resolvers: d.Resolvers, Delay: d.Delay,
		DisableChecks: d.DisableChecks, DisableServers: d.DisableANS, RequireResolvers: d.RequireRNS,
	}
}

// Where certificates are kept.
const (
	ACMEConsul = "consul"
	ACMEFile   = "file"
	ACMEPrefix = "sluice/acme" // in Consul, if there is no other
)

// SetDefaults implements [hcl.Defaulted].
func (a *ACME) SetDefaults(at hcl.Position) {
	*a = ACME{
		Origin: at.String(), CA: acme.LetsEncrypt, KeyType: acme.DefaultKeyType, Challenge: acme.ChallengeTLS,
		Storage: ACMEConsul,
	}
}

// SetLabel implements [hcl.Labelled].
func (a *ACME) SetLabel(label string) { a.Name = label }

// Options are those of the client, but for what is not in the configuration itself.
func (a *ACME) Options(log *slog.Logger) (acme.Options, error) {
	o := acme.Options{
		Directory: a.CA, Email: a.Email, AccountID: a.EAB.KeyID, AccountMAC: a.EAB.HMAC.Reveal(),
		KeyType: a.KeyType, PreferredChain: a.PreferredChain, Profile: a.Profile, Challenge: a.Challenge, DNS: a.DNS.options(),
		Name: a.Name, Import: a.Import, Folder: a.Folder, Logger: log.With("acme", a.Name),
	}
	return o, o.Validate()
}

// source is what the load balancer knows of it. It has no client yet.
func (a *ACME) source() certs.ACME {
	return certs.ACME{
		Name: a.Name, Domains: a.Domains, Allow: a.Allow, Entrypoint: a.Entrypoint,
		HTTP: a.Challenge == acme.ChallengeHTTP, DNS: a.Challenge == acme.ChallengeDNS,
	}
}

// validateACME leaves to package lb what concerns listeners.
func (l *LB) validateACME(f *faultList) {
	names := map[string]string{}
	for i := range l.ACME {
		a := &l.ACME[i]
		at := fmt.Sprintf("%s: acme %q", a.Origin, a.Name)
		unique(f, names, "acme", a.Name, a.Origin)
		if _, err := a.Options(slog.New(slog.DiscardHandler)); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				f.addf("%s: %s", at, line)
			}
		}
		a.validateDNS(f, at)
		f.oneOf(at+": storage", a.Storage, ACMEConsul, ACMEFile)
		switch {
		case a.Storage == ACMEFile && a.Folder == "":
			f.addf("%s: folder is missing: where certificates and their keys are kept", at)
		case a.Storage == ACMEFile && a.Prefix != "", a.Storage == ACMEConsul && a.Folder != "":
			f.addf(`%s: prefix is for storage = "consul", and folder for storage = "file"`, at)
		case strings.Trim(cmp.Or(a.Prefix, ACMEPrefix), "/") == "":
			f.addf("%s: prefix cannot be all of Consul's KV store", at)
		}
	}
}

// validateDNS leaves to package acme what concerns challenges by DNS themselves.
func (a *ACME) validateDNS(f *faultList, at string) {
	switch isDNS := a.Challenge == acme.ChallengeDNS; {
	case !isDNS && !reflect.ValueOf(a.DNS).IsZero():
		f.addf(`%s: dns is for challenge = "dns"`, at)
	case isDNS && a.Entrypoint != "":
		f.addf(`%s: entry_point is for the other challenges: with challenge = "dns" the authority reaches no listener`, at)
	}
}

// knownACME finds a name that no stanza declares.
func (l *LB) knownACME(f *faultList, at, name string) {
	var declared []string
	for i := range l.ACME {
		declared = append(declared, l.ACME[i].Name)
	}
	if name != "" && !slices.ContainsFunc(declared, func(d string) bool { return strings.EqualFold(d, name) }) {
		f.addf("%s: no stanza declares acme %q%s", at, name, nearest.Hint(name, "", slices.Values(declared)))
	}
}
