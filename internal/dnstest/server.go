// Package dnstest has a DNS server for tests, whose zones take updates (RFC 2136).
package dnstest

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server is authoritative for its zones. It ends with the test.
type Server struct {
	// Address is where it listens, HOST:PORT.
	Address string

	zones []string
	ns    string

	mu      sync.Mutex
	records map[string][]dns.RR // by name in lower case
	updates int
	failing bool
}

// Start starts a server at a loopback address for zones, "example.test", which have
// ns for their only name server.
func Start(t testing.TB, ns string, zones ...string) *Server {
	t.Helper()
	packets, streams := listen(t)
	s := &Server{Address: packets.LocalAddr().String(), ns: dns.Fqdn(ns), records: map[string][]dns.RR{}}
	for _, z := range zones {
		s.zones = append(s.zones, dns.Fqdn(z))
	}
	accept := func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
	s.serve(t, &dns.Server{PacketConn: packets, Handler: s, MsgAcceptFunc: accept})
	s.serve(t, &dns.Server{Listener: streams, Handler: s, MsgAcceptFunc: accept})
	return s
}

// listen finds a port that is free for both ways to ask.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 100 {
		streams, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if packets, err := net.ListenPacket("udp", streams.Addr().String()); err == nil {
			return packets, streams
		}
		streams.Close()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

func (*Server) serve(t testing.TB, server *dns.Server) {
	t.Helper()
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.ActivateAndServe(); err != nil {
			t.Error(err)
		}
	})
	<-started
	t.Cleanup(func() {
		_ = server.Shutdown()
		serving.Wait()
	})
}

// SetFailing has it refuse all questions.
func (s *Server) SetFailing(failing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = failing
}

// Updates counts the changes it was asked for.
func (s *Server) Updates() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates
}

// Add takes in records in the notation of zone files.
func (s *Server) Add(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		r, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.add(r)
		s.mu.Unlock()
	}
}

// Records are those there are, in the notation of zone files.
func (s *Server) Records() (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, records := range s.records {
		for _, r := range records {
			texts = append(texts, r.String())
		}
	}
	slices.Sort(texts)
	return texts
}

// ServeDNS implements [dns.Handler].
func (s *Server) ServeDNS(w dns.ResponseWriter, m *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := new(dns.Msg).SetReply(m)
	reply.Authoritative, reply.RecursionAvailable = true, true
	switch {
	case s.failing || len(m.Question) != 1:
		reply.Rcode = dns.RcodeRefused
	case m.Opcode == dns.OpcodeUpdate:
		s.update(m)
	default:
		s.answer(m.Question[0], reply)
	}
	_ = w.WriteMsg(reply)
}

func (s *Server) answer(q dns.Question, reply *dns.Msg) {
	name := strings.ToLower(q.Name)
	h := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
	switch atApex := slices.Contains(s.zones, name); {
	case atApex && q.Qtype == dns.TypeNS:
		reply.Answer = append(reply.Answer, &dns.NS{Hdr: h, Ns: s.ns})
	case atApex && q.Qtype == dns.TypeSOA:
		reply.Answer = append(reply.Answer, &dns.SOA{Hdr: h, Ns: s.ns, Mbox: "hostmaster." + name, Serial: 1, Refresh: 1, Retry: 1, Expire: 1, Minttl: 1})
	default:
		for _, r := range s.records[name] {
			if r.Header().Rrtype == q.Qtype {
				reply.Answer = append(reply.Answer, r)
			}
		}
		if len(s.records[name]) == 0 && !atApex {
			reply.Rcode = dns.RcodeNameError
		}
	}
}

// update makes the changes of RFC 2136 §2.5.
func (s *Server) update(m *dns.Msg) {
	s.updates++
	for _, r := range m.Ns {
		h := r.Header()
		name := strings.ToLower(h.Name)
		switch h.Class {
		case dns.ClassANY:
			s.records[name] = slices.DeleteFunc(s.records[name], func(old dns.RR) bool { return h.Rrtype == dns.TypeANY || old.Header().Rrtype == h.Rrtype })
		case dns.ClassNONE:
			gone := dns.Copy(r)
			gone.Header().Class = dns.ClassINET
			s.records[name] = slices.DeleteFunc(s.records[name], func(old dns.RR) bool { return dns.IsDuplicate(old, gone) })
		default:
			s.add(r)
		}
	}
}

func (s *Server) add(r dns.RR) {
	name := strings.ToLower(r.Header().Name)
	s.records[name] = append(s.records[name], r)
}
