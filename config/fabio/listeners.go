package fabio

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func setListeners(r *reader, p Property) error {
	r.LB.Listeners, r.Admin.MetricsListen = nil, nil
	for _, text := range SplitQuoted(p.Value) {
		if address, ok := forMetrics(text); ok {
			r.Admin.MetricsListen = append(r.Admin.MetricsListen, address)
			continue
		}
		r.LB.Listeners = append(r.LB.Listeners, config.Listener{Origin: p.Origin + ": proxy.addr", Text: text})
	}
	return nil
}

// forMetrics is the address of a listener with proto=prometheus. One with TLS is
// refused with the others: it is the admin listener that speaks it.
func forMetrics(listener string) (address string, ok bool) {
	address, rest, _ := strings.Cut(listener, ";")
	for option := range strings.SplitSeq(rest, ";") {
		switch key, value, _ := strings.Cut(option, "="); strings.TrimSpace(key) {
		case "proto":
			ok = strings.TrimSpace(value) == "prometheus"
		case "cs":
			return "", false
		}
	}
	return strings.TrimSpace(address), ok
}

func setCertificates(r *reader, p Property) error {
	r.LB.Certificates = nil
	for _, text := range SplitQuoted(p.Value) {
		r.LB.Certificates = append(r.LB.Certificates, config.Certificates{Origin: p.Origin + ": proxy.cs", Text: dial.Secret(text)})
		source, err := certs.ParseSource(text)
		if err != nil {
			continue // of which it is told later
		}
		if err := r.setVaultToken(p, source); err != nil {
			return err
		}
	}
	return nil
}

// setVaultToken takes the token for Vault from where a source of certificates
// says it is. There is one for all of them.
func (r *reader) setVaultToken(p Property, source certs.Source) error {
	kind, where, ok := strings.Cut(source.VaultToken, ":")
	switch {
	case !ok:
		return nil
	case r.vaultToken != "" && r.vaultToken != source.VaultToken:
		return fmt.Errorf("vaultfetchtoken is %s and %s: one token is for all of Vault", r.vaultToken, source.VaultToken)
	case kind == "file":
		r.Vault.AgentTokenFile = where
	case r.getenv(where) == "":
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s: vaultfetchtoken: the variable %s is empty; VAULT_TOKEN counts instead", p.Origin, p.Key, where))
	default:
		r.Vault.Token = dial.Secret(r.getenv(where))
	}
	r.vaultToken = source.VaultToken
	return nil
}

func setAuth(r *reader, p Property) error {
	r.LB.Auth = nil
	for _, text := range SplitQuoted(p.Value) {
		a := config.LBAuth{Origin: p.Origin + ": proxy.auth"}
		for option := range strings.SplitSeq(text, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(option), "=")
			value = strings.Trim(value, `"`)
			fields := map[string]any{"name": &a.Name, "type": &a.Type, "file": &a.File, "realm": &a.Realm, "refresh": &a.Refresh}
			field, ok := fields[key]
			if !ok {
				return fmt.Errorf("there is no key %q: name, type, file, realm, refresh", key)
			}
			if err := config.Assign(field, value); err != nil {
				return err
			}
		}
		if a.Type == "external" {
			return fmt.Errorf("%s: type external is not supported", a.Name)
		}
		if file, err := os.Open(a.File); err != nil {
			a.Later = true
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s: %v; until it can be read, auth=%s lets nobody in", p.Origin, p.Key, err, a.Name))
		} else {
			file.Close()
		}
		r.LB.Auth = append(r.LB.Auth, a)
	}
	return nil
}

// setUI takes the address and the certificates. Nothing else of a listener
// concerns administration.
func setUI(r *reader, p Property) error {
	if p.Value == "" {
		return nil
	}
	l, err := listener.Parse(p.Value)
	if err != nil {
		return err
	}
	r.Admin.Listen = l.Address
	if _, options, _ := strings.Cut(p.Value, ";"); options != "" && l.CertSource == "" {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s: %s has no effect without certificates (cs)", p.Origin, p.Key, options))
		return nil
	}
	r.Admin.Certificates, r.Admin.StrictSNI = l.CertSource, l.StrictSNI
	if l.TLSMin != 0 {
		r.Admin.TLSMin = tlsconf.FormatVersion(l.TLSMin)
	}
	if l.TLSMax != 0 {
		r.Admin.TLSMax = tlsconf.FormatVersion(l.TLSMax)
	}
	if len(l.TLSCiphers) > 0 {
		r.Admin.TLSCiphers = strings.Split(tlsconf.FormatCiphers(l.TLSCiphers), ",")
	}
	return nil
}

// timeConnections gives listeners that pass connections on the timeouts of the
// whole that they do not set themselves. Those of requests have them anyway, as the
// limits of bodies.
func (r *reader) timeConnections() {
	for i := range r.LB.Listeners {
		text := &r.LB.Listeners[i].Text
		l, err := listener.Parse(*text)
		if err != nil {
			continue // of which it is told later
		}
		switch l.Proto {
		case listener.ProtoTCP, listener.ProtoSNI, listener.ProtoHTTPSAndSNI, listener.ProtoTCPDynamic:
			setUnlessSaid(text, "rt", r.LB.Timeouts.Read)
			setUnlessSaid(text, "wt", r.LB.Timeouts.Write)
		}
	}
}

// setUnlessSaid adds a key to a listener that does not have it.
func setUnlessSaid(listener *string, key string, value time.Duration) {
	for option := range strings.SplitSeq(*listener, ";") {
		if said, _, _ := strings.Cut(option, "="); strings.TrimSpace(said) == key {
			return
		}
	}
	if value > 0 {
		*listener += fmt.Sprintf(";%s=%v", key, value)
	}
}

// SplitQuoted splits at commas outside of quotes.
func SplitQuoted(text string) (parts []string) {
	quoted, start := false, 0
	for i := 0; i <= len(text); i++ {
		switch {
		case i == len(text) || text[i] == ',' && !quoted:
			if part := strings.TrimSpace(text[start:i]); part != "" {
				parts = append(parts, part)
			}
			start = i + 1
		case text[i] == '"':
			quoted = !quoted
		}
	}
	return parts
}
