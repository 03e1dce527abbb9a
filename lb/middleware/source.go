package middleware

import (
	"net/netip"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// source says whose requests count together.
type source struct {
	client clientAddress
	header string
	host   bool
}

func newSource(s *spec.SourceCriterion) (source, error) {
	if s == nil {
		return source{}, nil
	}
	if s.IPStrategy != nil {
		client, err := newClientAddress(s.IPStrategy)
		return source{client: client}, err
	}
	return source{header: s.RequestHeader, host: s.RequestHeader == "" && s.RequestHost}, nil
}

// client is one source: an address or a text. All who cannot be told apart are one.
type client struct {
	address netip.Addr
	text    string
}

// kept is the client with memory of its own.
func (c client) kept() client { return client{c.address, strings.Clone(c.text)} }

// of names the source of an exchange. The text is the exchange's.
func (s source) of(x *lb.Exchange) (c client) {
	switch {
	case s.header != "":
		c.text = x.Header.Get(s.header)
	case s.host:
		c.text = x.Request.Host
	default:
		if a, ok := s.client.of(x); ok {
			c.address = a
		}
	}
	return c
}
