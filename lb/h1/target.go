package h1

import (
	"bytes"
	"net/netip"
	"strings"
)

// targetForm is the form of a request target (RFC 9112 §3.2). The fourth one,
// authority-form, belongs to CONNECT, which is not served.
type targetForm uint8

const (
	originForm targetForm = iota
	absoluteForm
	asteriskForm
)

// parseTarget finds out the form and the parts of the target, except for the
// authority of an absolute one.
func (r *Request) parseTarget(b []byte) *Refusal {
	target := r.target.of(b)
	if len(target) == 0 {
		return errRequestLine
	}
	if !all(target, isTarget) {
		return errTargetByte
	}
	from := r.target.start
	switch {
	case target[0] == '/':
		r.form = originForm
	case len(target) == 1 && target[0] == '*' && view(r.method.of(b)) == "OPTIONS":
		r.form = asteriskForm
		return nil
	default:
		authority, ok := absoluteAuthority(target)
		if !ok {
			return errTarget
		}
		r.form = absoluteForm
		r.authority.sent = span{from + authority.start, from + authority.end}
		from += authority.end
	}
	r.path = span{from, r.target.end}
	if question := bytes.IndexByte(r.path.of(b), '?'); question >= 0 {
		r.path.end = from + uint32(question)
		r.query = span{r.path.end, r.target.end}
	}
	return checkEscapes(r.path.of(b))
}

// absoluteAuthority finds the authority within an absolute http URL.
func absoluteAuthority(target []byte) (authority span, ok bool) {
	colon := bytes.Index(target, []byte("://"))
	if colon < 0 || !EqualNames(view(target[:colon]), "http") && !EqualNames(view(target[:colon]), "https") {
		return span{}, false
	}
	start := colon + len("://")
	end := len(target)
	if slash := bytes.IndexAny(target[start:], "/?"); slash >= 0 {
		end = start + slash
	}
	return span{uint32(start), uint32(end)}, end > start
}

func checkEscapes(path []byte) *Refusal {
	for {
		percent := bytes.IndexByte(path, '%')
		if percent < 0 {
			return nil
		}
		if path = path[percent+1:]; len(path) < 2 || !all(path[:2], isHexDigit) {
			return errTargetEscape
		}
		path = path[2:]
	}
}

// authority is the host a request is for.
type authority struct {
	sent   span   // with the port
	host   span   // without port and trailing dot
	port   uint16 // 0 without one
	dotted bool   // there was a trailing dot
}

// parse takes the authority at sent apart: a name or IPv4 address, or an IPv6
// address in brackets, then an optional port from 1 to 65535. User information
// has no place in it (RFC 9110 §4.2.4).
func (a *authority) parse(b []byte) *Refusal {
	s := a.sent.of(b)
	host := s
	if colon := bytes.LastIndexByte(s, ':'); colon > bytes.LastIndexByte(s, ']') {
		host = s[:colon]
		port, err := parseLength(view(s[colon+1:]))
		if err != nil || port < 1 || port > 65535 || len(s)-colon > len(":65535") {
			return errHost
		}
		a.port = uint16(port)
	}
	if len(host) > 0 && host[0] == '[' {
		if host[len(host)-1] != ']' {
			return errHost
		}
		ip, err := netip.ParseAddr(view(host[1 : len(host)-1]))
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return errHost
		}
	} else {
		a.dotted = len(host) > 0 && host[len(host)-1] == '.'
		if a.dotted {
			host = host[:len(host)-1]
		}
		if len(host) == 0 || host[len(host)-1] == '.' || !all(host, isHost) {
			return errHost
		}
	}
	a.host = span{a.sent.start, a.sent.start + uint32(len(host))}
	return nil
}

// parseHost finds the authority of the request: the target's if it has one,
// else the Host field's. If there are both they must be the same.
func (r *Request) parseHost() *Refusal {
	f := &r.Fields
	if !f.has(kindHost) {
		switch {
		case r.minor > 0:
			return errHostMissing
		case r.form == absoluteForm:
			return r.authority.parse(f.buf)
		}
		return nil // HTTP/1.0 need not say
	}
	if f.twice&(1<<kindHost) != 0 {
		return errHostTwice
	}
	l := f.first(kindHost)
	field := authority{sent: span{l.value, l.valueEnd}}
	if err := field.parse(f.buf); err != nil {
		return err
	}
	if r.form != absoluteForm {
		r.authority = field
		return nil
	}
	if err := r.authority.parse(f.buf); err != nil {
		return err
	}
	if !r.sameAuthority(&field) {
		return errHostMismatch
	}
	return nil
}

// sameAuthority compares the absolute target's authority with the Host field's.
// A port left out is the scheme's.
func (r *Request) sameAuthority(field *authority) bool {
	b := r.Fields.buf
	standard := uint16(80)
	if scheme := r.target.of(b); lower(scheme[len("http")]) == 's' {
		standard = 443
	}
	port := func(a *authority) uint16 {
		if a.port == 0 {
			return standard
		}
		return a.port
	}
	return port(&r.authority) == port(field) && EqualNames(view(r.authority.host.of(b)), view(field.host.of(b)))
}

// IsAsterisk reports whether the target is that of "OPTIONS *", a question to
// the server as a whole. Path is "" then.
func (r *Request) IsAsterisk() bool { return r.form == asteriskForm }

// Path is the path as sent. It starts with a slash.
func (r *Request) Path() string {
	if r.path.start == r.path.end && r.form != asteriskForm {
		return "/" // an absolute URL without one
	}
	return view(r.path.of(r.Fields.buf))
}

// Query is the query as sent with its leading question mark, "" without one.
func (r *Request) Query() string { return view(r.query.of(r.Fields.buf)) }

// Authority is the host as sent, with the port if one was sent; "" if an
// HTTP/1.0 client did not say.
func (r *Request) Authority() string { return view(r.authority.sent.of(r.Fields.buf)) }

// Host is the host in lower case, without port and without a trailing dot.
// IPv6 addresses keep their brackets.
func (r *Request) Host() string { return strings.ToLower(view(r.authority.host.of(r.Fields.buf))) }

// Port is the port sent along with the host, 0 without one.
func (r *Request) Port() uint16 { return r.authority.port }

// Dotted reports whether the host was sent with a trailing dot.
func (r *Request) Dotted() bool { return r.authority.dotted }
