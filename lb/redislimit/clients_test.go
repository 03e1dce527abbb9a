package redislimit

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns the buckets of a Redis, whose connections end with the test.
func open(t *testing.T, s *spec.Redis) *client {
	t.Helper()
	if s.ReadTimeout == 0 {
		s.ReadTimeout = time.Minute // a machine that is busy is not what is tested
	}
	buckets, err := new(Clients).Open(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := buckets.(*client)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestBucket(t *testing.T) {
	server := miniredis.RunT(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	server.SetTime(now)
	a, b := open(t, &spec.Redis{Endpoints: []string{server.Addr()}}), open(t, &spec.Redis{Endpoints: []string{server.Addr()}, DB: 0})
	bucket := middleware.Bucket{Interval: time.Second, Burst: 3, Longest: 500 * time.Millisecond}
	take := func(c *client, key string, want time.Duration) {
		t.Helper()
		wait, err := c.Take(t.Context(), key, bucket)
		if err != nil || wait != want {
			t.Errorf("wait %v, %v; want %v", wait, err, want)
		}
	}
	take(a, "x", 0)
	take(b, "x", 0) // of the same bucket
	take(a, "x", 0)
	take(b, "x", time.Second) // too long: nothing is taken
	take(a, "y", 0)           // another one
	server.SetTime(now.Add(600 * time.Millisecond))
	take(b, "x", 400*time.Millisecond) // a token in advance
	server.SetTime(now.Add(1100 * time.Millisecond))
	take(a, "x", 900*time.Millisecond)
	if keys := server.Keys(); len(keys) != 2 || keys[0] != "sluice:rate:x" {
		t.Errorf("keys %q", keys)
	}
	server.FastForward(time.Minute)
	if keys := server.Keys(); len(keys) != 0 {
		t.Errorf("full buckets are kept: %q", keys)
	}
}

// All tokens there are, and no more, go to those who ask at a time.
func TestBucketIsShared(t *testing.T) {
	server := miniredis.RunT(t)
	server.SetTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	bucket := middleware.Bucket{Interval: time.Hour, Burst: 20}
	got := make(chan bool, 80)
	var asking sync.WaitGroup
	for range 4 {
		c := open(t, &spec.Redis{Endpoints: []string{server.Addr()}})
		for range 20 {
			asking.Go(func() {
				wait, err := c.Take(t.Context(), "x", bucket)
				if err != nil {
					t.Error(err)
				}
				got <- wait == 0
			})
		}
	}
	asking.Wait()
	close(got)
	taken := 0
	for ok := range got {
		if ok {
			taken++
		}
	}
	if taken != 20 {
		t.Errorf("%d tokens of 20 were taken", taken)
	}
}

func TestPasswords(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireUserAuth("lb", "open sesame")
	bucket := middleware.Bucket{Interval: time.Second, Burst: 1}
	if _, err := open(t, &spec.Redis{Endpoints: []string{server.Addr()}, Username: "lb", Password: "open sesame"}).Take(t.Context(), "x", bucket); err != nil {
		t.Error(err)
	}
	_, err := open(t, &spec.Redis{Endpoints: []string{server.Addr()}, Username: "lb", Password: "wrong one"}).Take(t.Context(), "x", bucket)
	if err == nil || strings.Contains(err.Error(), "wrong one") {
		t.Errorf("with a wrong password: %v", err)
	}
}

// A Redis that takes connections and says nothing costs no more than the time that
// whoever asks has.
func TestNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := open(t, &spec.Redis{Endpoints: []string{l.Addr().String()}, ReadTimeout: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = c.Take(ctx, "x", middleware.Bucket{Interval: time.Second, Burst: 1})
	if err == nil || !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		t.Errorf("%v, want a timeout", err)
	}
	if took := time.Since(began); took > spec.MaxRedisWait {
		t.Errorf("it took %v", took)
	}
}

func isTimeout(err error) bool {
	fault, ok := errors.AsType[net.Error](err)
	return ok && fault.Timeout()
}

// Limits of one Redis share its connections, which end with the last of them.
func TestClientsAreShared(t *testing.T) {
	server := miniredis.RunT(t)
	var all Clients
	s := func(db int) *spec.Redis { return &spec.Redis{Endpoints: []string{server.Addr()}, DB: db} }
	one, _ := all.Open(s(0), nil)
	same, _ := all.Open(s(0), nil)
	other, _ := all.Open(s(1), nil)
	if one != same || one == other {
		t.Errorf("%p, %p and, of another database, %p", one, same, other)
	}
	if _, err := one.Take(t.Context(), "x", middleware.Bucket{Interval: time.Second, Burst: 1}); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive([]middleware.Buckets{one, same, other})
	one, same, other = nil, nil, nil //nolint:ineffassign,wastedassign // lets go of them
	deadline := time.Now().Add(20 * time.Second)
	for server.CurrentConnectionCount() > 0 {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatal("the connections of a Redis that nobody uses stay open")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
