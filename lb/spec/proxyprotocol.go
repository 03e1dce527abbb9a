package spec

import (
	"cmp"
	"fmt"
)

// ProxyProtocol has servers told of the client by a header of the PROXY protocol at
// the start of a connection.
type ProxyProtocol struct {
	Version int `key:"version"` // 0: 2
}

// Validate reports a version that there is not.
func (p *ProxyProtocol) Validate() error {
	if p.Version < 0 || p.Version > 2 {
		return fmt.Errorf("proxyprotocol.version is 1 or 2, not %d", p.Version)
	}
	return nil
}

// VersionSent is the version of the header to send; 0 is none. p may be nil.
func (p *ProxyProtocol) VersionSent() int {
	if p == nil {
		return 0
	}
	return cmp.Or(p.Version, 2)
}
