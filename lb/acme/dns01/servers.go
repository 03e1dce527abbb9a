package dns01

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	resolvConf = "/etc/resolv.conf"
	// asking is how long a server has for an answer.
	asking = 5 * time.Second
)

// servers are the DNS servers that are asked.
type servers struct {
	resolvers []string // HOST:PORT
	port      string   // of the servers of zones
}

// newServers are those named, or those of the system if there are none.
func newServers(named []string) servers {
	if len(named) == 0 {
		named = []string{"127.0.0.1"} // as the C library does
		if c, err := dns.ClientConfigFromFile(resolvConf); err == nil && len(c.Servers) > 0 {
			named = c.Servers
		}
	}
	s := servers{port: "53"}
	for _, server := range named {
		s.resolvers = append(s.resolvers, withPort(server))
	}
	return s
}

// check reports who does not have the TXT record that should have it.
func (s *servers) check(ctx context.Context, o *Options, name, value string) error {
	if o.RequireResolvers {
		for _, r := range s.resolvers {
			if err := s.has(ctx, r, true, name, value); err != nil {
				return err
			}
		}
	}
	if o.DisableServers {
		return nil
	}
	all, err := s.ofZone(ctx, name)
	if err != nil {
		return err
	}
	for _, server := range all {
		if err := s.has(ctx, net.JoinHostPort(server, s.port), false, name, value); err != nil {
			return err
		}
	}
	return nil
}

// has reports that a server does not have a record, or why it is not known.
func (s *servers) has(ctx context.Context, server string, recursive bool, name, value string) error {
	answer, err := ask(ctx, []string{server}, recursive, name, dns.TypeTXT)
	if err != nil {
		return err
	}
	for _, r := range answer {
		if txt, ok := r.(*dns.TXT); ok && strings.Join(txt.Txt, "") == value {
			return nil
		}
	}
	return fmt.Errorf("%s does not have it", server)
}

// ofZone finds the servers of the zone a name is in: those of the longest part of
// it that has some.
func (s *servers) ofZone(ctx context.Context, name string) ([]string, error) {
	for zone, ok := dns.Fqdn(name), true; ok; {
		answer, err := ask(ctx, s.resolvers, true, zone, dns.TypeNS)
		if err != nil {
			return nil, err
		}
		var all []string
		for _, r := range answer {
			if ns, ok := r.(*dns.NS); ok && strings.EqualFold(ns.Hdr.Name, zone) {
				all = append(all, strings.TrimSuffix(ns.Ns, "."))
			}
		}
		if len(all) > 0 {
			slices.Sort(all)
			return all, nil
		}
		i, end := dns.NextLabel(zone, 0)
		zone, ok = zone[min(i, len(zone)):], !end
	}
	return nil, fmt.Errorf("the resolvers (%s) know no servers of the zone of %s", strings.Join(s.resolvers, ", "), name)
}

// ask returns the answer of the first of some servers that has one. There being
// no such name is an answer too.
func ask(ctx context.Context, servers []string, recursive bool, name string, kind uint16) ([]dns.RR, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	question.RecursionDesired = recursive
	question.SetEdns0(1232, false)
	var errs []error
	for _, server := range servers {
		reply, _, err := (&dns.Client{Timeout: asking}).ExchangeContext(ctx, question, server)
		if err == nil && reply.Truncated {
			reply, _, err = (&dns.Client{Net: "tcp", Timeout: asking}).ExchangeContext(ctx, question, server)
		}
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("asking %s: %w", server, err))
		case reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError:
			errs = append(errs, fmt.Errorf("asking %s for %s: it answers %s", server, name, dns.RcodeToString[reply.Rcode]))
		default:
			return reply.Answer, nil
		}
	}
	return nil, errors.Join(errs...)
}
