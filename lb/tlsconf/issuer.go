package tlsconf

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxIssued bounds the names certificates are kept for.
	maxIssued = 1000
	// New names are bounded too: anyone can ask for any name, and whoever issues
	// keeps record of each certificate.
	newNamesAtOnce, newNamesPerSecond = 200, 5
	// issuing is how many certificates are issued at a time, each within
	// issueTimeout, for which a client waits as long.
	issuing      = 4
	issueTimeout = 10 * time.Second
	// issueAgain is how long a failure counts.
	issueAgain = 5 * time.Second
)

// IssueFunc has a certificate issued for a host name, which is in lower case.
type IssueFunc func(ctx context.Context, name string) (Pair, error)

// Issuer has a certificate issued for each name a client asks for, and another
// one before it ends, as long as clients ask for it. Its methods may be called
// from any goroutine.
//
// A handshake waits for a certificate only if there is none that is good.
type Issuer struct {
	issue  IssueFunc
	before time.Duration
	log    *slog.Logger
	fresh  *rate.Limiter // for new names
	queue  chan *issued  // for all of names
	ended  chan struct{} // closed when Run has ended

	mu    sync.Mutex
	names map[string]*issued
}

// NewIssuer returns one that replaces a certificate so long before it ends, but
// not in the first half of its life. It issues none before Run is called.
func NewIssuer(issue IssueFunc, before time.Duration, log *slog.Logger) *Issuer {
	return &Issuer{
		issue: issue, before: before, log: log,
		fresh: rate.NewLimiter(newNamesPerSecond, newNamesAtOnce),
		queue: make(chan *issued, maxIssued),
		ended: make(chan struct{}),
		names: map[string]*issued{},
	}
}

// Run issues certificates until ctx ends. It is called once.
func (i *Issuer) Run(ctx context.Context) {
	defer close(i.ended)
	var workers sync.WaitGroup
	for range issuing {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case n := <-i.queue:
					i.attempt(ctx, n)
				}
			}
		})
	}
	workers.Wait()
}

// attempt has one certificate issued.
func (i *Issuer) attempt(ctx context.Context, n *issued) {
	ctx, cancel := context.WithTimeout(ctx, issueTimeout)
	defer cancel()
	c, err := i.certified(ctx, n.name)
	i.mu.Lock()
	news := n.settle(c, err, i.before)
	i.mu.Unlock()
	switch {
	case err == nil:
		i.log.Info("certificate issued", "name", n.name, "until", c.Leaf.NotAfter)
	case news:
		i.log.Error("no certificate was issued", "name", n.name, "err", err)
	}
}

func (i *Issuer) certified(ctx context.Context, name string) (*tls.Certificate, error) {
	pair, err := i.issue(ctx, name)
	if err != nil {
		return nil, err
	}
	c, err := pair.parse()
	if err != nil {
		return nil, err
	}
	if !time.Now().Before(c.Leaf.NotAfter) {
		return nil, fmt.Errorf("certificate %s: it ended at %v, before it was issued", name, c.Leaf.NotAfter)
	}
	return c, nil
}

var (
	errNotIssued = errors.New("no certificate was issued in time")
	errTooMany   = errors.New("certificates for too many new names are asked for")
)

// certificate is a [tls.Config] GetCertificate.
func (i *Issuer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return i.certificateFor(hello.Context(), hello.ServerName)
}

func (i *Issuer) certificateFor(ctx context.Context, serverName string) (*tls.Certificate, error) {
	name, ok := NameToIssue(serverName)
	if !ok {
		return nil, nil // answered by the alert "unrecognized_name"
	}
	n, pending, err := i.find(name)
	if err != nil {
		return nil, err
	}
	if pending != nil {
		patience := time.NewTimer(issueTimeout)
		defer patience.Stop()
		select {
		case <-pending:
		case <-patience.C:
		case <-i.ended:
		case <-ctx.Done():
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if n.isGood(time.Now()) {
		return n.certificate, nil
	}
	return nil, cmp.Or(n.err, errNotIssued)
}

// find returns what there is for a name. If that is nothing good, pending is
// closed when there is.
func (i *Issuer) find(name string) (n *issued, pending <-chan struct{}, err error) {
	now := time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	n = i.names[name]
	if n == nil {
		if !i.fresh.AllowN(now, 1) || !i.makeRoom() {
			return nil, nil, errTooMany
		}
		n = &issued{name: name}
		i.names[name] = n
	}
	n.asked = now
	if n.isDue(now) {
		n.pending = make(chan struct{})
		i.queue <- n // which has room for every name
	}
	if n.isGood(now) {
		return n, nil, nil
	}
	return n, n.pending, nil
}

// makeRoom forgets the name that was asked for the longest time ago, if there is
// no room for another one. It reports whether there is.
func (i *Issuer) makeRoom() bool {
	if len(i.names) < maxIssued {
		return true
	}
	var oldest *issued
	for _, n := range i.names {
		if n.pending == nil && (oldest == nil || n.asked.Before(oldest.asked)) {
			oldest = n
		}
	}
	if oldest == nil {
		return false
	}
	delete(i.names, oldest.name)
	return true
}

// Certificates lists those in force by name.
func (i *Issuer) Certificates() []Certificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []Certificate
	for _, n := range i.names {
		if n.isGood(time.Now()) {
			all = append(all, certificateOf(n.name, n.certificate))
		}
	}
	slices.SortFunc(all, func(a, b Certificate) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
