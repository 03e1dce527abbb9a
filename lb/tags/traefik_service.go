package tags

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/transport"
)

// service is one that the tags of an instance declare. The server is the
// instance's own, all else concerns the service as a whole.
type service struct {
	name        string
	port        int
	scheme      string
	url         string
	keepPath    bool // of the URL
	weight      int
	passHost    bool
	balance     *spec.LoadBalancer // nil if nothing is said
	composed    *spec.Composition  // nil unless it is one of other services
	middlewares []string           // after those of the routers
	// broken is why the service cannot be used, and by is the tag that says so.
	broken string
	by     label
	// sameSite and health are the tags of what [service.settle] looks at.
	sameSite, health label
	// unusable is why this instance cannot be sent requests.
	unusable string
	declared bool // by more than its middlewares
	// transport is the tag that names how its servers are connected to.
	transport label
}

// maxWeight bounds the weight of an instance, which is multiplied and added up.
const maxWeight = 1 << 20

// set reads an option: the words of a key from the name of the service on.
func (s *service) set(words []string, l label, unsupported func(label, string)) (err *keyError) {
	option := strings.ToLower(strings.Join(words, "."))
	if option == "middlewares" {
		s.middlewares = spec.List(l.value)
		return nil
	}
	inner, ok := strings.CutPrefix(option, "loadbalancer.")
	if !ok {
		return s.compose(words, l)
	}
	s.declared = true
	switch inner {
	case "server.port":
		s.port, err = l.int()
		if err == nil && (s.port < 1 || s.port > 65535) {
			err = &keyError{l, true, "the port is not a number from 1 to 65535"}
		}
	case "server.scheme":
		s.scheme = strings.ToLower(l.value)
	case "server.weight":
		s.weight, err = l.int()
		if s.weight < 0 {
			unsupported(l, "the weight is below 0: the instance gets no requests")
			s.weight = 0
		}
		s.weight = min(s.weight, maxWeight)
	case "server.url":
		s.url = l.value
	case "server.preservepath":
		s.keepPath, err = l.bool()
	case "passhostheader":
		s.passHost, err = l.bool()
	case "serverstransport":
		s.transport = l
	case "responseforwarding.flushinterval":
		// What a server sends is passed on at once, which is what it asks for.
		if _, bad := spec.ParseDuration(l.value); bad != nil {
			err = &keyError{l, true, bad.Error()}
		}
	default:
		err = s.setBalance(words[1:], l, unsupported)
	}
	return err
}

// compose reads an option of a service that is made of others. Traefik has these
// in its files only.
func (s *service) compose(words []string, l label) *keyError {
	composed := s.composed
	if composed == nil {
		composed = &spec.Composition{}
	}
	err := spec.Decode(composed, words, l.value)
	if errors.Is(err, spec.ErrUnknown) {
		return &keyError{label: l, reason: "services have no option " + strings.Join(words, ".")}
	}
	if err != nil {
		return &keyError{l, true, err.Error()}
	}
	s.composed, s.by = composed, l
	return nil
}

func (s *service) setBalance(words []string, l label, unsupported func(label, string)) *keyError {
	if strings.EqualFold(strings.Join(words, "."), "sticky.cookie.expires") {
		unsupported(l, "tags give a cookie no date, in Traefik neither; the tag is ignored, maxage is a number of seconds")
		return nil
	}
	if s.balance == nil {
		s.balance = &spec.LoadBalancer{}
	}
	if strings.EqualFold(words[0], "healthcheck") && s.balance.Health == nil {
		s.balance.Health = spec.DefaultHealthCheck()
	}
	err := spec.Decode(s.balance, words, l.value)
	if errors.Is(err, spec.ErrUnknown) {
		return &keyError{label: l, reason: "services have no option " + strings.Join(words, ".")}
	}
	if err != nil {
		return &keyError{l, true, err.Error()}
	}
	s.by = l
	switch first := strings.ToLower(words[0]); {
	case first == "healthcheck" && s.health.tag == "":
		s.health = l
	case first == "sticky" && strings.EqualFold(words[len(words)-1], "samesite"):
		s.sameSite = l
	}
	if s.balance.Health != nil {
		if err := s.balance.Health.Settle(); err != nil {
			unsupported(l, err.Error())
		}
	}
	return nil
}

// transportOf is what the service names; one that names what is not there cannot
// be used.
func (o *Options) transportOf(s *service) transport.ID {
	id, ok := o.Transports.Find(s.transport.value)
	if !ok && s.broken == "" {
		s.broken, s.by = `there is no servers transport `+s.transport.value+`: transport "NAME" { … } declares one`, s.transport
	}
	return id
}

// check finds what is wrong with the service as a whole once all labels are
// read. It returns what is odd and keeps nothing from being served.
func (s *service) check() (odd []oddity) {
	var err error
	switch {
	case s.broken != "":
	case s.composed != nil && s.declared:
		err = errors.New("it is a load balancer and composed of others as well")
	case s.composed != nil:
		for _, name := range s.composed.Names() {
			*name = local([]string{*name})[0]
		}
		err = s.composed.Validate()
	case s.balance != nil:
		if s.balance.Sticky != nil {
			nameCookie(s.balance.Sticky.Cookie, s.name+"@consulcatalog")
		}
		odd = s.settle()
		err = s.balance.Validate()
	}
	if err != nil {
		s.broken = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	switch s.scheme {
	case "", "http", "https", "h2c":
	default:
		s.unusable = "there is no scheme " + s.scheme + "; the instance gets no requests"
	}
	if s.url != "" && (s.port != 0 || s.scheme != "") {
		s.unusable = "the server has a URL and a port or scheme as well; the instance gets no requests"
	}
	return odd
}

// oddity is a tag that asks for something that is not there, which keeps nothing
// from being served.
type oddity struct {
	by     label
	reason string
}

// settle puts right what Traefik takes no offence at.
func (s *service) settle() (odd []oddity) {
	tell := func(by label, text string) { odd = append(odd, oddity{by, "service " + s.name + ": " + text}) }
	if sticky := s.balance.Sticky; sticky != nil && sticky.Cookie != nil {
		c := sticky.Cookie
		c.SameSite = strings.ToLower(c.SameSite)
		if !slices.Contains([]string{"", "none", "lax", "strict"}, c.SameSite) {
			tell(s.sameSite, "samesite is none, lax or strict, not "+c.SameSite+": the cookie has none")
			c.SameSite = ""
		}
	}
	health := s.balance.Health
	if health == nil {
		return odd
	}
	if !slices.Contains([]string{"", "http", "grpc"}, health.Mode) {
		tell(s.health, "there are no health checks of mode "+health.Mode+": they are of HTTP")
		health.Mode = ""
	}
	if path := health.Path; path != "" && path[0] != '/' && !strings.Contains(path, "://") {
		health.Path = "/" + path
		tell(s.health, "the path of a health check starts with a slash: it is "+health.Path)
	}
	if health.Path == "" && health.Mode != "grpc" {
		tell(s.health, "a health check without a path is none")
		s.balance.Health = nil
	}
	return odd
}

// defaultPorts are those of the schemes a server may have.
var defaultPorts = map[string]string{"http": "80", "https": "443", "h2c": "80"}

// place is the endpoint that the URL of an instance's server stands for.
func (s *service) place() (Endpoint, error) {
	u, err := url.Parse(s.url)
	if err != nil || u.Hostname() == "" || defaultPorts[u.Scheme] == "" {
		return Endpoint{}, errors.New(strconv.Quote(s.url) + " is no http, https or h2c URL; the instance gets no requests")
	}
	port := cmp.Or(u.Port(), defaultPorts[u.Scheme])
	e := Endpoint{Scheme: u.Scheme, Address: net.JoinHostPort(u.Hostname(), port)}
	if s.keepPath {
		e.Path = strings.TrimRight(u.EscapedPath(), "/")
	}
	return e, nil
}
