package config

import (
	"cmp"
	"log/slog"

	"github.com/sluiceproxy/sluice/watch/consul"
)

// AsksConsul reports whether services come from Consul.
func (c Config) AsksConsul() bool {
	return c.Catalog.Path == "" && !c.Catalog.None && !c.Fabio.Registry.ReplacesConsul()
}

// ConsulConfig is what flags and files say of Consul; the environment may say
// the rest.
func (c Config) ConsulConfig(log *slog.Logger) consul.Config {
	k := c.Consul
	out := consul.Config{
		Address:    k.Address,
		Token:      k.Token,
		TokenFile:  k.TokenFile,
		Datacenter: k.Datacenter,
		Namespace:  k.Namespace,
		Partition:  k.Partition,
		SSL: consul.SSL{
			Enabled:     switchOf(k.SSL.Enabled),
			Verify:      switchOf(k.SSL.Verify),
			CACert:      k.SSL.CACert,
			CACertBytes: k.SSL.CACertBytes,
			CAPath:      k.SSL.CAPath,
			Cert:        k.SSL.Cert,
			Key:         k.SSL.Key,
			ServerName:  k.SSL.ServerName,
		},
		Transport: consul.Transport{
			DialTimeout:         k.Transport.DialTimeout,
			DialKeepAlive:       k.Transport.DialKeepAlive,
			TLSHandshakeTimeout: k.Transport.TLSHandshakeTimeout,
			IdleTimeout:         k.Transport.IdleConnTimeout,
			MaxIdle:             cmp.Or(k.Transport.MaxIdleConnsPerHost, k.Transport.MaxIdleConns),
			DisableKeepAlives:   k.Transport.DisableKeepAlives,
		},
		Mode:           consul.Mode(k.Mode),
		UserAgent:      c.userAgent(),
		MaxConnections: k.Connections(),
		Logger:         log,
	}
	if k.Auth.Enabled.Or(k.Auth.Username != "") {
		out.Auth = consul.Auth{Username: k.Auth.Username, Password: k.Auth.Password}
	}
	if c.MaxStale == 0 && out.Mode == consul.Stale {
		out.Mode = consul.Default // as consul-template: 0 always asks the leader
	}
	return out
}

// Connections is the budget, or less where the transport has a lower limit.
func (k Consul) Connections() int {
	if k.Transport.MaxConnsPerHost > 0 {
		return min(k.MaxConnections, k.Transport.MaxConnsPerHost)
	}
	return k.MaxConnections
}

func switchOf(o Optional[bool]) consul.Switch {
	if !o.Set {
		return consul.Unset
	}
	return consul.Set(o.Value)
}

// userAgent is what requests to Consul, Vault and Nomad call their sender.
func (c Config) userAgent() string { return Program + "/" + c.version }
