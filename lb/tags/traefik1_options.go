package tags

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// options1 collects what the tags of a frontend, and of the backend it has to
// itself, say beside the rule. Keys are case-sensitive in this dialect.
type options1 struct {
	whitelist   *spec.IPAllowList
	redirect    *redirect1
	headers     *spec.Headers
	clientCert  *spec.PassTLSClientCert
	basic       *spec.BasicAuth
	digest      *spec.DigestAuth
	forward     *spec.ForwardAuth
	headerField string
	breaker     *spec.CircuitBreaker
	buffering   *spec.Buffering
	maxConn     *spec.InFlight
	rate        *spec.SourceCriterion
	rateSets    map[string]*spec.RateLimit
	errorPages  map[string]*spec.Errors
}

type redirect1 struct {
	regex, replacement, entrypoint string
	permanent                      bool
}

// errUnknown1 says that a key is none that is honoured.
var errUnknown1 = errors.New("unknown option")

// errNoPassTLSCert is why an option of 1.7 is left out.
var errNoPassTLSCert = errors.New("the load balancer shows servers no certificate of clients, so the option is ignored")

// set reads a key of the frontend: what follows "frontend.".
func (o *options1) set(key, value string) error {
	group, rest, _ := strings.Cut(key, ".")
	switch group {
	case "headers":
		return o.setHeaders(rest, value)
	case "auth":
		return o.setAuth(rest, value)
	case "whiteList":
		return o.setWhitelist(rest, value)
	case "redirect":
		return o.setRedirect(rest, value)
	case "passTLSClientCert":
		return o.setClientCert(rest, value)
	case "rateLimit":
		return o.setRateLimit(rest, value)
	case "errors":
		return o.setErrors(rest, value)
	case "passTLSCert":
		var pass bool
		if err := boolean1(value, &pass); err != nil || !pass {
			return err
		}
		return errNoPassTLSCert
	}
	return errUnknown1
}

// setBackend reads a key of the backend: what follows "backend.".
func (o *options1) setBackend(key, value string) error {
	switch group, rest, _ := strings.Cut(key, "."); {
	case key == "circuitbreaker" || key == "circuitbreaker.expression":
		o.breaker = &spec.CircuitBreaker{Expression: value}
		return nil
	case group == "buffering":
		return decode1(first(&o.buffering), rest, value, "maxRequestBodyBytes", "memRequestBodyBytes", "maxResponseBodyBytes",
			"memResponseBodyBytes", "retryExpression")
	case key == "maxconn.amount":
		return decode1(first(&o.maxConn), rest, value, "amount")
	case key == "maxconn.extractorfunc":
		source, err := extractor1(value)
		if err == nil {
			first(&o.maxConn).Source = source
		}
		return err
	}
	return errUnknown1
}

// boolean1 reads a boolean, false if it is none.
func boolean1(value string, into *bool) (err error) {
	if *into, err = strconv.ParseBool(value); err != nil {
		return errors.New("not a boolean")
	}
	return nil
}

// first returns what p points to, which it makes if there is nothing yet.
func first[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

// decode1 reads one of the known options into a spec, whose names are the same
// in lower case.
func decode1(target any, key, value string, known ...string) error {
	if !slices.Contains(known, key) {
		return errUnknown1
	}
	return spec.Decode(target, strings.Split(strings.ToLower(key), "."), value)
}

var (
	headerMaps1  = []string{"customRequestHeaders", "customResponseHeaders", "SSLProxyHeaders"}
	headerNames1 = []string{
		"allowedHosts", "hostsProxyHeaders", "SSLRedirect", "SSLTemporaryRedirect", "SSLHost", "SSLForceHost", "STSSeconds",
		"STSIncludeSubdomains", "STSPreload", "forceSTSHeader", "frameDeny", "customFrameOptionsValue", "contentTypeNosniff",
		"browserXSSFilter", "customBrowserXSSValue", "contentSecurityPolicy", "publicKey", "referrerPolicy", "isDevelopment",
	}
)

func (o *options1) setHeaders(key, value string) error {
	if !slices.Contains(headerMaps1, key) {
		return decode1(first(&o.headers), key, value, headerNames1...)
	}
	var framing []string
	err := pairs(value, func(name, text string) error {
		if key != "SSLProxyHeaders" && spec.IsFraming(name) {
			framing = append(framing, name)
			return nil
		}
		return spec.Decode(first(&o.headers), []string{strings.ToLower(key), name}, text)
	})
	if err == nil && len(framing) > 0 {
		return framingError(framing)
	}
	return err
}

// framingError names fields of a map that are not set; the others are.
type framingError []string

func (e framingError) Error() string { return ofFraming(e) }

// pairs reads a map.
func pairs(value string, set func(name, text string) error) error {
	for pair := range strings.SplitSeq(value, "||") {
		name, text, ok := strings.Cut(pair, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return errors.New("not of the form Name:value||Name2:value2")
		}
		if err := set(strings.TrimSpace(name), strings.TrimSpace(text)); err != nil {
			return err
		}
	}
	return nil
}

func (o *options1) setAuth(key, value string) error {
	kind, rest, _ := strings.Cut(key, ".")
	switch {
	case key == "headerField":
		o.headerField = value
		return nil
	case key == "basic": // as it was once written
		return decode1(first(&o.basic), "users", value, "users")
	case kind == "basic":
		return decode1(first(&o.basic), rest, value, "users", "usersFile", "removeHeader")
	case kind == "digest":
		return decode1(first(&o.digest), rest, value, "users", "usersFile", "removeHeader")
	case kind == "forward":
		if o.forward == nil {
			o.forward = spec.DefaultForwardAuth()
		}
		return decode1(o.forward, rest, value, "address", "trustForwardHeader", "authResponseHeaders",
			"tls.ca", "tls.caOptional", "tls.cert", "tls.key", "tls.insecureSkipVerify")
	}
	return errUnknown1
}

func (o *options1) setWhitelist(key, value string) error {
	if key == "useXForwardedFor" {
		return boolean1(value, &first(&o.whitelist).AnyForwarded)
	}
	return decode1(first(&o.whitelist), key, value, "sourceRange")
}

func (o *options1) setRedirect(key, value string) (err error) {
	r := first(&o.redirect)
	switch key {
	case "regex":
		r.regex = value
	case "replacement":
		r.replacement = value
	case "entryPoint":
		r.entrypoint = value
	case "permanent":
		err = boolean1(value, &r.permanent)
	default:
		return errUnknown1
	}
	return err
}

func (o *options1) setClientCert(key, value string) error {
	key = strings.Replace(key, "infos", "info", 1)
	known := []string{"pem", "info.notAfter", "info.notBefore", "info.sans"}
	for _, name := range []string{"subject", "issuer"} {
		for _, attribute := range []string{
			"country", "province", "locality", "organization", "commonName", "serialNumber", "domainComponent",
		} {
			known = append(known, "info."+name+"."+attribute)
		}
	}
	first(&o.clientCert).Legacy = true
	return decode1(o.clientCert, key, value, known...)
}

func (o *options1) setRateLimit(key, value string) (err error) {
	if key == "extractorFunc" {
		o.rate, err = extractor1(value)
		return err
	}
	words := strings.Split(key, ".")
	if len(words) != 3 || words[0] != "rateSet" {
		return errUnknown1
	}
	if o.rateSets == nil {
		o.rateSets = map[string]*spec.RateLimit{}
	}
	if o.rateSets[words[1]] == nil {
		o.rateSets[words[1]] = &spec.RateLimit{}
	}
	return decode1(o.rateSets[words[1]], words[2], value, "period", "average", "burst")
}

func (o *options1) setErrors(key, value string) error {
	name, rest, ok := strings.Cut(key, ".")
	if !ok {
		return errUnknown1
	}
	if o.errorPages == nil {
		o.errorPages = map[string]*spec.Errors{}
	}
	page := o.errorPages[name]
	if page == nil {
		page = &spec.Errors{}
		o.errorPages[name] = page
	}
	if rest == "backend" {
		page.Service = "backend-" + strings.ToLower(value)
		return nil
	}
	return decode1(page, rest, value, "status", "query")
}

// extractor1 reads whose requests are counted together.
func extractor1(value string) (*spec.SourceCriterion, error) {
	switch header, ok := strings.CutPrefix(value, "request.header."); {
	case value == "client.ip":
		return &spec.SourceCriterion{}, nil
	case value == "request.host":
		return &spec.SourceCriterion{RequestHost: true}, nil
	case ok && header != "":
		return &spec.SourceCriterion{RequestHeader: header}, nil
	}
	return nil, fmt.Errorf("%q is none of client.ip, request.host and request.header.NAME", value)
}

// dropOwnPages takes back error pages that are the frontend's own backend's, which
// would be asked for what it has just failed at. It returns their names.
func (o *options1) dropOwnPages(pool string) (names []string) {
	for _, name := range sortedKeys(o.errorPages) {
		if o.errorPages[name].Service == pool {
			delete(o.errorPages, name)
			names = append(names, name)
		}
	}
	return names
}

// steps are the middlewares in the order in which Traefik v1 has them. The
// error says what keeps the frontend from being served.
func (o *options1) steps() ([]spec.Middleware, error) {
	var all []spec.Middleware
	add := func(wanted bool, m spec.Middleware) {
		if wanted {
			all = append(all, m)
		}
	}
	for _, name := range sortedKeys(o.errorPages) {
		add(true, o.errorPages[name])
	}
	add(o.whitelist != nil, o.whitelist)
	if o.redirect != nil {
		m := o.redirect.middleware()
		add(m != nil, m)
	}
	add(o.headers != nil, o.headers)
	add(o.clientCert != nil, o.clientCert)
	all = append(all, o.auth()...)
	add(o.breaker != nil, o.breaker)
	add(o.buffering != nil, o.buffering)
	if o.maxConn != nil {
		add(o.maxConn.Amount > 0, o.maxConn)
	}
	if o.rate != nil {
		for _, name := range sortedKeys(o.rateSets) {
			limit := o.rateSets[name]
			limit.Source, limit.Legacy = o.rate, true
			add(true, limit)
		}
	}
	for _, m := range all {
		if err := m.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Kind(), err)
		}
	}
	return all, nil
}

// auth is the one kind of authentication that counts of those asked for.
func (o *options1) auth() []spec.Middleware {
	switch {
	case o.basic != nil:
		o.basic.HeaderField = o.headerField
		return []spec.Middleware{o.basic}
	case o.digest != nil:
		o.digest.HeaderField = o.headerField
		return []spec.Middleware{o.digest}
	case o.forward != nil:
		o.forward.HeaderField = o.headerField
		return []spec.Middleware{o.forward}
	}
	return nil
}

// middleware is the redirect, or nil if it says too little.
func (r *redirect1) middleware() spec.Middleware {
	switch {
	case r.entrypoint != "":
		return spec.RedirectEntrypoint{Entrypoint: r.entrypoint, Permanent: r.permanent}
	case r.regex != "" && r.replacement != "":
		return spec.RedirectRegex{Regex: r.regex, Replacement: r.replacement, Permanent: r.permanent}
	}
	return nil
}

// isHalf reports whether one part of the redirect is there without the other, which
// is none.
func (r *redirect1) isHalf() bool {
	return r != nil && r.middleware() == nil && r.regex+r.replacement != ""
}
