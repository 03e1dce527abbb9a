package tags

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// fabioTag is one parsed tag of the form PREFIX SRC [OPTION]...
type fabioTag struct {
	src fabioSource
	fabioOptions
	share    float64
	register string
	// closed is why the route lets nobody in, if that is the tag's own fault.
	closed *fabioError
	// negative is set for a weight below 0, which is none.
	negative bool
	// empty names an option of access without a value: it restricts nobody.
	empty string
}

// fabioOptions are what makes routes of one source differ.
type fabioOptions struct {
	strip string
	add   string
	// host is a name, "dst" or nothing.
	host  string
	proto string // "https", "grpc", "grpcs", "tcp", "udp", or nothing for HTTP
	// allow and deny are the rules as written.
	allow, deny string
	auth        string
	redirect    spec.Redirect
	// query goes before that of the request; manual routes only.
	query      string
	skipVerify bool
	// grpcName is by what name a server of grpcs is verified.
	grpcName string
	pxyProto bool
}

// fabioError is why a tag is not served, with the offset behind the prefix.
type fabioError struct {
	offset       int
	reason, hint string
}

// is reports whether the tags differ in nothing that makes another route.
func (t fabioTag) is(other fabioTag) bool {
	return t.src.is(other.src) && t.fabioOptions == other.fabioOptions
}

// String tells of each option that is set, with a blank in front.
func (o fabioOptions) String() string {
	var text strings.Builder
	redirect := ""
	if o.redirect.Code != 0 {
		redirect = fmt.Sprintf("%d,%s", o.redirect.Code, o.redirect.URL)
	}
	for _, option := range []struct{ key, value string }{
		{"strip", o.strip}, {"prepend", o.add}, {"host", o.host}, {"proto", o.proto}, {"allow", o.allow}, {"deny", o.deny},
		{"auth", o.auth}, {"redirect", redirect}, {"query", o.query},
		{"tlsskipverify", strconv.FormatBool(o.skipVerify)}, {"grpcservername", o.grpcName}, {"pxyproto", strconv.FormatBool(o.pxyProto)},
	} {
		if option.value != "" && option.value != "false" {
			text.WriteString(" " + option.key + "=" + option.value)
		}
	}
	return text.String()
}

// isStream reports whether what is passed on are not requests.
func (o fabioOptions) isStream() bool { return o.proto == "tcp" || o.proto == "udp" }

func (o fabioOptions) scheme() string {
	if o.proto == "" {
		return "http"
	}
	return o.proto
}

// parseFabio parses what follows the prefix of a tag.
func (o Options) parseFabio(text, datacenter string) (t fabioTag, err *fabioError) {
	words := splitFabio(text)
	if len(words) == 0 {
		return t, &fabioError{0, "there is no host and path", "host/path, or /path for any host"}
	}
	src := words[0]
	t.src, err = o.parseFabioSource(expandFabio(src.text, datacenter))
	if err != nil {
		err.offset = src.at + min(err.offset, len(src.text)) // variables may have made it longer
		return t, err
	}
	for _, option := range words[1:] {
		if err := t.option(option.text); err != nil {
			err.offset += option.at
			return t, err
		}
	}
	t.closeIfNeeded(text)
	if err := t.check(); err != nil {
		err.offset = src.at
		return t, err
	}
	return t, nil
}

// fabioWord is a word of a tag and where it begins.
type fabioWord struct {
	text string
	at   int
}

func splitFabio(text string) (words []fabioWord) {
	const blanks = " \t"
	for at := 0; ; {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], blanks))
		if at == len(text) {
			return words
		}
		end := strings.IndexAny(text[at:], blanks)
		if end < 0 {
			end = len(text) - at
		}
		words = append(words, fabioWord{text[at : at+end], at})
		at += end
	}
}

func (t *fabioTag) option(option string) *fabioError {
	key, value, _ := strings.Cut(option, "=")
	at := len(option) - len(value)
	if i := strings.IndexFunc(value, unicode.IsControl); i >= 0 {
		return &fabioError{at + i, "the option has a control character", ""}
	}
	if value == "" && slices.Contains([]string{"allow", "deny", "auth"}, key) {
		t.empty = key
	}
	switch key {
	case "strip":
		t.strip = value
	case "prepend":
		if value != "" {
			t.add = "/" + strings.TrimPrefix(value, "/")
		}
	case "host":
		if i := strings.IndexFunc(value, notInHost); i >= 0 {
			return &fabioError{at + i, "the host has a character that no Host field may have", "host=NAME, host=NAME:PORT or host=dst"}
		}
		t.host = value
	case "weight":
		share, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(share) || math.IsInf(share, 0) {
			return &fabioError{at, "the weight is not a number", "weight=0.3 is three tenths of the traffic"}
		}
		t.share, t.negative = max(0, share), share < 0
	case "proto":
		switch value {
		case "https", "grpc", "grpcs", "tcp", "udp":
			t.proto = value
		}
	case "tlsskipverify":
		t.skipVerify = value == "true"
	case "grpcservername":
		t.grpcName = value
	case "pxyproto":
		t.pxyProto = value == "true"
	case "allow":
		t.allow = value
	case "deny":
		t.deny = value
	case "auth":
		t.auth = value
	case "register":
		t.register = value
	case "redirect":
		redirect, err := parseFabioRedirect(value)
		if err != nil {
			err.offset += at
			return err
		}
		t.redirect = redirect
	}
	return nil
}

// notInHost reports whether a Host field cannot have the character (RFC 3986
// §3.2.2).
func notInHost(c rune) bool {
	return neverInHost(c) || strings.ContainsRune("\"#/<>?@\\^`{|}", c)
}

// check looks at the source in the light of the options.
func (t *fabioTag) check() *fabioError {
	s := t.src
	switch {
	case !t.isStream() && s.host == "" && s.port != "":
		return &fabioError{0, "a port without a host needs proto=tcp or proto=udp", ""}
	case !t.isStream():
		return nil
	case isGlob(s.port):
		return &fabioError{0, "a route of TCP or UDP is for one port", "use :port, ip:port or the name of a host"}
	case t.proto == "udp" && (s.path != "/" || s.port == ""):
		return &fabioError{0, "a UDP route is for a port", "use :port or ip:port"}
	case s.path != "/":
		return &fabioError{0, "a TCP route has no path", "use :port, ip:port or the name of a host"}
	case s.host == "" && s.port == "":
		return &fabioError{0, "a TCP route needs a port or the name of a host", "use :port, ip:port or the name of a host"}
	case s.host != "" && s.port != "":
		if _, err := netip.ParseAddr(strings.Trim(s.host, "[]")); err != nil {
			return &fabioError{0, "a route of TCP or UDP has a port of its own for an address only", "use :port, ip:port or the name of a host"}
		}
	case isGlob(strings.TrimPrefix(s.host, "*.")):
		return &fabioError{0, "the name of a TCP route can have no wildcard but *. at its start", ""}
	}
	return nil
}

// closeIfNeeded lets nobody in if the access rules cannot be understood: without
// the route, a wider one could let in everybody.
func (t *fabioTag) closeIfNeeded(text string) {
	const syntax = "allow=ip:10.0.0.0/8,ip:192.0.2.1"
	if t.allow != "" && t.deny != "" {
		t.closed = &fabioError{strings.Index(text, "deny="), "allow and deny exclude each other, so nobody is let in", syntax}
		return
	}
	for _, rule := range []struct{ key, value string }{{"allow", t.allow}, {"deny", t.deny}} {
		if _, err := parseAccess(rule.value); err != nil {
			t.closed = &fabioError{max(0, strings.Index(text, rule.key+"=")), err.Error() + ", so nobody is let in", syntax}
		}
	}
}

// parseAccess reads "ip:ADDRESS,ip:CIDR…".
func parseAccess(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for rule := range strings.SplitSeq(text, ",") {
		if text == "" {
			break
		}
		kind, value, ok := strings.Cut(strings.TrimSpace(rule), ":")
		if !ok || kind != "ip" {
			return nil, fmt.Errorf("%q does not start with \"ip:\"", rule)
		}
		prefix, err := spec.ParseRange(value)
		if err != nil {
			return nil, err
		}
		all = append(all, prefix)
	}
	return all, nil
}

// access are the rules of who may use the route, nil without any.
func (o fabioOptions) access() *spec.AccessRules {
	if o.allow == "" && o.deny == "" {
		return nil
	}
	allow, err := parseAccess(o.allow)
	deny, err2 := parseAccess(o.deny)
	if err != nil || err2 != nil || o.allow != "" && o.deny != "" {
		return &spec.AccessRules{Deny: everybody()}
	}
	return &spec.AccessRules{Allow: allow, Deny: deny}
}

func everybody() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

// fabioSteps are the middlewares of a route in the order of Fabio: who may use
// it, then what becomes of the path, then the redirect.
func (p *parser) fabioSteps(o fabioOptions) (steps []spec.Middleware) {
	if rules := o.access(); rules != nil {
		steps = append(steps, rules)
	}
	if o.auth != "" {
		steps = append(steps, p.fabioAuth(o.auth))
	}
	if o.strip != "" {
		steps = append(steps, spec.StripPrefix{Prefixes: []string{o.strip}, AlwaysForwarded: true})
	}
	if o.add != "" {
		steps = append(steps, spec.AddPrefix{Prefix: o.add})
	}
	if o.query != "" {
		steps = append(steps, spec.AddQuery{Query: o.query})
	}
	if o.redirect.Code != 0 {
		return append(steps, o.redirect)
	}
	if p.FabioCompress != nil {
		steps = append(steps, p.FabioCompress)
	}
	return steps
}

// fabioAuth is the middleware of that name. One that is not configured lets
// nobody in.
func (p *parser) fabioAuth(name string) spec.Middleware {
	if auth, ok := p.FabioAuth[name]; ok {
		return auth
	}
	return spec.Unauthorized{}
}

// unknownAuth is the problem of a tag, or a command, with an authentication that
// is not configured.
func unknownAuth(name, text string) Problem {
	return Problem{
		Tag: text, Offset: max(0, strings.Index(text, "auth="+name)),
		Reason: "there is no authentication " + name + ", so nobody is let in",
		Hint:   "declare it: lb { auth \"" + name + "\" { file = … } }",
	}
}
