package tlsconf

import (
	"crypto/tls"
	"net/netip"
	"strings"
	"time"
)

// issued is what an issuer has for a name. Its mutex guards it.
type issued struct {
	name        string
	certificate *tls.Certificate // nil before the first one
	due         time.Time        // when there is to be another one
	asked       time.Time        // for the last time

	pending chan struct{} // closed when the attempt under way has ended; nil without one
	err     error         // of the last attempt
}

func (n *issued) isGood(now time.Time) bool {
	return n.certificate != nil && now.Before(n.certificate.Leaf.NotAfter)
}

// isDue reports whether a certificate is to be issued. After a failure that is
// not before a while, even if there is none.
func (n *issued) isDue(now time.Time) bool { return n.pending == nil && !now.Before(n.due) }

// settle takes in what an attempt ended with, and reports whether that is
// another failure than the last one.
func (n *issued) settle(c *tls.Certificate, err error, before time.Duration) (news bool) {
	news = err != nil && (n.err == nil || n.err.Error() != err.Error())
	close(n.pending)
	n.pending, n.err = nil, err
	if err != nil {
		n.due = time.Now().Add(issueAgain)
		return news
	}
	life := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)
	n.certificate, n.due = c, c.Leaf.NotAfter.Add(-min(before, life/2))
	return false
}

// NameToIssue is the host name a client asks for, in lower case. It is not ok if
// that is no name a certificate can be asked for: an address, a pattern, or
// anything else than letters, digits and hyphens (RFC 1123).
func NameToIssue(serverName string) (name string, ok bool) {
	const maxName, maxLabel = 253, 63
	name = strings.ToLower(strings.TrimSuffix(serverName, "."))
	if name == "" || len(name) > maxName {
		return "", false
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return "", false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
		if strings.ContainsFunc(label, func(r rune) bool { return r != '-' && (r < 'a' || 'z' < r) && (r < '0' || '9' < r) }) {
			return "", false
		}
	}
	return name, true
}
