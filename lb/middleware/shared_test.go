package middleware

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// fakeBuckets has an answer for everyone.
type fakeBuckets struct {
	wait  time.Duration
	err   error
	stuck bool
	asked atomic.Int64
	key   string
	last  Bucket
}

func (f *fakeBuckets) Take(ctx context.Context, key string, b Bucket) (time.Duration, error) {
	f.asked.Add(1)
	f.key, f.last = key, b
	if f.stuck {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return f.wait, f.err
}

func sharedLimits(t *testing.T, f *fakeBuckets) lb.Middleware {
	t.Helper()
	r := NewRegistry()
	r.Share(func(*spec.Redis, *tls.Config) (Buckets, error) { return f, nil })
	m, err := r.Middleware("traefik/app/0", &spec.RateLimit{Average: 1, Period: 10 * time.Second, Burst: 2, Redis: &spec.Redis{}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// statuses are the answers to n requests of one client.
func statuses(t *testing.T, m lb.Middleware, n int) (all []int) {
	for range n {
		x, r := exchange(t, "GET http://h/")
		m.Serve(x, upstream(http.StatusOK, ""))
		all = append(all, r.status)
	}
	return all
}

func TestSharedLimit(t *testing.T) {
	f := &fakeBuckets{}
	m := sharedLimits(t, f)
	if got := statuses(t, m, 5); got[4] != http.StatusOK {
		t.Errorf("answers %v while the bucket has tokens", got)
	}
	if f.last != (Bucket{Interval: 10 * time.Second, Burst: 2, Longest: 500 * time.Millisecond}) {
		t.Errorf("the bucket is %+v", f.last)
	}
	if !strings.HasPrefix(f.key, "traefik/app/0:") || strings.Contains(f.key, "192.0.2") {
		t.Errorf("the key is %q: it must tell limits apart, and not who the client is", f.key)
	}
	f.wait = 9 * time.Second
	x, r := exchange(t, "GET http://h/")
	m.Serve(x, upstream(http.StatusOK, ""))
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "9" {
		t.Errorf("%d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
}

// While the buckets cannot be had, requests are counted here, and hardly any of them
// waits for an answer.
func TestSharedLimitWithoutBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeBuckets{stuck: true}
		m := sharedLimits(t, f)
		began := time.Now()
		if got := statuses(t, m, 4); got[1] != http.StatusOK || got[2] != http.StatusTooManyRequests || got[3] != http.StatusTooManyRequests {
			t.Errorf("answers %v, want two", got)
		}
		if took := time.Since(began); took != 250*time.Millisecond || f.asked.Load() != 1 {
			t.Errorf("%v were waited and %d questions asked", took, f.asked.Load())
		}
		if _, err := m.(lb.Faulty).Fault(); err == nil || !strings.Contains(err.Error(), "each load balancer counts for itself") {
			t.Errorf("the fault is %v", err)
		}
		time.Sleep(retryShared + time.Millisecond)
		f.stuck = false
		if got := statuses(t, m, 4); got[3] != http.StatusOK || f.asked.Load() != 5 {
			t.Errorf("when they are back: %v, %d questions", got, f.asked.Load())
		}
		if varies, err := m.(lb.Faulty).Fault(); !varies || err != nil {
			t.Errorf("the fault stays: %v", err)
		}
		f.err = errors.New("out of memory")
		time.Sleep(20 * time.Second) // for two tokens here
		if got := statuses(t, m, 1); got[0] != http.StatusOK {
			t.Errorf("after an error: %v", got)
		}
	})
}

func TestSharedLimitNeedsBuckets(t *testing.T) {
	_, err := NewRegistry().Middleware("r", &spec.RateLimit{Average: 1, Redis: &spec.Redis{}})
	if err == nil {
		t.Error("a limit that nobody can keep was made")
	}
	for _, s := range []*spec.Redis{{Endpoints: []string{"nowhere"}}, {PoolSize: -1}, {MaxActiveConns: 1000}, {DB: -1}, {DB: 1, Endpoints: []string{"a:1", "b:1"}}} {
		if err := (&spec.RateLimit{Redis: s}).Validate(); err == nil {
			t.Errorf("%+v is valid", s)
		}
	}
}
