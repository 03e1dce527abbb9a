package lb

import (
	"cmp"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

// policy is how a pool is picked from.
func policy(b *spec.LoadBalancer) target.Policy {
	if b == nil {
		b = &spec.LoadBalancer{}
	}
	p := target.Policy{
		Method: map[string]target.Method{
			"random": target.Random, "p2c": target.PowerOfTwo, "leastconn": target.LeastConns, "leasttime": target.LeastTime,
			"hrw": target.Rendezvous, "hash": target.Rendezvous,
		}[b.Strategy],
		Watched:     b.Health != nil,
		Ejection:    ejection(b.Outlier),
		SlowStart:   b.SlowStart,
		Panic:       b.PanicThreshold,
		MaxInFlight: b.MaxRequests,
		Budget:      budget(b.Retries),
	}
	if b.Health != nil {
		p.Rise, p.Fall = b.Health.Rise, b.Health.Fall
	}
	if b.Hash != nil {
		p.Method, p.MaxLoad = target.Rendezvous, b.Hash.MaxLoad
	}
	if b.Passive != nil {
		p.MaxFailures = cmp.Or(b.Passive.MaxFailedAttempts, 1)
		p.Window = cmp.Or(b.Passive.FailureWindow, 10*time.Second)
	}
	return p
}

func ejection(o *spec.Outlier) target.Ejection {
	if o == nil {
		o = &spec.Outlier{}
	}
	if o.Off {
		return target.Ejection{}
	}
	e := target.Ejection{
		Failures: cmp.Or(o.Failures, 3), Base: cmp.Or(o.Time, 5*time.Second), Share: cmp.Or(o.Share, 50),
	}
	e.Max = max(e.Base, cmp.Or(o.MaxTime, time.Minute))
	switch o.Statuses {
	case "gateway":
		e.Least, e.Most = 502, 504
	case "5xx":
		e.Least, e.Most = 500, 599
	}
	return e
}

func budget(r *spec.Retries) target.Budget {
	if r == nil {
		r = &spec.Retries{}
	}
	return target.Budget{Percent: cmp.Or(r.Percent, 20), PerSecond: cmp.Or(r.PerSecond, 10)}
}

// balance has a route do as its pool's load balancer says.
func (r *Route) balance(b *spec.LoadBalancer) {
	r.balancer = b
	if b != nil && b.Sticky != nil && b.Sticky.Cookie != nil {
		r.sticky = newSticky(b.Sticky.Cookie, r.Pool)
	}
}

// attempts is how often a request may be tried.
func (r *Route) attempts() int {
	if r.balancer == nil || r.balancer.Retries == nil {
		return defaultAttempts
	}
	return min(cmp.Or(r.balancer.Retries.Attempts, defaultAttempts), spec.MaxAttempts)
}

const defaultAttempts = 3

// timeout is for the head of an answer; 0 is that of all targets.
func (r *Route) timeout() time.Duration {
	if r.balancer == nil {
		return 0
	}
	return r.balancer.ResponseTimeout
}

// wholeTimeout is for all that targets take of an exchange, 0 for no limit.
func (r *Route) wholeTimeout() time.Duration {
	if r.balancer == nil {
		return 0
	}
	return r.balancer.RequestTimeout
}

// proxy is the version of the PROXY header that targets are sent; 0 is none.
func (r *Route) proxy() int {
	if r.balancer == nil {
		return 0
	}
	return r.balancer.Proxy.VersionSent()
}

// health is how targets are checked, nil for not.
func (r *Route) health() *spec.HealthCheck {
	if r.balancer == nil {
		return nil
	}
	return r.balancer.Health
}

// affinity is for pools that pick by it.
func (r *Route) affinity() *affinity {
	if r.balancer == nil {
		return nil
	}
	return (*affinity)(r.balancer.Hash)
}
