package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// TLSOptions are what routes refer to by tls.options=NAME. What is not set is as
// the listener has it.
type TLSOptions struct {
	Origin     string
	Name       string // the label of the stanza; "default" is for all other hosts
	MinVersion string `hcl:"min_version"`
	MaxVersion string `hcl:"max_version"`
	// Ciphers are suites up to TLS 1.2, Curves key exchanges, ALPN protocols.
	Ciphers    []string   `hcl:"ciphers"`
	Curves     []string   `hcl:"curves"`
	ALPN       []string   `hcl:"alpn"`
	ClientAuth ClientAuth `hcl:"client_auth"`
	SNIStrict  bool       `hcl:"sni_strict"`
	// SessionTickets are given out if not set.
	SessionTickets Optional[bool] `hcl:"session_tickets"`
}

// ClientAuth is what is asked of clients.
type ClientAuth struct {
	// Type is as package crypto/tls has it; empty is "RequireAndVerifyClientCert" if
	// there are CAFiles.
	Type    string   `hcl:"type"`
	CAFiles []string `hcl:"ca_files"`
}

// SetDefaults implements [hcl.Defaulted].
func (t *TLSOptions) SetDefaults(at hcl.Position) { *t = TLSOptions{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (t *TLSOptions) SetLabel(label string) { t.Name = label }

// Options reads the words. The error joins all faults; whether the options fit
// together is for package lb to say.
func (t *TLSOptions) Options() (o certs.TLSOptions, err error) {
	o = certs.TLSOptions{
		Name: t.Name, NextProtos: t.ALPN, ClientAuth: t.ClientAuth.Type, ClientCAs: t.ClientAuth.CAFiles,
		StrictSNI: t.SNIStrict, WithoutTickets: !t.SessionTickets.Or(true),
	}
	var errs []error
	fault := func(key string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: tls_options %q: %s: %w", t.Origin, t.Name, key, err))
		}
	}
	if t.MinVersion != "" {
		o.Min, err = tlsconf.ParseVersion(t.MinVersion)
		fault("min_version", err)
	}
	if t.MaxVersion != "" {
		o.Max, err = tlsconf.ParseVersion(t.MaxVersion)
		fault("max_version", err)
	}
	if len(t.Ciphers) > 0 {
		o.Ciphers, err = tlsconf.ParseCiphers(strings.Join(t.Ciphers, ","))
		fault("ciphers", err)
	}
	for _, name := range t.Curves {
		curve, err := tlsconf.ParseCurve(name)
		fault("curves", err)
		o.Curves = append(o.Curves, curve)
	}
	if err := o.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", t.Origin, err))
	}
	return o, errors.Join(errs...)
}

// tlsOptions are those of the stanzas that are valid.
func (l *LB) tlsOptions() (all []certs.TLSOptions) {
	for i := range l.TLSOptions {
		if o, err := l.TLSOptions[i].Options(); err == nil {
			all = append(all, o)
		}
	}
	return all
}

func (l *LB) validateTLSOptions(f *faultList) {
	seen := map[string]string{}
	for i := range l.TLSOptions {
		t := &l.TLSOptions[i]
		if _, err := t.Options(); err != nil {
			*f = append(*f, err)
		}
		unique(f, seen, "tls_options", t.Name, t.Origin)
	}
}

// knownTLSOptions finds a name that no stanza declares.
func (l *LB) knownTLSOptions(f *faultList, at, name string) {
	declared := []string{certs.DefaultTLSOptions}
	for i := range l.TLSOptions {
		declared = append(declared, l.TLSOptions[i].Name)
	}
	knownName(f, at, "tls_options", name, declared)
}

// knownName finds a name that is none of those declared; an empty one is.
func knownName(f *faultList, at, kind, name string, declared []string) {
	if name != "" && !slices.ContainsFunc(declared, func(d string) bool { return strings.EqualFold(d, name) }) {
		f.addf("%s: no stanza declares %s %q%s", at, kind, name, nearest.Hint(name, "", slices.Values(declared)))
	}
}
