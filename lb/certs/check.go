package certs

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// CheckFiles tells of which listeners the certificates cannot be had, if they are to be
// in files of this machine. Others may still be on their way.
func (o Options) CheckFiles(listeners []listener.Listener) error {
	c := Certificates{options: o, log: slog.New(slog.DiscardHandler)}
	var errs []error
	for i := range listeners {
		l := &listeners[i]
		if !l.HasTLS() {
			continue
		}
		if s, err := o.source(l.CertSource); l.CertSource != "" && (err != nil || s.Type != tlsconf.TypeFile && s.Type != tlsconf.TypePath) {
			continue
		}
		if _, err := c.keptFor(l); err != nil {
			errs = append(errs, fmt.Errorf("listener %s: %w", l.Address, err))
		}
	}
	return errors.Join(errs...)
}
