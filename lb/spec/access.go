package spec

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// IPStrategy says which address is the client's.
type IPStrategy struct {
	// Depth counts from the right in X-Forwarded-For; 0 is the peer's address.
	Depth int `key:"depth"`
	// ExcludedIPs, if Depth is 0, are skipped in X-Forwarded-For from the right.
	ExcludedIPs []string `key:"excludedips"`
	// IPv6Subnet makes one client of an IPv6 network of that many bits.
	IPv6Subnet int `key:"ipv6subnet"`
}

// SourceCriterion says whose requests are counted together. Of several that are
// set, the first in this order counts.
type SourceCriterion struct {
	IPStrategy    *IPStrategy `key:"ipstrategy"`
	RequestHeader string      `key:"requestheadername"`
	RequestHost   bool        `key:"requesthost"`
}

// validate tells if it is not clear what tells sources apart.
func (c *SourceCriterion) validate() error {
	if c == nil {
		return nil
	}
	said := 0
	for _, is := range []bool{c.IPStrategy != nil, c.RequestHeader != "", c.RequestHost} {
		if is {
			said++
		}
	}
	if said > 1 {
		return errors.New("sources are told apart by one of ipstrategy, requestheadername and requesthost, not by several")
	}
	return nil
}

// IPAllowList refuses clients that are in none of the ranges.
type IPAllowList struct {
	SourceRange      []string    `key:"sourcerange"`
	IPStrategy       *IPStrategy `key:"ipstrategy"`
	RejectStatusCode int         `key:"rejectstatuscode"` // 0: 403
	// AnyForwarded accepts a request if any address in X-Forwarded-For is in a
	// range, or else the peer's, as Traefik v1 does.
	AnyForwarded bool
}

// Kind implements [Middleware].
func (*IPAllowList) Kind() string { return "ipallowlist" }

// Validate implements [Middleware].
func (l *IPAllowList) Validate() error {
	if len(l.SourceRange) == 0 {
		return errors.New("there are no source ranges")
	}
	errs := []error{checkAnswer("rejectstatuscode", l.RejectStatusCode)}
	for _, text := range l.SourceRange {
		_, err := ParseRange(text)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// AccessRules are Fabio's: the peer and every address in X-Forwarded-For must be
// in Allow if there are any, and none of them may be in Deny.
type AccessRules struct {
	Allow, Deny []netip.Prefix
}

// Kind implements [Middleware].
func (*AccessRules) Kind() string { return "accessrules" }

// Validate implements [Middleware].
func (*AccessRules) Validate() error { return nil }

// ParseRange reads an address or a CIDR.
func ParseRange(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return p, fmt.Errorf("%q is neither an address nor a CIDR", text)
		}
		return unmapped(p).Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR", text)
	}
	return unmapped(netip.PrefixFrom(a, a.BitLen())), nil
}

// unmapped is the range of IPv4 that one of IPv6 stands for, as in ::ffff:10.0.0.1:
// clients are compared by what they are.
func unmapped(p netip.Prefix) netip.Prefix {
	const mapped = 96
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p
}

// RateLimit bounds the requests of each source: a bucket of Burst tokens, filled
// by Average tokens a Period. An Average of 0 is no limit.
type RateLimit struct {
	Average int64            `key:"average"`
	Period  time.Duration    `key:"period"` // 0: 1 s
	Burst   int64            `key:"burst"`  // 0: 1
	Source  *SourceCriterion `key:"sourcecriterion"`
	// Redis has the buckets shared with other load balancers; nil has not.
	Redis *Redis `key:"redis"`
	// Legacy is as Traefik v1 has it: nobody is made to wait, and the answer says in
	// words when to come again.
	Legacy bool
}

// Kind implements [Middleware].
func (*RateLimit) Kind() string { return "ratelimit" }

// Validate implements [Middleware].
func (r *RateLimit) Validate() error {
	if r.Average < 0 || r.Burst < 0 || r.Period < 0 {
		return errors.New("average, burst and period cannot be below 0")
	}
	return errors.Join(r.Source.validate(), r.Redis.validate())
}

// InFlight bounds the requests of each source that are served at a time.
type InFlight struct {
	Amount int64            `key:"amount"`
	Source *SourceCriterion `key:"sourcecriterion"` // nil: by request host
}

// Kind implements [Middleware].
func (*InFlight) Kind() string { return "inflightreq" }

// Validate implements [Middleware].
func (f *InFlight) Validate() error {
	if f.Amount <= 0 {
		return errors.New("the amount must be above 0")
	}
	return f.Source.validate()
}
