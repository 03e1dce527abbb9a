package target

import (
	"cmp"
	"crypto/tls"
	"net"
)

// TLS is for connections to a target that has it. It is the caller's.
func (k Key) TLS() *tls.Config {
	c := k.Transport.Config()
	if c == nil {
		c = &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: k.ServerName,
			InsecureSkipVerify: k.SkipVerify, //nolint:gosec // as the tag asks
		}
	}
	if host, _, err := net.SplitHostPort(k.Host()); err == nil {
		c.ServerName = cmp.Or(c.ServerName, host)
	}
	c.ServerName = cmp.Or(c.ServerName, k.Host())
	return c
}
