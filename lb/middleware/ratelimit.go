package middleware

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// rateLimit bounds the requests of each source by a token bucket. Who is early
// by no more than half the time between two tokens is made to wait.
type rateLimit struct {
	source  source
	limit   rate.Limit // tokens a second
	burst   int
	longest time.Duration // to wait
	legacy  bool
	shared  *sharedLimit // nil if each load balancer counts for itself

	mu      sync.Mutex
	buckets map[client]*rate.Limiter
	swept   time.Time
}

// maxSources bounds how many sources are told apart.
const maxSources = 100_000

// longestWait bounds how long a request may wait for its token.
const longestWait = 500 * time.Millisecond

func newRateLimit(s *spec.RateLimit) (*rateLimit, error) {
	source, err := newSource(s.Source)
	if err != nil {
		return nil, err
	}
	period := s.Period
	if period == 0 {
		period = time.Second
	}
	r := &rateLimit{
		source: source, limit: rate.Inf, burst: int(min(max(1, s.Burst), math.MaxInt32)),
		buckets: map[client]*rate.Limiter{}, swept: time.Now(), legacy: s.Legacy,
	}
	if s.Average > 0 {
		r.limit = rate.Limit(float64(s.Average) / period.Seconds())
		r.longest = min(longestWait, time.Duration(float64(period)/float64(s.Average)/2))
	}
	if s.Legacy {
		r.longest = 0
	}
	return r, nil
}

// Serve implements [lb.Middleware].
func (r *rateLimit) Serve(x *lb.Exchange, next lb.Handler) {
	if r.limit == rate.Inf {
		next.Serve(x)
		return
	}
	wait := r.take(x)
	if wait > r.longest && r.legacy {
		wait = time.Duration(math.Ceil(wait.Seconds())) * time.Second
		tooMany(x, wait, "max rate reached: retry-in "+wait.String())
		return
	}
	if wait > r.longest {
		tooMany(x, wait, http.StatusText(http.StatusTooManyRequests))
		return
	}
	if wait > 0 && !sleep(x, wait) {
		return
	}
	next.Serve(x)
}

// take takes a token, if it is to be had in time, and tells how long that takes.
func (r *rateLimit) take(x *lb.Exchange) time.Duration {
	of := r.source.of(x)
	if r.shared != nil {
		if wait, ok := r.shared.take(x.Context(), of); ok {
			return wait
		}
	}
	now := time.Now()
	token := r.bucket(of).ReserveN(now, 1)
	wait := token.DelayFrom(now)
	if wait > r.longest {
		token.CancelAt(now)
	}
	return wait
}

// Fault implements [lb.Faulty]: while shared buckets cannot be had, each load
// balancer counts for itself.
func (r *rateLimit) Fault() (varies bool, err error) {
	if r.shared == nil {
		return false, nil
	}
	if fault := r.shared.fault.Load(); fault != nil {
		return true, fmt.Errorf("each load balancer counts for itself: %w", *fault)
	}
	return true, nil
}

// share has the requests counted in buckets that others have too, under the name
// of the limit.
func (r *rateLimit) share(s *spec.Redis, name string, open OpenBuckets) error {
	if r.limit == rate.Inf {
		return nil
	}
	if open == nil {
		return errors.New("there is nothing here that speaks to Redis")
	}
	var secured *tls.Config
	if s.TLS != nil {
		var err error
		if secured, err = clientTLS(s.TLS); err != nil {
			return fmt.Errorf("redis: %w", err)
		}
	}
	buckets, err := open(s, secured)
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	r.shared = &sharedLimit{
		buckets: buckets, name: name, wait: s.Wait(),
		bucket: Bucket{Interval: max(1, time.Duration(float64(time.Second)/float64(r.limit))), Burst: r.burst, Longest: r.longest},
	}
	return nil
}

// tooMany answers a request that may come again after a while.
func tooMany(x *lb.Exchange, wait time.Duration, text string) {
	h := &lb.Header{}
	h.Add("Content-Type", "text/plain; charset=utf-8")
	h.Add("Retry-After", strconv.FormatFloat(math.Ceil(wait.Seconds()), 'f', 0, 64))
	h.Add("X-Retry-In", wait.String())
	x.Answer(http.StatusTooManyRequests, h, text+"\n")
}

// sleep waits, unless the client leaves.
func sleep(x *lb.Exchange, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.Context().Done():
		x.Outcome.Status, x.Outcome.Err = lb.StatusClientGone, x.Context().Err()
		return false
	}
}

func (r *rateLimit) bucket(source client) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[source]
	if b == nil {
		r.sweep()
		b = rate.NewLimiter(r.limit, r.burst)
		r.buckets[source.kept()] = b
	}
	return b
}

// sweep makes room: a bucket that is full again is as good as a new one.
func (r *rateLimit) sweep() {
	now := time.Now()
	since := now.Sub(r.swept) // to look at all of them takes a while, so it is not done for each new one
	if since >= time.Minute || len(r.buckets) >= maxSources && since >= time.Second {
		r.swept = now
		for source, b := range r.buckets {
			if b.TokensAt(now) >= float64(r.burst) {
				delete(r.buckets, source)
			}
		}
	}
	for source := range r.buckets {
		if len(r.buckets) < maxSources {
			return
		}
		delete(r.buckets, source)
	}
}
