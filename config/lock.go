package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/watch/consul"
)

// Lock is one of Consul, without which a command does not run. It is set if
// it has a key.
type Lock struct {
	Key string `hcl:"key"`
	// Limit is how many hosts may have it at a time; 1 if not set.
	Limit Optional[int] `hcl:"limit"`
	// Hold is how long it is kept after the command.
	Hold time.Duration `hcl:"hold"`
}

func (l Lock) validate(at string, f *faultList) {
	if l == (Lock{}) {
		return
	}
	if strings.Trim(l.Key, "/") == "" {
		f.addf("%s.key is missing: the path in Consul's KV store below which the lock is", at)
	}
	if n := l.Limit.Or(1); n < 1 || n > consul.MaxLockLimit {
		f.addf("%s.limit must be from 1 to %d, not %d", at, consul.MaxLockLimit, n)
	}
	f.notNegative(at+".hold", l.Hold)
}

func (l Lock) renderLock() render.Lock {
	if l.Key == "" {
		return render.Lock{}
	}
	return render.Lock{Key: strings.Trim(l.Key, "/"), Limit: l.Limit.Or(1), Hold: l.Hold}
}

// ValidateLocks finds locks where there is no Consul to take them from.
func (c Config) ValidateLocks() error {
	if c.Catalog.Path == "" {
		return nil
	}
	var f faultList
	for _, t := range c.Templates {
		if t.Lock.Key != "" {
			f.addf("%s: template: the lock %q is one of Consul, in whose place there is the catalog %s", t.Origin, t.Lock.Key, c.Catalog.Path)
		}
	}
	return errors.Join(f...)
}

// NewLocker makes what lends the locks of commands; nil if none has one.
func (c Config) NewLocker(k consul.Config) (*consul.Locker, error) {
	if err := c.ValidateLocks(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(c.Templates, func(t Template) bool { return t.Lock.Key != "" }) {
		return nil, nil
	}
	return consul.NewLocker(k)
}
