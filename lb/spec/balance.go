package spec

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/http/httpguts"
)

// LoadBalancer is how requests are spread over a pool, and how the pool is
// protected. What is not said, the zero value, is as [LoadBalancer.Over] and the
// comments tell.
type LoadBalancer struct {
	// Strategy: wrr (also empty) takes turns by weight, random any of the turns, p2c
	// the less busy of two, leastconn the least busy, leasttime the fastest, hrw
	// the same for the same client, hash the same for the same value of Hash.
	Strategy string              `key:"strategy"`
	Hash     *Hash               `key:"hash" json:",omitzero"`
	Sticky   *Sticky             `key:"sticky"`
	Health   *HealthCheck        `key:"healthcheck"`
	Passive  *PassiveHealthCheck `key:"passivehealthcheck"`
	Outlier  *Outlier            `key:"outlier" json:",omitzero"` // nil: its zero value
	Retries  *Retries            `key:"retries" json:",omitzero"` // nil: its zero value
	// Locality prefers servers that are near; nil has all alike.
	Locality *Locality `key:"locality" json:",omitzero"`
	// SlowStart is how long a server that comes, or comes back, takes to get its
	// full share; 0 is no time.
	SlowStart time.Duration `key:"slowstart" json:",omitzero"`
	// PanicThreshold is the share of healthy servers, in percent, below which all
	// of them are sent requests; 0 is never.
	PanicThreshold int `key:"panicthreshold" json:",omitzero"`
	// MaxRequests bounds the requests in flight to one server; what no server may
	// be given is answered 503. 0 is no bound.
	MaxRequests int `key:"maxrequests" json:",omitzero"`
	// ResponseTimeout is for the head of an answer, from the end of the request;
	// 0 is that of all routes.
	ResponseTimeout time.Duration `key:"responsetimeout" json:",omitzero"`
	// RequestTimeout is for a request as a whole, from when it is forwarded to the
	// end of its answer, with all tries; what is upgraded has to be by then. 0 is no
	// limit.
	RequestTimeout time.Duration `key:"requesttimeout" json:",omitzero"`
	// Proxy has servers told of the client before each request, which takes a
	// connection of its own then; nil has not.
	Proxy *ProxyProtocol `key:"proxyprotocol" json:",omitzero"`
}

// Strategies are those of [LoadBalancer].
var strategies = []string{"", "wrr", "random", "p2c", "leastconn", "leasttime", "hrw", "hash"}

// Over fills in from defaults what is not said. Both may be nil, and neither is
// changed.
func (b *LoadBalancer) Over(defaults *LoadBalancer) *LoadBalancer {
	switch {
	case defaults == nil:
		return b
	case b == nil:
		return defaults
	}
	all := *b
	if b.Strategy == "" && b.Hash == nil && b.Sticky == nil { // which belong together
		all.Strategy, all.Hash, all.Sticky = defaults.Strategy, defaults.Hash, defaults.Sticky
	}
	all.Health = cmp.Or(b.Health, defaults.Health)
	all.Passive = cmp.Or(b.Passive, defaults.Passive)
	all.Outlier = cmp.Or(b.Outlier, defaults.Outlier)
	all.Retries = cmp.Or(b.Retries, defaults.Retries)
	all.Locality = cmp.Or(b.Locality, defaults.Locality)
	all.SlowStart = cmp.Or(b.SlowStart, defaults.SlowStart)
	all.PanicThreshold = cmp.Or(b.PanicThreshold, defaults.PanicThreshold)
	all.MaxRequests = cmp.Or(b.MaxRequests, defaults.MaxRequests)
	all.Proxy = cmp.Or(b.Proxy, defaults.Proxy)
	all.ResponseTimeout = cmp.Or(b.ResponseTimeout, defaults.ResponseTimeout)
	all.RequestTimeout = cmp.Or(b.RequestTimeout, defaults.RequestTimeout)
	return &all
}

// Said are the options that are said, by their first words, with the values of those
// that have no others below them. b may be nil.
func (b *LoadBalancer) Said() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		if b == nil {
			return
		}
		for field, v := range reflect.ValueOf(*b).Fields() {
			value := ""
			if v.Kind() != reflect.Pointer {
				value = fmt.Sprint(v)
			}
			if !v.IsZero() && !yield(field.Tag.Get("key"), value) {
				return
			}
		}
	}
}

// GroupOf names the options of which [LoadBalancer.Over] takes all or none.
func GroupOf(key string) string {
	if key == "hash" || key == "sticky" {
		return "strategy"
	}
	return key
}

// Validate reports everything that keeps the load balancer from being built.
func (b *LoadBalancer) Validate() error {
	var errs []error
	if !slices.Contains(strategies, b.Strategy) {
		errs = append(errs, fmt.Errorf("there is no strategy %q (%s)", b.Strategy, strings.Join(strategies[1:], ", ")))
	}
	if b.Hash != nil {
		errs = append(errs, b.Hash.validate(b.Strategy))
	}
	if b.Sticky != nil && b.Sticky.Cookie != nil {
		errs = append(errs, b.Sticky.Cookie.validate())
	}
	if b.Health != nil {
		errs = append(errs, b.Health.validate())
	}
	if b.Outlier != nil {
		errs = append(errs, b.Outlier.validate())
	}
	if b.Retries != nil {
		errs = append(errs, b.Retries.validate())
	}
	if b.Locality != nil {
		errs = append(errs, b.Locality.validate())
	}
	if b.Proxy != nil {
		errs = append(errs, b.Proxy.Validate())
	}
	if b.SlowStart < 0 || b.SlowStart > time.Hour {
		errs = append(errs, fmt.Errorf("slowstart is from 0s to 1h, not %v", b.SlowStart))
	}
	if b.PanicThreshold < 0 || b.PanicThreshold > 100 {
		errs = append(errs, fmt.Errorf("panicthreshold is from 0 to 100 percent, not %d", b.PanicThreshold))
	}
	if b.MaxRequests < 0 || b.ResponseTimeout < 0 || b.RequestTimeout < 0 {
		errs = append(errs, errors.New("maxrequests, responsetimeout and requesttimeout cannot be negative"))
	}
	return errors.Join(errs...)
}

// Sticky has a client's requests go where its first one went.
type Sticky struct {
	Cookie *Cookie `key:"cookie"`
}

// Cookie is the cookie that tells where that was (RFC 6265).
type Cookie struct {
	Name     string `key:"name"` // empty: made of the service's name
	Secure   bool   `key:"secure"`
	HTTPOnly bool   `key:"httponly"`
	SameSite string `key:"samesite"` // none, lax, strict, or empty
	MaxAge   int    `key:"maxage"`   // seconds; 0 is the browser's session
	Path     string `key:"path"`     // empty: /
	Domain   string `key:"domain"`
}

// maxCookieName bounds the name in bytes: a client sends it with every request.
const maxCookieName = 256

// CheckCookieName tells what no name of a cookie may be. Other characters that
// cookies cannot have are replaced when one is made.
func CheckCookieName(name string) error {
	if len(name) > maxCookieName || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("the name of a cookie has at most %d bytes and no control characters", maxCookieName)
	}
	return nil
}

func (c *Cookie) validate() error {
	switch c.SameSite {
	case "", "none", "lax", "strict":
	default:
		return fmt.Errorf("samesite is none, lax or strict, not %q", c.SameSite)
	}
	if err := CheckCookieName(c.Name); err != nil {
		return err
	}
	for _, text := range []string{c.Path, c.Domain} {
		for i := range len(text) {
			if text[i] <= ' ' || text[i] >= 0x7f || text[i] == ';' || text[i] == ',' {
				return fmt.Errorf("%q cannot be part of a cookie", text)
			}
		}
	}
	return nil
}

// HealthCheck asks each server from time to time whether it is well. What fails
// gets no more requests until it does not.
type HealthCheck struct {
	Path              string        `key:"path"`
	Mode              string        `key:"mode"`   // http (also empty), or ModeGRPC
	Scheme            string        `key:"scheme"` // empty: the server's
	Method            string        `key:"method"` // empty: GET
	Status            int           `key:"status"` // 0: 200 to 399
	Port              int           `key:"port"`   // 0: the server's
	Interval          time.Duration `key:"interval"`
	UnhealthyInterval time.Duration `key:"unhealthyinterval"` // 0: as Interval
	Timeout           time.Duration `key:"timeout"`
	// Fall is how often in a row a server has to fail before it gets no more
	// requests, Rise how often not to before it does again.
	Fall            int               `key:"fall" json:",omitzero"` // 0: 1
	Rise            int               `key:"rise" json:",omitzero"` // 0: 1
	Hostname        string            `key:"hostname"`
	FollowRedirects bool              `key:"followredirects"`
	Headers         map[string]string `key:"headers"`
	// Send is said to servers of connections, whose answer has to begin with Expect;
	// either may be empty. They are for ModeTCP.
	Send   string `json:",omitzero"`
	Expect string `json:",omitzero"`
}

// ModeTCP is the mode of checks of services of connections, which no other has.
const ModeTCP = "tcp"

// ModeGRPC is the mode of checks that ask by gRPC's health checking protocol, for
// the server as a whole. Path, method, status and redirects have no meaning then.
const ModeGRPC = "grpc"

// DefaultHealthCheck has the values of what is not said.
func DefaultHealthCheck() *HealthCheck {
	return &HealthCheck{Interval: 30 * time.Second, Timeout: 5 * time.Second, FollowRedirects: true}
}

// minInterval keeps a check from being a load of its own.
const minInterval = 100 * time.Millisecond

// maxThreshold bounds how often a check must agree with itself.
const maxThreshold = 1000

// Settle brings intervals and timeouts of tags into bounds, for a service is not to
// be lost over them. The error says what became of one that was out of them.
func (h *HealthCheck) Settle() error {
	defaults := DefaultHealthCheck()
	if h.Timeout <= 0 {
		h.Timeout = defaults.Timeout
		return fmt.Errorf("the timeout of a health check must be above 0; it is %v", h.Timeout)
	}
	if h.Interval <= 0 {
		h.Interval = defaults.Interval
		return fmt.Errorf("the interval of a health check must be above 0; it is %v", h.Interval)
	}
	if h.UnhealthyInterval < 0 {
		h.UnhealthyInterval = 0
		return errors.New("the interval of a health check must be above 0; while the server is not well it is as otherwise")
	}
	for _, interval := range []*time.Duration{&h.Interval, &h.UnhealthyInterval} {
		if *interval > 0 && *interval < minInterval {
			*interval = minInterval
			return fmt.Errorf("the interval of a health check must be %v or more; it is %v", minInterval, minInterval)
		}
	}
	return nil
}

func (h *HealthCheck) validate() error {
	switch {
	case h.Mode != "" && h.Mode != "http" && h.Mode != ModeGRPC:
		return fmt.Errorf("the mode of a health check is http or grpc, not %q", h.Mode)
	case h.Mode != ModeGRPC && (h.Path == "" || h.Path[0] != '/'):
		return errors.New("the path of a health check starts with a slash")
	case h.Interval < minInterval || h.UnhealthyInterval != 0 && h.UnhealthyInterval < minInterval || h.Timeout <= 0:
		return fmt.Errorf("the interval of a health check must be %v or more, its timeout above 0", minInterval)
	case h.Fall < 0 || h.Fall > maxThreshold || h.Rise < 0 || h.Rise > maxThreshold:
		return fmt.Errorf("fall and rise of a health check are from 1 to %d", maxThreshold)
	case h.Port < 0 || h.Port > 65535:
		return fmt.Errorf("%d is no port", h.Port)
	}
	return h.validateRequest()
}

// validateRequest finds what no request can have: each check would fail by it, as if
// the server were at fault.
func (h *HealthCheck) validateRequest() error {
	if _, err := http.NewRequest(h.Method, "http://server"+h.Path, nil); err != nil { //nolint:noctx // it is not sent
		return fmt.Errorf("the request of a health check cannot be sent: %w", err)
	}
	if !httpguts.ValidHostHeader(h.Hostname) {
		return fmt.Errorf("the hostname of a health check, %q, cannot be sent", h.Hostname)
	}
	for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(h.Headers[name]) {
			return fmt.Errorf("the header %q of a health check cannot be sent", name)
		}
	}
	return nil
}

// PassiveHealthCheck passes over a server for FailureWindow after so many failed
// requests within it.
type PassiveHealthCheck struct {
	FailureWindow     time.Duration `key:"failurewindow"`     // 0: 10 s
	MaxFailedAttempts int           `key:"maxfailedattempts"` // 0: 1
}
