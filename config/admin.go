package config

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// Admin is the administration listener.
type Admin struct {
	// Listen is host:port, unix:///path or "off". Empty: on
	// [DefaultAdminAddress] when the load balancer runs, else off; never empty
	// after Load.
	Listen string `hcl:"listen"`
	// MetricsListen are further addresses, at which there are metrics and nothing
	// else. They are open whatever Listen is.
	MetricsListen []string `hcl:"metrics_listen"`
	// MetricsPath is where they are there; empty is /metrics.
	MetricsPath string `hcl:"metrics_path"`
	// Metrics are told under the names of other load balancers, too.
	Metrics []NamedMetrics `hcl:"metrics,accumulate"`
	// MetricsPush are to whom metrics are sent. They are whatever Listen is.
	MetricsPush []MetricsPush `hcl:"metrics_push,accumulate"`
	// TraefikAPI has it answer what Traefik's API does, in its forms.
	TraefikAPI bool `hcl:"traefik_api"`
	// Hosts are further names the listener may be called by.
	Hosts []string `hcl:"hosts"`

	// Certificates are the name of a source of the load balancer; with one, the
	// listener speaks HTTPS, as the rest says, in the words of a listener stanza.
	Certificates string   `hcl:"certificates"`
	TLSMin       string   `hcl:"tls_min"`
	TLSMax       string   `hcl:"tls_max"`
	TLSCiphers   []string `hcl:"tls_ciphers"`
	StrictSNI    bool     `hcl:"strict_sni"`
}

const (
	// AdminOff is [Admin].Listen of no listener.
	AdminOff = "off"
	// DefaultAdminAddress is where it listens if a load balancer runs.
	DefaultAdminAddress = "127.0.0.1:9998"
)

// Notation is what package lb reads of TLS; empty without.
func (a *Admin) Notation() string {
	if a.Certificates == "" {
		return ""
	}
	parts := []string{":0", "cs=" + a.Certificates} // the address is for package admin
	for _, option := range []struct{ key, value string }{
		{"tlsmin", a.TLSMin}, {"tlsmax", a.TLSMax}, {"tlsciphers", strings.Join(a.TLSCiphers, ",")},
	} {
		if option.value != "" {
			parts = append(parts, option.key+"="+option.value)
		}
	}
	if a.StrictSNI {
		parts = append(parts, "strictmatch=true")
	}
	return strings.Join(parts, ";")
}

func (a *Admin) validate(f *faultList, balancer *LB) {
	for _, address := range a.MetricsListen {
		if !isAdminAddress(address) {
			f.addf("admin.metrics_listen: %q is not HOST:PORT or unix:///PATH", address)
		}
	}
	if p := a.MetricsPath; p != "" && (!strings.HasPrefix(p, "/") || strings.ContainsAny(p, "?#")) {
		f.addf("admin.metrics_path: %q is no path such as /metrics", p)
	}
	validateNamedMetrics(f, a.Metrics)
	for i := range a.MetricsPush {
		a.MetricsPush[i].validate(f)
	}
	if a.Listen == AdminOff {
		return
	}
	a.validateTLS(f, balancer)
	if !isAdminAddress(a.Listen) {
		f.addf("admin.listen: %q is not HOST:PORT, unix:///PATH or off", a.Listen)
	}
}

func isAdminAddress(text string) bool {
	if path, ok := strings.CutPrefix(text, "unix://"); ok {
		return path != ""
	}
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return err == nil
}

func (a *Admin) validateTLS(f *faultList, balancer *LB) {
	if a.Certificates == "" {
		if a.TLSMin != "" || a.TLSMax != "" || len(a.TLSCiphers) > 0 || a.StrictSNI {
			f.addf("admin: tls_min, tls_max, tls_ciphers and strict_sni need certificates")
		}
		return
	}
	if len(balancer.Listeners) == 0 {
		f.addf("admin.certificates are those of the load balancer, and without a listener there is none")
		return
	}
	var names []string
	for _, c := range balancer.Certificates {
		if source, err := c.Source(); err == nil { // else that is told
			names = append(names, source.Name)
		}
	}
	for i := range balancer.ACME {
		names = append(names, balancer.ACME[i].Name)
	}
	if !slices.Contains(names, a.Certificates) {
		f.addf("admin.certificates: lb has no certificates %q%s", a.Certificates, nearest.Hint(a.Certificates, "", slices.Values(names)))
	}
	_, err := listener.Parse(a.Notation())
	f.add("admin", errors.Unwrap(err)) // without the address that is none
}
