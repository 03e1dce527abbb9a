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
	host, _, _ := net.SplitHostPort(k.Address)
	c.ServerName = cmp.Or(c.ServerName, host)
	return c
}
