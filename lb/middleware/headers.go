package middleware

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// headers changes fields of requests and answers, answers CORS preflights,
// refuses foreign hosts and adds what makes browsers careful.
type headers struct {
	spec     *spec.Headers
	request  []field
	response []field
	// always and secure are the security fields of every answer, and of those
	// over TLS.
	always, secure []field
	cors           *cors

	replies sync.Pool // of *headersReply
}

// field is a field to be set, or removed if value is empty.
type field struct{ name, value string }

func newHeaders(s *spec.Headers) (*headers, error) {
	h := &headers{spec: s}
	var err1, err2 error
	h.request, err1 = fields(s.Request)
	h.response, err2 = fields(s.Response)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	var err error
	if h.cors, err = newCORS(s); err != nil {
		return nil, err
	}
	h.always, h.secure = securityFields(s)
	for _, f := range slices.Concat(h.always, h.secure) {
		if !httpguts.ValidHeaderFieldValue(f.value) {
			return nil, errors.New("the value of " + f.name + " cannot be sent in a field")
		}
	}
	if len(h.request)+len(h.response)+len(h.always)+len(h.secure)+len(s.AllowedHosts) == 0 && h.cors == nil &&
		!s.SSLRedirect && !s.SSLForceHost {
		return nil, errors.New("nothing is set")
	}
	h.replies.New = func() any { return new(headersReply) }
	return h, nil
}

// fields checks and sorts the fields of a map.
func fields(m map[string]string) ([]field, error) {
	var all []field
	var errs []error
	for name, value := range m {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			errs = append(errs, errors.New(strconv.Quote(name)+" is no name of a field"))
		case !httpguts.ValidHeaderFieldValue(value):
			errs = append(errs, errors.New("the value of "+name+" cannot be sent in a field"))
		case spec.IsFraming(name):
			errs = append(errs, errors.New(name+" is set by the load balancer alone"))
		}
		all = append(all, field{http.CanonicalHeaderKey(name), value})
	}
	slices.SortFunc(all, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return all, errors.Join(errs...)
}

func set(h *lb.Header, fields []field) {
	for _, f := range fields {
		if f.value == "" {
			h.Del(f.name)
		} else {
			h.Set(f.name, f.value)
		}
	}
}

// Serve implements [lb.Middleware].
func (h *headers) Serve(x *lb.Exchange, next lb.Handler) {
	if h.cors != nil && h.cors.isPreflight(x) {
		h.cors.answer(x)
		return
	}
	if !h.spec.IsDevelopment && h.refuse(x) {
		return
	}
	r := h.replies.Get().(*headersReply) //nolint:errcheck,forcetypeassert // all that is put there
	*r = headersReply{Reply: x.Reply, headers: h, secure: h.isSecure(x), inner: x.Reply}
	if h.cors != nil {
		r.origin = h.cors.allowed(x.Header.Get("Origin"))
	}
	for _, f := range h.request {
		if f.name == "Host" {
			x.UpstreamHost = f.value
		}
	}
	set(&x.Header, h.request)
	x.Reply = r
	next.Serve(x)
	x.Reply = r.inner
	*r = headersReply{}
	h.replies.Put(r)
}

// refuse answers requests for foreign hosts and, as Traefik v1 does, those that
// should have come over TLS.
func (h *headers) refuse(x *lb.Exchange) bool {
	if len(h.spec.AllowedHosts) > 0 && !h.allowsHost(x) {
		x.AnswerText(http.StatusInternalServerError, "Bad Host")
		return true
	}
	to := h.spec.SSLHost
	if to == "" {
		to = withoutPort(x.Authority)
	}
	foreign := h.spec.SSLForceHost && h.spec.SSLHost != "" && !strings.EqualFold(x.Authority, h.spec.SSLHost)
	if h.spec.SSLRedirect && !h.isSecure(x) || foreign && h.isSecure(x) {
		status := http.StatusMovedPermanently
		if h.spec.SSLTemporaryRedirect {
			status = http.StatusTemporaryRedirect
		}
		x.Redirect(status, "https://"+to+x.RawPath+x.RawQuery)
		return true
	}
	return false
}

func (h *headers) allowsHost(x *lb.Exchange) bool {
	host := x.Authority
	for _, name := range h.spec.HostsProxyHeaders {
		if told := x.Header.Get(name); told != "" {
			host = told
			break
		}
	}
	return slices.ContainsFunc(h.spec.AllowedHosts, func(allowed string) bool { return strings.EqualFold(allowed, host) })
}

// isSecure reports whether the client speaks TLS, or a proxy says so that the
// spec believes.
func (h *headers) isSecure(x *lb.Exchange) bool {
	if x.TLS != nil {
		return true
	}
	for name, value := range h.spec.SSLProxyHeaders {
		if strings.EqualFold(x.Header.Get(name), value) {
			return true
		}
	}
	return false
}

// securityFields are what a spec adds to answers.
func securityFields(s *spec.Headers) (always, secure []field) {
	add := func(name, value string, wanted bool) {
		if wanted && value != "" {
			always = append(always, field{name, value})
		}
	}
	frame := "DENY"
	if s.CustomFrameOptionsValue != "" {
		frame = s.CustomFrameOptionsValue
	}
	add("X-Frame-Options", frame, s.FrameDeny || s.CustomFrameOptionsValue != "")
	add("X-Content-Type-Options", "nosniff", s.ContentTypeNosniff)
	xss := "1; mode=block"
	if s.CustomBrowserXSSValue != "" {
		xss = s.CustomBrowserXSSValue
	}
	add("X-XSS-Protection", xss, s.BrowserXSSFilter || s.CustomBrowserXSSValue != "")
	add("Content-Security-Policy", s.ContentSecurityPolicy, true)
	add("Content-Security-Policy-Report-Only", s.ContentSecurityPolicyReportOnly, true)
	add("Referrer-Policy", s.ReferrerPolicy, true)
	add("Permissions-Policy", s.PermissionsPolicy, true)
	if s.IsDevelopment {
		return always, nil
	}
	if s.PublicKey != "" {
		secure = append(secure, field{"Public-Key-Pins", s.PublicKey})
	}
	if s.STSSeconds <= 0 {
		return always, secure
	}
	sts := "max-age=" + strconv.FormatInt(s.STSSeconds, 10)
	if s.STSIncludeSubdomains {
		sts += "; includeSubDomains"
	}
	if s.STSPreload {
		sts += "; preload"
	}
	transport := field{"Strict-Transport-Security", sts}
	if s.ForceSTSHeader {
		return append(always, transport), secure
	}
	return always, append(secure, transport)
}

// headersReply changes the head of an answer.
type headersReply struct {
	lb.Reply

	inner   lb.Reply
	headers *headers
	secure  bool
	origin  string // that is allowed, or empty
}

// Begin implements [lb.Reply].
func (r *headersReply) Begin(status int, h *lb.Header, length int64) error {
	r.change(h)
	return r.Reply.Begin(status, h, length)
}

// Upgrade implements [lb.Reply].
func (r *headersReply) Upgrade(protocol string, h *lb.Header) (io.ReadWriteCloser, error) {
	r.change(h)
	return r.Reply.Upgrade(protocol, h)
}

func (r *headersReply) change(h *lb.Header) {
	set(h, r.headers.always)
	if r.secure {
		set(h, r.headers.secure)
	}
	if r.headers.cors != nil {
		r.headers.cors.tell(h, r.origin)
	}
	set(h, r.headers.response)
}

// cors is who may read answers from a page of another origin (the Fetch
// standard, "CORS protocol").
type cors struct {
	spec    *spec.Headers
	origins []*regexp.Regexp
}

func newCORS(s *spec.Headers) (*cors, error) {
	if !s.AllowCredentials && len(s.AllowHeaders)+len(s.AllowMethods)+len(s.AllowOriginList)+len(s.AllowOriginListRegex)+
		len(s.ExposeHeaders) == 0 && s.MaxAge == 0 && !s.AddVaryHeader {
		return nil, nil //nolint:nilnil // none is wanted
	}
	for _, list := range [][]string{s.AllowHeaders, s.AllowMethods, s.ExposeHeaders} {
		for _, word := range list {
			if !httpguts.ValidHeaderFieldValue(word) {
				return nil, errors.New(strconv.Quote(word) + " cannot be sent in a field")
			}
		}
	}
	return &cors{s, compileAll(s.AllowOriginListRegex)}, nil
}

func (c *cors) isPreflight(x *lb.Exchange) bool {
	return x.Request.Method == http.MethodOptions && x.Header.Has("Origin") && x.Header.Has("Access-Control-Request-Method")
}

// answer answers a preflight.
func (c *cors) answer(x *lb.Exchange) {
	h := &lb.Header{}
	add := func(name, value string, wanted bool) {
		if wanted {
			h.Add(name, value)
		}
	}
	add("Access-Control-Allow-Credentials", "true", c.spec.AllowCredentials)
	add("Access-Control-Allow-Headers", strings.Join(c.spec.AllowHeaders, ","), len(c.spec.AllowHeaders) > 0)
	add("Access-Control-Allow-Methods", strings.Join(c.spec.AllowMethods, ","), len(c.spec.AllowMethods) > 0)
	add("Access-Control-Max-Age", strconv.FormatInt(c.spec.MaxAge, 10), true)
	origin := c.allowed(x.Header.Get("Origin"))
	add("Access-Control-Allow-Origin", origin, origin != "")
	add("Vary", "Origin", origin != "*")
	x.Answer(http.StatusOK, h, "")
}

// allowed is what Access-Control-Allow-Origin tells an origin, or empty. A
// star beside credentials is refused by browsers, and rightly: naming the origin
// instead would show every site what its visitors may see.
func (c *cors) allowed(origin string) string {
	if origin == "" {
		return ""
	}
	for _, o := range c.spec.AllowOriginList {
		if o == origin || o == "*" {
			return o
		}
	}
	for _, e := range c.origins {
		if e.MatchString(origin) {
			return origin
		}
	}
	return ""
}

// tell adds the fields of answers to requests that are no preflights.
func (c *cors) tell(h *lb.Header, origin string) {
	if origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	if c.spec.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.spec.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.spec.ExposeHeaders, ","))
	}
	// Answers differ by origin, unless everyone may read them.
	anyone := slices.Contains(c.spec.AllowOriginList, "*")
	if !anyone && (c.spec.AddVaryHeader || len(c.spec.AllowOriginList)+len(c.origins) > 0) && !h.HasToken("Vary", "Origin") {
		h.Append("Vary", "Origin")
	}
}
