package tlsconf

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// Keeper keeps a store up with its source, and tells the log of it.
type Keeper struct {
	Store  Store
	source Source
	log    *slog.Logger
	fault  Fault
}

// NewKeeper returns a keeper of an empty store. name is what the source is
// called in the log.
func NewKeeper(name string, source Source, log *slog.Logger) *Keeper {
	k := &Keeper{source: source, log: log.With("certificates", name)}
	k.Store.clientCAs.upgradeCN = source.UpgradeCN
	return k
}

// Load reads the source once. The error joins everything that was wrong with it;
// what was right is in the store nevertheless.
func (k *Keeper) Load(ctx context.Context) error {
	content, err := k.source.read(ctx)
	return k.Put(content, err)
}

// Put puts what was read elsewhere into the store, as Load does, together with
// what went wrong there.
func (k *Keeper) Put(c Content, failure error) error {
	errs := []error{failure}
	if len(c.ClientCAs) > 0 {
		errs = append(errs, k.Store.SetClientCAs(c.ClientCAs...))
	}
	if len(c.Pairs) == 0 && failure != nil {
		return errors.Join(errs...)
	}
	changed, err := k.Store.Replace(c.Pairs)
	if errs = append(errs, err); changed {
		k.announce()
	}
	return errors.Join(errs...)
}

// announce logs what is in force now.
func (k *Keeper) announce() {
	all := k.Store.Certificates()
	soonest := all[0]
	for _, c := range all {
		if c.Until.Before(soonest.Until) {
			soonest = c
		}
		if c.Until.Before(time.Now()) {
			k.log.Warn("certificate has expired and is in use", "name", c.Name,
				"hosts", strings.Join(c.Hosts, " "), "until", c.Until)
		}
	}
	k.log.Info("certificates read", "count", len(all), "first_to_expire", soonest.Name, "until", soonest.Until)
}

// Run reads the source again and again until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	if k.source.Refresh <= 0 || k.source.Type == TypeSelfSigned {
		return
	}
	ticker := time.NewTicker(k.source.Refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := k.Load(ctx); ctx.Err() == nil {
			k.Tell(err)
		}
	}
}

// Tell logs what is wrong with the source, once for each change of it.
func (k *Keeper) Tell(err error) {
	switch {
	case !k.fault.IsNews(err):
	case err != nil:
		k.log.Error("not all certificates can be read; those read before stay in use", "err", err)
	default:
		k.log.Info("all certificates can be read again")
	}
}
