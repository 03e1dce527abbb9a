package tlsconf

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Store holds the certificates in force. Its methods may be called from any
// goroutine. The zero value is ready to use and holds none.
type Store struct {
	mu    sync.Mutex // for changes
	pairs map[string]storedPair

	current   atomic.Pointer[set]
	clientCAs Authorities
}

type storedPair struct {
	place       int // among those it came with: the first is for all other names
	digest      [sha256.Size]byte
	certificate *tls.Certificate
}

// errNothing is why a change to no certificate at all is not made.
var errNothing = errors.New("there is no certificate in it")

// Replace puts pairs in the place of those there are, and reports whether that
// changed anything. Of a pair that is broken the good one of the same name is
// kept; the error joins what is wrong with each. If nothing would be left,
// nothing is changed.
func (s *Store) Replace(pairs []Pair) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	next := make(map[string]storedPair, len(pairs))
	for place, p := range pairs {
		old, known := s.pairs[p.Name]
		old.place = place
		digest := p.digest()
		if known && old.digest == digest {
			next[p.Name] = old
			continue
		}
		certificate, err := p.parse()
		switch {
		case err == nil:
			next[p.Name], changed = storedPair{place, digest, certificate}, true
		case known:
			next[p.Name] = old
			fallthrough
		default:
			errs = append(errs, err)
		}
	}
	if len(next) == 0 {
		return false, errors.Join(append(errs, errNothing)...)
	}
	if changed = changed || len(next) != len(s.pairs); changed {
		s.pairs = next
		s.current.Store(newSet(s.inOrder()))
	}
	return changed, errors.Join(errs...)
}

func (s *Store) inOrder() []*tls.Certificate {
	pairs := slices.SortedFunc(maps.Values(s.pairs), func(a, b storedPair) int { return cmp.Compare(a.place, b.place) })
	all := make([]*tls.Certificate, len(pairs))
	for i, p := range pairs {
		all[i] = p.certificate
	}
	return all
}

// Empty reports whether there is no certificate yet.
func (s *Store) Empty() bool { return s.current.Load() == nil }

// Certificate is one of a store's, for people.
type Certificate struct {
	Name string
	// Hosts are the names it is for.
	Hosts []string
	// Until is when it expires.
	Until time.Time
	// Leaf is the certificate itself, which must not be changed.
	Leaf *x509.Certificate
}

// Certificates lists those in force by name.
func (s *Store) Certificates() []Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Certificate
	for name, p := range s.pairs {
		all = append(all, certificateOf(name, p.certificate))
	}
	slices.SortFunc(all, func(a, b Certificate) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func certificateOf(name string, c *tls.Certificate) Certificate {
	hosts := slices.Clone(c.Leaf.DNSNames)
	for _, ip := range c.Leaf.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	if cn := c.Leaf.Subject.CommonName; cn != "" && !slices.Contains(hosts, cn) {
		hosts = append(hosts, cn)
	}
	return Certificate{Name: name, Hosts: hosts, Until: c.Leaf.NotAfter, Leaf: c.Leaf}
}

// SetClientCAs sets the authorities whose clients are let in, from PEM. It
// changes nothing if there is no certificate in it.
func (s *Store) SetClientCAs(pem ...[]byte) error { return s.clientCAs.Set(pem...) }
