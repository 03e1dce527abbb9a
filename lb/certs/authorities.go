package certs

import (
	"context"
	"log/slog"
	"time"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

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
	ticker := time.NewTicker(defaultRefresh)
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
