package config

import (
	"cmp"

	"github.com/sluiceproxy/sluice/watch/dial"
)

// target is how a server at address is reached. An address without a scheme is
// https if TLS is enabled, or by default if secure.
func (s SSL) target(address string, t Transport, secure bool, userAgent string) dial.Target {
	return dial.Target{
		Address:   address,
		UserAgent: userAgent,
		TLS: dial.TLS{
			Wanted:      s.Enabled.Or(secure || s != SSL{}),
			SkipVerify:  !s.Verify.Or(true),
			CACert:      s.CACert,
			CACertBytes: s.CACertBytes,
			CAPath:      s.CAPath,
			Cert:        s.Cert,
			Key:         s.Key,
			ServerName:  s.ServerName,
		},
		Transport: dial.Transport{
			DialTimeout:         t.DialTimeout,
			DialKeepAlive:       t.DialKeepAlive,
			TLSHandshakeTimeout: t.TLSHandshakeTimeout,
			IdleTimeout:         t.IdleConnTimeout,
			MaxIdle:             cmp.Or(t.MaxIdleConnsPerHost, t.MaxIdleConns),
			MaxConnections:      t.MaxConnsPerHost,
			DisableKeepAlives:   t.DisableKeepAlives,
		},
	}
}

// validateRemote adds the faults of what the stanzas of servers have in common.
func validateRemote(f *faultList, stanza string, s SSL, r Retry) {
	if s.Key != "" && s.Cert == "" {
		f.addf("%s.ssl.key is set without %s.ssl.cert", stanza, stanza)
	}
	f.notNegative(stanza+".retry.backoff", r.Backoff)
	f.notNegative(stanza+".retry.max_backoff", r.MaxBackoff)
}
