package middleware

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"weak"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// Registry makes middlewares and remembers them as long as a table uses them,
// so that a change elsewhere in the catalog resets no limit and no breaker. It
// may be used from any goroutine.
type Registry struct {
	mu sync.Mutex
	// made does not keep what it lists alive: tables come and go without telling.
	made map[string]weak.Pointer[kept]
	// buckets opens those that are shared, nil if there are none.
	buckets OpenBuckets
	spool   *spool
}

var _ lb.Middlewares = (*Registry)(nil)

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{made: map[string]weak.Pointer[kept]{}, spool: &spool{max: DefaultSpool}}
}

// Share has limits that ask for it count in buckets that open returns. It is for
// before the first middleware is made.
func (r *Registry) Share(open OpenBuckets) { r.buckets = open }

// Spool bounds the bodies that are buffered in files, of all requests together, in
// bytes. It is for before the first middleware is made.
func (r *Registry) Spool(bytes int64) { r.spool = &spool{max: bytes} }

// kept is a middleware and what it was made of.
type kept struct {
	lb.Middleware
	spec spec.Middleware
}

// Preview implements [lb.Previewer], for the middlewares that do.
func (k *kept) Preview(x *lb.Exchange) error {
	if p, ok := k.Middleware.(lb.Previewer); ok {
		return p.Preview(x)
	}
	return nil
}

// Breaker implements [lb.Breaker], for the middlewares that do.
func (k *kept) Breaker() (state lb.BreakerState, ok bool) {
	if b, is := k.Middleware.(lb.Breaker); is {
		return b.Breaker()
	}
	return state, false
}

// Fault implements [lb.Faulty], for the middlewares that do.
func (k *kept) Fault() (varies bool, err error) {
	if f, is := k.Middleware.(lb.Faulty); is {
		return f.Fault()
	}
	return false, nil
}

// Middleware implements [lb.Middlewares].
func (r *Registry) Middleware(owner string, s spec.Middleware) (lb.Middleware, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.made[owner].Value(); k != nil && reflect.DeepEqual(k.spec, s) {
		return k, nil
	}
	m, err := build(s)
	if err != nil {
		return nil, err
	}
	if buffering, ok := m.(*buffering); ok {
		buffering.spool = r.spool
	}
	if limit, ok := s.(*spec.RateLimit); ok && limit.Redis != nil {
		if err := m.(*rateLimit).share(limit.Redis, owner, r.buckets); err != nil { //nolint:errcheck,forcetypeassert // as build makes them
			return nil, err
		}
	}
	k := &kept{m, s}
	r.made[owner] = weak.Make(k)
	runtime.AddCleanup(k, r.forget, owner)
	return k, nil
}

// forget drops an owner whose middleware is gone, unless it has another.
func (r *Registry) forget(owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made[owner].Value() == nil {
		delete(r.made, owner)
	}
}

// build makes the middleware of a spec.
func build(s spec.Middleware) (lb.Middleware, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	switch s := s.(type) {
	case spec.StripPrefixRegex:
		return newStripPrefixRegex(s), nil
	case spec.StripPrefixTemplate:
		return newStripPrefixTemplate(s)
	case spec.ReplacePath:
		return replacePath(s), nil
	case spec.ReplacePathRegex:
		return newReplacePathRegex(s), nil
	case spec.EncodedCharacters:
		return newEncodedCharacters(s), nil
	case spec.RedirectScheme:
		return newRedirectScheme(s), nil
	case spec.RedirectRegex:
		return newRedirectRegex(s), nil
	case spec.Redirect:
		return newRedirectTo(s), nil
	case spec.AddQuery:
		return addQuery(s), nil
	case spec.Unauthorized:
		return unauthorized{}, nil
	case *spec.IPAllowList:
		return newAllowList(s)
	case *spec.AccessRules:
		return (*accessRules)(s), nil
	case *spec.RateLimit:
		return newRateLimit(s)
	case *spec.InFlight:
		return newInFlight(s)
	case *spec.Headers:
		return newHeaders(s)
	case *spec.BasicAuth:
		return newBasicAuth(s)
	case *spec.DigestAuth:
		return newDigestAuth(s)
	case *spec.JWT:
		return newJWT(s)
	case *spec.ForwardAuth:
		return newForwardAuth(s)
	case *spec.Compress:
		return newCompress(s)
	case *spec.Buffering:
		return newBuffering(s)
	case spec.ContentType:
		return contentType{}, nil
	case *spec.Retry:
		return newRetry(s)
	case *spec.CircuitBreaker:
		return newCircuitBreaker(s)
	case *spec.PassTLSClientCert:
		return newPassClientCert(s), nil
	case *spec.GRPCWeb:
		return newGRPCWeb(s), nil
	}
	return nil, fmt.Errorf("%w of kind %s", errNoKind, s.Kind())
}

// errNoKind is for the middlewares that package lb makes itself, and those that there are not.
var errNoKind = errors.New("there are no middlewares")

// Check tells why no middleware can be made of s: an expression that makes no sense, a
// file that is not there. Those that package lb makes itself are not looked at.
func Check(s spec.Middleware) error {
	if _, err := build(s); !errors.Is(err, errNoKind) {
		return err
	}
	return nil
}
