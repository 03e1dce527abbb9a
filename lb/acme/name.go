package acme

import (
	"crypto/tls"
	"strings"
	"time"
)

// How often is looked whether a certificate is to be renewed, or was by another
// one: this often, or so many times in its life if that is short.
const (
	checkEvery  = time.Hour
	checksALife = 24
)

// name is what a client has for a name. The client's mutex guards it, but for text
// and loaded.
type name struct {
	text   string
	wanted bool
	queued bool      // it is being settled, or about to be
	due    time.Time // when it is to be settled again
	// loaded is closed when the storage was looked into for the first time.
	loaded chan struct{}

	certificate *tls.Certificate // nil without one
	failures    int              // since the last success
	err         error            // of the last attempt
}

// wildcardFor is what stands for a name and all beside it, "*.example.com" for
// "a.example.com". It is empty for names that nothing else stands for.
func wildcardFor(text string) string {
	label, parent, ok := strings.Cut(text, ".")
	if !ok || label == "*" {
		return ""
	}
	return "*." + parent
}

func newName(text string) *name { return &name{text: text, loaded: make(chan struct{})} }

// isNew reports whether the storage was not looked into yet. It is for who settles
// the name.
func (n *name) isNew() bool {
	select {
	case <-n.loaded:
		return false
	default:
		return true
	}
}

// isOver reports whether there is nothing more to be had of a name nobody wants.
func (n *name) isOver(now time.Time) bool {
	return n.certificate == nil || now.After(n.certificate.Leaf.NotAfter)
}

// load takes in what the storage has, nil for nothing.
func (n *name) load(certificate *tls.Certificate) {
	n.certificate = certificate
	close(n.loaded)
}

// countFailure is for who settles the name.
func (n *name) countFailure() int {
	n.failures++
	return n.failures
}

// settle takes in what an attempt ended with. It reports whether the certificate
// is another one than before, and whether the error is news.
func (n *name) settle(certificate *tls.Certificate, err error, again time.Time) (replaced, news bool) {
	news = (err == nil) != (n.err == nil) || err != nil && err.Error() != n.err.Error()
	n.err, n.due = err, again
	if err == nil {
		n.failures = 0
	}
	if certificate != nil {
		replaced = n.certificate == nil || !n.certificate.Leaf.Equal(certificate.Leaf)
		n.certificate = certificate
	}
	return replaced, news
}

// checkAgain is how long a certificate may be left alone.
func checkAgain(c *tls.Certificate) time.Duration {
	if c == nil {
		return checkEvery
	}
	return min(checkEvery, c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)/checksALife)
}
