package acme

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/certmagic"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// Anyone can ask for what only authorities should, and what was not begun here is
// looked for in the storage.
const lookupsPerSecond, lookupsAtOnce = 20, 100

// mayLookUp reports whether the answer to a challenge for a name may be looked for.
// Whoever asks for names of their own making takes nothing from names that are
// wanted here.
func (c *Client) mayLookUp(name string) bool {
	if _, ours := certmagic.GetACMEChallenge(name); ours {
		return true
	}
	c.mu.Lock()
	wanted := c.names[strings.ToLower(name)] != nil
	c.mu.Unlock()
	if wanted {
		return c.lookups.Allow()
	}
	return c.strangers.Allow()
}

// HTTPChallenge returns the answer to a challenge by HTTP for a path of a host. It
// is not ok if none is under way for that, here or elsewhere: then it is a request
// as any other.
func (c *Client) HTTPChallenge(ctx context.Context, host, path string) (text string, ok bool) {
	e := c.engine.Load()
	if e == nil || c.options.Challenge != ChallengeHTTP || !strings.HasPrefix(path, tlsconf.ChallengePath) || !c.mayLookUp(host) {
		return "", false
	}
	r := &http.Request{Method: http.MethodGet, Host: host, URL: &url.URL{Path: path}, RequestURI: path, Header: http.Header{}}
	var page page
	ok = e.issuer.HandleHTTPChallenge(&page, r.WithContext(ctx))
	return string(page.body), ok
}

// page is what the library writes for an answer.
type page struct {
	header http.Header
	body   []byte
}

func (p *page) Header() http.Header {
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}

func (p *page) Write(text []byte) (int, error) {
	p.body = append(p.body, text...)
	return len(text), nil
}

func (*page) WriteHeader(int) {}

// TLSChallenge returns the certificate that answers a challenge by TLS; nil if none
// is under way for that name, here or elsewhere.
func (c *Client) TLSChallenge(hello *tls.ClientHelloInfo) *tls.Certificate {
	e := c.engine.Load()
	if e == nil || c.options.Challenge != ChallengeTLS || !tlsconf.IsChallenge(hello) || !c.mayLookUp(hello.ServerName) {
		return nil
	}
	certificate, err := e.config.GetCertificate(hello)
	if err != nil {
		return nil // and it is in the log
	}
	return certificate
}
