package certs

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// TLSOptions are settings of TLS that routes ask for by name, for the hosts they
// are for. What they leave unsaid is as the listener has it.
type TLSOptions struct {
	// Name is what routes call them, in whatever case. [DefaultTLSOptions] are for
	// all hosts for which no others count.
	Name string
	// As in [tlsconf.Options]; 0 and none are the listener's.
	Min, Max   uint16
	Ciphers    []uint16
	Curves     []tls.CurveID
	NextProtos []string
	// ClientAuth says which certificate is asked of clients, as
	// [tlsconf.ParseClientAuth] reads it, and ClientCAs are files or folders with
	// the authorities it is verified by. With ClientCAs alone it is required and
	// verified; without both it is as the listener has it. Nobody is let in while
	// the authorities have not been read.
	ClientAuth string
	ClientCAs  []string
	// StrictSNI refuses names no certificate is for.
	StrictSNI bool
	// WithoutTickets has every connection shake hands in full.
	WithoutTickets bool
}

// DefaultTLSOptions are the name of options that no route has to ask for.
const DefaultTLSOptions = "default"

// TLSOptionsName is what options are found by: their name in lower case, without
// what says where Traefik had them from; empty for the default ones.
func TLSOptionsName(text string) string {
	name, _, _ := strings.Cut(strings.ToLower(text), "@")
	if name == DefaultTLSOptions {
		return ""
	}
	return name
}

// FindTLSOptions returns those of a name as [TLSOptionsName] has it, nil if there are
// none.
func FindTLSOptions(all []TLSOptions, name string) *TLSOptions {
	i := slices.IndexFunc(all, func(t TLSOptions) bool { return TLSOptionsName(t.Name) == name })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// Undeclared says that there are no TLS options of a name.
func Undeclared(name string) (reason, hint string) {
	return "there are no TLS options " + name, `lb { tls_options "NAME" { … } } declares them`
}

// clientAuth is what is asked of clients; said is false if nothing is said of it.
func (o *TLSOptions) clientAuth() (auth tls.ClientAuthType, said bool, err error) {
	switch {
	case o.ClientAuth != "":
		auth, err = tlsconf.ParseClientAuth(o.ClientAuth)
	case len(o.ClientCAs) > 0:
		auth = tls.RequireAndVerifyClientCert
	default:
		return 0, false, nil
	}
	if err == nil && auth >= tls.VerifyClientCertIfGiven && len(o.ClientCAs) == 0 {
		err = fmt.Errorf("%v needs the files of authorities", auth)
	}
	return auth, true, err
}

// over puts the options over what a listener says.
func (o *TLSOptions) over(base tlsconf.Options, authorities *tlsconf.Authorities) tlsconf.Options {
	base.Min, base.Max = cmp.Or(o.Min, base.Min), cmp.Or(o.Max, base.Max)
	if len(o.Ciphers) > 0 {
		base.Ciphers = o.Ciphers
	}
	if len(o.Curves) > 0 {
		base.Curves = o.Curves
	}
	if len(o.NextProtos) > 0 {
		base.NextProtos = o.NextProtos
	}
	if auth, said, err := o.clientAuth(); said && err == nil {
		base.ClientAuth, base.ClientCAs = auth, authorities
	}
	base.Strict = base.Strict || o.StrictSNI
	base.WithoutTickets = base.WithoutTickets || o.WithoutTickets
	return base
}

// Validate reports what is wrong with the options by themselves; the rest shows
// over the listeners.
func (o TLSOptions) Validate() error {
	if o.Name == "" || strings.ContainsAny(o.Name, "@ ") {
		return fmt.Errorf("TLS options cannot be named %q: that is empty, or holds an @ or a blank", o.Name)
	}
	if _, _, err := o.clientAuth(); err != nil {
		return fmt.Errorf("TLS options %q: client_auth: %w", o.Name, err)
	}
	return nil
}
