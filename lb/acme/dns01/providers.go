package dns01

import (
	"cmp"
	"maps"
	"slices"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/providers/dns/acmedns"
	"github.com/go-acme/lego/v4/providers/dns/bunny"
	"github.com/go-acme/lego/v4/providers/dns/cloudflare"
	"github.com/go-acme/lego/v4/providers/dns/cloudns"
	"github.com/go-acme/lego/v4/providers/dns/desec"
	"github.com/go-acme/lego/v4/providers/dns/digitalocean"
	"github.com/go-acme/lego/v4/providers/dns/dnsmadeeasy"
	"github.com/go-acme/lego/v4/providers/dns/domeneshop"
	"github.com/go-acme/lego/v4/providers/dns/duckdns"
	"github.com/go-acme/lego/v4/providers/dns/exec"
	"github.com/go-acme/lego/v4/providers/dns/gandiv5"
	"github.com/go-acme/lego/v4/providers/dns/gcore"
	"github.com/go-acme/lego/v4/providers/dns/godaddy"
	"github.com/go-acme/lego/v4/providers/dns/hetzner"
	"github.com/go-acme/lego/v4/providers/dns/httpreq"
	"github.com/go-acme/lego/v4/providers/dns/hurricane"
	"github.com/go-acme/lego/v4/providers/dns/infomaniak"
	"github.com/go-acme/lego/v4/providers/dns/ionos"
	"github.com/go-acme/lego/v4/providers/dns/namecheap"
	"github.com/go-acme/lego/v4/providers/dns/netcup"
	"github.com/go-acme/lego/v4/providers/dns/ovh"
	"github.com/go-acme/lego/v4/providers/dns/pdns"
	"github.com/go-acme/lego/v4/providers/dns/porkbun"
	"github.com/go-acme/lego/v4/providers/dns/rfc2136"
	"github.com/go-acme/lego/v4/providers/dns/scaleway"
)

// opened makes a provider of what its environment variables say, or tells which of
// them are missing.
type opened func() (challenge.Provider, error)

// of makes one function of what the library has with a result of its own for each.
func of[P challenge.Provider](open func() (P, error)) opened {
	return func() (challenge.Provider, error) {
		p, err := open()
		if err != nil {
			return nil, err
		}
		return p, nil
	}
}

// providers are those whose clients cost little: together less than 3 MB of the
// program. The library has some 180, of which single ones (route53, linode, gcloud)
// would cost that again each; exec and httpreq stand for them.
var providers = map[string]opened{
	"acme-dns":     of(acmedns.NewDNSProvider),
	"bunny":        of(bunny.NewDNSProvider),
	"cloudflare":   of(cloudflare.NewDNSProvider),
	"cloudns":      of(cloudns.NewDNSProvider),
	"desec":        of(desec.NewDNSProvider),
	"digitalocean": of(digitalocean.NewDNSProvider),
	"dnsmadeeasy":  of(dnsmadeeasy.NewDNSProvider),
	"domeneshop":   of(domeneshop.NewDNSProvider),
	"duckdns":      of(duckdns.NewDNSProvider),
	"exec":         of(exec.NewDNSProvider),
	"gandiv5":      of(gandiv5.NewDNSProvider),
	"gcore":        of(gcore.NewDNSProvider),
	"godaddy":      of(godaddy.NewDNSProvider),
	"hetzner":      of(hetzner.NewDNSProvider),
	"httpreq":      of(httpreq.NewDNSProvider),
	"hurricane":    of(hurricane.NewDNSProvider),
	"infomaniak":   of(infomaniak.NewDNSProvider),
	"ionos":        of(ionos.NewDNSProvider),
	"namecheap":    of(namecheap.NewDNSProvider),
	"netcup":       of(netcup.NewDNSProvider),
	"ovh":          of(ovh.NewDNSProvider),
	"pdns":         of(pdns.NewDNSProvider),
	"porkbun":      of(porkbun.NewDNSProvider),
	"rfc2136":      of(rfc2136.NewDNSProvider),
	"scaleway":     of(scaleway.NewDNSProvider),
}

// also are other names that providers have in the library.
var also = map[string]string{"acmedns": "acme-dns", "dnsupdate": "rfc2136", "domainnameshop": "domeneshop"}

// providerOf finds a provider by any of its names; nil if there is none.
func providerOf(name string) opened { return providers[cmp.Or(also[name], name)] }

// Providers are the names there are, sorted.
func Providers() []string { return slices.Sorted(maps.Keys(providers)) }

func eachProvider(yield func(string) bool) {
	for _, name := range Providers() {
		if !yield(name) {
			return
		}
	}
}
