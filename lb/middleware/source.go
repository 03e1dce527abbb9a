package middleware

import (
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

// of names the source of an exchange. The text is the exchange's.
func (s source) of(x *lb.Exchange) string {
	switch {
	case s.header != "":
		return x.Header.Get(s.header)
	case s.host:
		return x.Request.Host
	}
	a, ok := s.client.of(x)
	if !ok {
		return "" // all who cannot be told apart are one
	}
	return a.String()
}
