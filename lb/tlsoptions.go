package lb

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

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

// tlsOptionsName is what options are found by: their name in lower case, without
// what says where Traefik had them from; empty for the default ones.
func tlsOptionsName(text string) string {
	name, _, _ := strings.Cut(strings.ToLower(text), "@")
	if name == DefaultTLSOptions {
		return ""
	}
	return name
}

// tlsOptions are those of a name as [tlsOptionsName] has it, nil if there are
// none.
func (o *Options) tlsOptions(name string) *TLSOptions {
	i := slices.IndexFunc(o.TLSOptions, func(t TLSOptions) bool { return tlsOptionsName(t.Name) == name })
	if i < 0 {
		return nil
	}
	return &o.TLSOptions[i]
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

// validateTLSOptions finds what is wrong with the options, each by itself and
// over each listener.
func (o ServerOptions) validateTLSOptions() error {
	var errs []error
	known := map[string]bool{}
	for i := range o.Table.TLSOptions {
		t := &o.Table.TLSOptions[i]
		name := tlsOptionsName(t.Name)
		if known[name] {
			errs = append(errs, fmt.Errorf("two TLS options are named %q", t.Name))
		}
		known[name] = true
		if err := t.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		for l := range o.Listeners {
			if l := &o.Listeners[l]; l.HasTLS() {
				if _, err := t.over(l.TLS(), nil).Config(); err != nil {
					errs = append(errs, fmt.Errorf("TLS options %q at listener %s: %w", t.Name, l.Entrypoint(), err))
				}
			}
		}
	}
	for i := range o.Listeners {
		l := &o.Listeners[i]
		if name := tlsOptionsName(l.TLSOptions); name != "" && o.Table.tlsOptions(name) == nil {
			reason, hint := noTLSOptions(l.TLSOptions)
			errs = append(errs, fmt.Errorf("listener %s: %s: %s", l.Entrypoint(), reason, hint))
		}
	}
	return errors.Join(errs...)
}

// clientAuthorities are those of TLS options, kept up with their files.
type clientAuthorities struct {
	tlsconf.Authorities
	files []string
	log   *slog.Logger
	fault tlsconf.Fault
}

// read reads the files. What was read before stays in force if they cannot be.
func (a *clientAuthorities) read() {
	err := a.Read(a.files...)
	switch {
	case !a.fault.IsNews(err):
	case err != nil:
		a.log.Error("the authorities of clients cannot be read; those read before stay in use, without any nobody is let in", "err", err)
	default:
		a.log.Info("the authorities of clients can be read again")
	}
}

// run reads the files again and again until ctx ends.
func (a *clientAuthorities) run(ctx context.Context) {
	ticker := time.NewTicker(certRefresh)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			a.read()
		}
	}
}

// readAuthorities reads those of all TLS options for the first time.
func (s *Server) readAuthorities() {
	s.authorities = map[string]*clientAuthorities{}
	for _, o := range s.options.Table.TLSOptions {
		if len(o.ClientCAs) == 0 {
			continue
		}
		a := &clientAuthorities{files: o.ClientCAs, log: s.log.With("tls_options", o.Name)}
		a.read()
		s.authorities[tlsOptionsName(o.Name)] = a
	}
}
