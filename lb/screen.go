package lb

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// What may be done about fields with an underscore in their names, which many
// upstreams cannot tell from the same with a hyphen.
const (
	UnderscoresKeep   = "keep"
	UnderscoresDelete = "delete"
	UnderscoresReject = "reject"
)

// EncodedCharacters are what [ServerOptions].RejectEncoded may name: characters
// that mean something else in a path once somebody decodes it.
var EncodedCharacters = map[string]string{
	"slash": "%2F", "backslash": "%5C", "semicolon": "%3B", "percent": "%25", "question_mark": "%3F", "hash": "%23",
}

// screen answers exchanges that are not to be routed, and reports whether it did.
func (s *Server) screen(x *Exchange) (answered bool) {
	if x.entry.sniHost && !x.isAsAgreed() {
		return x.refuse(&refusal{http.StatusMisdirectedRequest, fmt.Errorf("TLS was agreed for %q", x.TLS.ServerName)})
	}
	if refused := s.screenFields(x); refused != nil {
		return x.refuse(refused)
	}
	if refused := s.screenPath(x.RawPath); refused != nil {
		return x.refuse(refused)
	}
	if len(s.options.ACME) > 0 && s.answerChallenge(x) {
		return true
	}
	if to := x.entry.redirectPort; to != "" {
		return redirectToHTTPS(x, to)
	}
	if most := s.options.MaxCallMessage; most > 0 && x.isCall() {
		x.limitMessages(most)
	}
	if most := x.entry.limits.bodyBytes; most > 0 && x.Body != nil {
		if x.Length > most {
			return x.refuse(&refusal{http.StatusRequestEntityTooLarge, errBodyTooLarge})
		}
		if x.Length < 0 {
			x.Body = &limitedBody{x.Body, most}
		}
	}
	return false
}

func (x *Exchange) refuse(r *refusal) bool {
	x.Outcome.Err = r.err
	x.AnswerText(r.status, refusalText(r.status))
	return true
}

// isAsAgreed reports whether the host is the one TLS was agreed for; see
// [listener.SNIHostMode].
func (x *Exchange) isAsAgreed() bool {
	host := x.Request.Host
	if x.TLS.ServerName == "" {
		_, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return err == nil
	}
	return strings.EqualFold(host, x.TLS.ServerName)
}

var errUnderscore = errors.New("a field's name holds an underscore")

func (s *Server) screenFields(x *Exchange) *refusal {
	hasUnderscore := func(name string) bool { return strings.IndexByte(name, '_') >= 0 }
	switch s.options.Underscores {
	case UnderscoresDelete:
		x.Header.DelFunc(hasUnderscore)
	case UnderscoresReject:
		for name := range x.Header.All() {
			if hasUnderscore(name) {
				return &refusal{http.StatusBadRequest, errUnderscore}
			}
		}
	}
	return nil
}

func (s *Server) screenPath(raw string) *refusal {
	if len(s.encoded) == 0 || strings.IndexByte(raw, '%') < 0 {
		return nil
	}
	for i := 0; i+3 <= len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		for _, code := range s.encoded {
			if strings.EqualFold(raw[i:i+3], code) {
				return &refusal{http.StatusBadRequest, fmt.Errorf("the path holds %s, which is not let through", code)}
			}
		}
	}
	return nil
}

// redirectToHTTPS answers with the same place on another listener.
func redirectToHTTPS(x *Exchange, port string) bool {
	host, _, err := net.SplitHostPort(x.Authority)
	if err != nil {
		host = x.Authority
	}
	if host = strings.Trim(host, "[]"); host == "" {
		return x.refuse(&refusal{http.StatusBadRequest, errors.New("a redirect needs a host")})
	}
	switch {
	case port != "443":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	status := http.StatusPermanentRedirect
	if x.Request.Method == http.MethodGet || x.Request.Method == http.MethodHead {
		status = http.StatusMovedPermanently // which caches and old clients know
	}
	h := &Header{}
	h.Add("Location", "https://"+host+x.RawPath+x.RawQuery)
	x.Answer(status, h, "")
	return true
}

// redirectPort is where a listener redirects to; empty if it does not.
func (s *Server) redirectPort(l *listener.Listener) (string, error) {
	if l.RedirectTo == "" {
		return "", nil
	}
	if port, ok := strings.CutPrefix(l.RedirectTo, ":"); ok {
		return port, nil
	}
	_, aliases := listener.Entrypoints(s.options.Listeners)
	for i := range s.options.Listeners {
		to := &s.options.Listeners[i]
		if to.Name != l.RedirectTo && to.Entrypoint() != aliases[l.RedirectTo] || !to.HasTLS() {
			continue
		}
		_, port, err := net.SplitHostPort(to.Address)
		if n, _ := strconv.Atoi(port); err != nil || n == 0 {
			return "", fmt.Errorf("listener %s: the port of %s is not known: redirect=:PORT says it", l.Address, to.Address)
		}
		return port, nil
	}
	return "", fmt.Errorf("listener %s: there is no listener with TLS to redirect to by the name %q", l.Address, l.RedirectTo)
}

var errBodyTooLarge = errors.New("the request's body is larger than allowed")

// limitedBody is a body of unknown length that must not be longer than left.
type limitedBody struct {
	io.Reader
	left int64
}

// Read implements [io.Reader].
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errBodyTooLarge
	}
	return n, err
}

// Interrupt implements [h1.Interrupter].
func (b *limitedBody) Interrupt() { h1.Interrupt(b.Reader) }

// Resume implements [h1.Interrupter].
func (b *limitedBody) Resume() { h1.Resume(b.Reader) }
