package config

import (
	"reflect"
	"slices"
)

// FixedSettings names the settings of another configuration that differ and
// that a running sluice does not take over.
func (c Config) FixedSettings(other Config) []string {
	var changed []string
	differs := func(name string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			changed = append(changed, name)
		}
	}
	differs("lb", c.LB.fixed(), other.LB.fixed())
	differs("admin", c.Admin, other.Admin)
	differs("log_format", c.LogFormat, other.LogFormat)
	differs("log_file", c.LogFile, other.LogFile)
	differs("syslog", c.Syslog, other.Syslog)
	if len(c.LB.Listeners) > 0 {
		differs("fabio.register", c.Fabio.Register, other.Fabio.Register)
		if !SameFeed(c, other) {
			changed = append(changed, "consul or catalog")
		}
	}
	return slices.Clip(changed)
}

// fixed is what a running load balancer does not take over: all but what tables
// are built by.
func (l LB) fixed() LB {
	l.Guard, l.Failover, l.Locality, l.Health, l.Auth, l.SocketFolders = LBGuard{}, nil, LBLocality{}, LBHealth{}, nil, nil
	return l
}

// SameFeed reports whether two configurations ask the same sources in the same
// way.
func SameFeed(a, b Config) bool {
	return reflect.DeepEqual(a.Consul, b.Consul) && reflect.DeepEqual(a.Nomad, b.Nomad) &&
		reflect.DeepEqual(a.Vault, b.Vault) && a.Catalog == b.Catalog && a.Fabio.Registry == b.Fabio.Registry &&
		a.MaxStale == b.MaxStale && a.BlockQueryWait == b.BlockQueryWait
}
