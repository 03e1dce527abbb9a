package middleware

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// forwardAuth asks another server whether a request may pass.
type forwardAuth struct {
	spec    *spec.ForwardAuth
	address *url.URL
	client  *http.Client
	pattern *regexp.Regexp // of answer fields that are passed on, or nil
	asking  chan struct{}  // has room for the questions that may be on their way
}

// Bounds of questions to the authentication server: how long one takes, and how many
// are on their way at a time, as of requests to a target. A server that is slow does
// not take up all connections then, nor does one that is reached by way of the very
// route that asks it.
const (
	authTimeout  = 30 * time.Second
	maxQuestions = 1024
)

var errManyQuestions = errors.New("as many questions are on their way as may be")

// Bounds in bytes, for memory has one if the spec has none: on what is read of the
// server's answer, and on what is kept of a request's body to be sent twice.
const (
	maxAuthAnswer = 16 << 20
	maxAuthBody   = maxKept
)

func newForwardAuth(s *spec.ForwardAuth) (*forwardAuth, error) {
	address, err := url.Parse(s.Address)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, errors.New("the address is no http or https URL") // and may hold a password
	}
	transport := &http.Transport{
		Proxy: nil, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	if s.TLS != nil {
		if transport.TLSClientConfig, err = clientTLS(s.TLS); err != nil {
			return nil, err
		}
	}
	f := &forwardAuth{spec: s, address: address, asking: make(chan struct{}, maxQuestions), client: &http.Client{
		Transport: transport, Timeout: authTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if s.AuthResponseHeadersRegex != "" {
		f.pattern = regexp.MustCompile("(?i)" + s.AuthResponseHeadersRegex)
	}
	return f, nil
}

// clientTLS reads what a spec says of speaking TLS to a server.
func clientTLS(s *spec.ClientTLS) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.InsecureSkipVerify} //nolint:gosec // if asked for
	if s.CA != "" {
		pem, err := textOrFile(s.CA)
		if err != nil {
			return nil, fmt.Errorf("the CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("the CA holds no certificate")
		}
	}
	if s.Cert == "" && s.Key == "" {
		return config, nil
	}
	cert, err1 := textOrFile(s.Cert)
	key, err2 := textOrFile(s.Key)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("the client certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("the client certificate: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func textOrFile(text string) ([]byte, error) {
	if strings.Contains(text, "-----BEGIN") {
		return []byte(text), nil
	}
	return readFile(text)
}

// Serve implements [lb.Middleware].
func (f *forwardAuth) Serve(x *lb.Exchange, next lb.Handler) {
	body, tooLarge, err := f.body(x)
	if tooLarge {
		x.Answer(http.StatusUnauthorized, &lb.Header{}, "")
		return
	}
	var answer verdict
	if err == nil {
		answer, err = f.question(x, body)
	}
	switch {
	case errors.Is(err, errAnswerTooLarge):
		x.Outcome.Err = err
		x.Answer(http.StatusUnauthorized, &lb.Header{}, "")
		return
	case err != nil:
		f.fail(x, err)
		return
	case !answer.isYes():
		f.refuse(x, answer)
		return
	}
	f.admit(x, answer)
	if cookies := f.cookies(answer); len(cookies) > 0 {
		x.Reply = &cookieReply{x.Reply, cookies}
	}
	next.Serve(x)
}

// verdict is the server's answer, with as much of its body as is of use.
type verdict struct {
	status int
	header http.Header
	text   []byte
}

func (v verdict) isYes() bool { return v.status >= 200 && v.status <= 299 }

// question has the server asked. Its answer keeps no connection, however long the
// request takes that may pass.
func (f *forwardAuth) question(x *lb.Exchange, body []byte) (v verdict, err error) {
	select {
	case f.asking <- struct{}{}:
		defer func() { <-f.asking }()
	default:
		return v, errManyQuestions
	}
	answer, err := f.ask(x, body)
	if err != nil {
		return v, err
	}
	defer answer.Body.Close()
	v.status, v.header = answer.StatusCode, answer.Header
	if !v.isYes() || f.spec.MaxResponseBodySize >= 0 {
		v.text, err = f.text(answer)
	}
	return v, err
}

// fail answers a request nobody could decide about.
func (f *forwardAuth) fail(x *lb.Exchange, err error) {
	x.Outcome.Err = fmt.Errorf("asking %s whether the request may pass: %w", origin(f.address), withoutURL(err))
	switch {
	case x.Context().Err() != nil:
		x.Outcome.Status = lb.StatusClientGone
	case errors.Is(err, errManyQuestions):
		x.AnswerText(http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable))
	default:
		x.Answer(http.StatusInternalServerError, &lb.Header{}, "")
	}
}

// body reads the request's body to be sent to both servers, if the spec asks
// for it.
func (f *forwardAuth) body(x *lb.Exchange) (body []byte, tooLarge bool, err error) {
	if !f.spec.ForwardBody || x.Body == nil {
		return nil, false, nil
	}
	limit := f.spec.MaxBodySize
	if limit < 0 || limit > maxAuthBody {
		limit = maxAuthBody
	}
	if x.Length > limit {
		return nil, true, nil
	}
	body, err = io.ReadAll(io.LimitReader(x.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		return nil, true, nil
	}
	x.Body, x.Length = bytes.NewReader(body), int64(len(body))
	return body, false, err
}

// ask sends the question. It carries the request's fields, or those the spec
// lists, and tells of method, host and target.
func (f *forwardAuth) ask(x *lb.Exchange, body []byte) (*http.Response, error) {
	method := http.MethodGet
	if f.spec.PreserveRequestMethod {
		method = x.Request.Method
	}
	var r io.Reader
	if len(body) > 0 {
		r = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(x.Context(), method, f.address.String(), r)
	if err != nil {
		return nil, err
	}
	request.Header["User-Agent"] = nil // none of our own
	for name, value := range x.Header.All() {
		if len(f.spec.AuthRequestHeaders) == 0 || hasFold(f.spec.AuthRequestHeaders, name) {
			request.Header.Add(strings.Clone(name), strings.Clone(value))
		}
	}
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Expect", "Trailer"} {
		request.Header.Del(name)
	}
	uri := strings.Clone(x.SentPath + x.SentQuery)
	if told := x.Header.Get("X-Forwarded-Uri"); told != "" && f.spec.TrustForwardHeader {
		uri = strings.Clone(told)
	}
	asked := strings.Clone(x.Request.Method)
	if told := x.Header.Get("X-Forwarded-Method"); told != "" && f.spec.TrustForwardHeader {
		asked = strings.Clone(told)
	}
	request.Header.Set("X-Forwarded-Method", asked)
	request.Header.Set("X-Forwarded-Uri", uri)
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For"} {
		if value := x.Header.Get(name); value != "" {
			request.Header.Set(name, strings.Clone(value))
		}
	}
	x.TellTrace(request.Header)
	return f.client.Do(request)
}

func hasFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// admit takes over the fields of the answer that the upstream is to see.
func (f *forwardAuth) admit(x *lb.Exchange, answer verdict) {
	for _, name := range f.spec.AuthResponseHeaders {
		disown(&x.Header, name)
	}
	for _, name := range f.spec.AuthResponseHeaders {
		x.Header.Del(name) // it may be named twice
		for _, value := range answer.header.Values(name) {
			x.Header.Add(http.CanonicalHeaderKey(name), value)
		}
	}
	if f.pattern != nil {
		x.Header.DelFunc(func(name string) bool { return f.pattern.MatchString(name) || f.pattern.MatchString(hyphenated(name)) })
		for name, values := range answer.header {
			if f.pattern.MatchString(name) && !spec.IsFraming(name) {
				for _, value := range values {
					x.Header.Add(name, value)
				}
			}
		}
	}
	if f.spec.HeaderField != "" {
		x.Outcome.User = answer.header.Get(f.spec.HeaderField)
	}
}

// cookies are those of the answer that the client is to get.
func (f *forwardAuth) cookies(answer verdict) []string {
	var cookies []string
	for _, line := range answer.header.Values("Set-Cookie") {
		name, _, _ := strings.Cut(line, "=")
		if slices.Contains(f.spec.AddAuthCookiesToResponse, strings.TrimSpace(name)) {
			cookies = append(cookies, line)
		}
	}
	return cookies
}

var errAnswerTooLarge = errors.New("the answer of the authentication server is too long")

// text is the body of an answer.
func (f *forwardAuth) text(answer *http.Response) ([]byte, error) {
	limit := int64(maxAuthAnswer)
	if f.spec.MaxResponseBodySize >= 0 {
		limit = min(f.spec.MaxResponseBodySize, limit)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%w: more than %d bytes", errAnswerTooLarge, limit)
	}
	return body, err
}

// refuse passes the answer on to the client.
func (f *forwardAuth) refuse(x *lb.Exchange, answer verdict) {
	if f.spec.AuthSigninURL != "" && answer.status == http.StatusUnauthorized {
		x.Redirect(http.StatusFound, f.spec.AuthSigninURL)
		return
	}
	h := &lb.Header{}
	for name, values := range answer.header {
		if spec.IsFraming(name) {
			continue
		}
		for _, value := range values {
			h.Add(name, value)
		}
	}
	if to := answer.header.Get("Location"); to != "" && !f.spec.PreserveLocationHeader {
		if absolute, err := f.address.Parse(to); err == nil {
			h.Set("Location", absolute.String())
		}
	}
	x.Answer(answer.status, h, string(answer.text))
}

// cookieReply adds cookies to the answer, in the place of the upstream's of the
// same name.
type cookieReply struct {
	lb.Reply
	cookies []string
}

// Begin implements [lb.Reply].
func (r *cookieReply) Begin(status int, h *lb.Header, length int64) error {
	kept := &lb.Header{}
	for name, value := range h.All() {
		cookie, _, _ := strings.Cut(value, "=")
		replaced := strings.EqualFold(name, "Set-Cookie") && slices.ContainsFunc(r.cookies, func(line string) bool {
			return strings.HasPrefix(line, cookie+"=")
		})
		if !replaced {
			kept.Add(name, value)
		}
	}
	for _, line := range r.cookies {
		kept.Add("Set-Cookie", line)
	}
	return r.Reply.Begin(status, kept, length)
}
