package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/watch"
)

// giveUp returns an error when a query has failed for longer than patience
// allows. Once everything is rendered, the files in place are better than
// anything an end could bring, so from then on nothing is given up unless a
// number of attempts was asked for.
func (w *work) giveUp(ctx context.Context) error {
	rendered, complete := false, w.complete
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-complete:
			rendered, complete = true, nil
		case <-ticker.C:
		}
		for _, q := range w.feed.watcher.Status().Queries {
			stanza, retry := retryOf(w.config, q.Query)
			if rendered && !retry.Insists() {
				continue
			}
			if err := w.hopeless(q, stanza, retry.Patience()); err != nil {
				return exit.With(exit.Runner, err)
			}
		}
	}
}

// retryOf is the stanza that says how often q is tried, and what it says.
func retryOf(c config.Config, q watch.Query) (stanza string, r config.Retry) {
	switch q.(type) {
	case watch.NomadServices, watch.NomadService, watch.NomadVariables, watch.NomadVariable:
		return "nomad", c.Nomad.Retry
	case watch.VaultSecret, watch.VaultList, watch.VaultCertificate:
		return "vault", c.Vault.Retry
	}
	return "consul", c.Consul.Retry
}

// hopeless is why a query is not worth waiting for any longer, or nil.
func (w *work) hopeless(q watch.QueryStatus, stanza string, patience time.Duration) error {
	if q.Err == nil {
		return nil
	}
	if _, ok := q.Query.(watch.File); ok { // not retried, missing or unreadable
		if !q.Known && w.config.Alone() {
			return q.Err
		}
		return nil
	}
	if since := time.Since(q.Since); patience > 0 && since >= patience {
		return fmt.Errorf("%s: %w (exceeded maximum retries: failing for %v; %s.retry.attempts = 0 never gives up)",
			q.Query, q.Err, since.Round(time.Second), stanza)
	}
	return nil
}
