package middleware

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := made(t, &spec.RateLimit{Average: 1, Period: 10 * time.Second, Burst: 2})
		ask := func() (int, string) {
			x, r := exchange(t, "GET http://h/")
			m.Serve(x, upstream(200, ""))
			return r.status, r.header.Get("Retry-After") + " " + r.header.Get("X-Retry-In")
		}
		for i, want := range []int{200, 200, 429, 429} {
			if status, _ := ask(); status != want {
				t.Errorf("request %d was answered %d, want %d", i, status, want)
			}
		}
		if _, told := ask(); told != "10 10s" {
			t.Errorf("told to come again after %q", told)
		}
		time.Sleep(10 * time.Second)
		if status, _ := ask(); status != 200 {
			t.Errorf("after the period: %d", status)
		}
		// Half a second early is made to wait.
		time.Sleep(9500 * time.Millisecond)
		began := time.Now()
		if status, _ := ask(); status != 200 || time.Since(began).Round(time.Millisecond) != 500*time.Millisecond {
			t.Errorf("early: %d after %v", status, time.Since(began))
		}
	})
}

func TestRateLimitTellsSourcesApart(t *testing.T) {
	m := made(t, &spec.RateLimit{Average: 1, Period: time.Hour, Source: &spec.SourceCriterion{RequestHeader: "X-Key"}})
	for _, test := range []struct {
		key  string
		want int
	}{{"a", 200}, {"b", 200}, {"a", 429}} {
		x, r := exchange(t, "GET http://h/", "X-Key: "+test.key)
		if m.Serve(x, upstream(200, "")); r.status != test.want {
			t.Errorf("key %s: %d, want %d", test.key, r.status, test.want)
		}
	}
}

func TestRateLimitForgetsFullBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := newRateLimit(&spec.RateLimit{Average: 1})
		if err != nil {
			t.Fatal(err)
		}
		r.bucket(client{text: "a"}).Allow()
		r.bucket(client{text: "b"})
		time.Sleep(2 * time.Minute)
		r.bucket(client{text: "b"}).Allow()
		if r.bucket(client{text: "c"}); len(r.buckets) != 2 {
			t.Errorf("there are %d buckets, want those of b and c", len(r.buckets))
		}
	})
}

func TestInFlight(t *testing.T) {
	m := made(t, &spec.InFlight{Amount: 1})
	x, r := exchange(t, "GET http://h/")
	m.Serve(x, handler(func(outer *lb.Exchange) {
		x, r := exchange(t, "GET http://h/")
		m.Serve(x, upstream(200, ""))
		if r.status != 429 || r.body.String() != "max connections reached: 1\n" {
			t.Errorf("the second at a time was answered %d %q", r.status, r.body.String())
		}
		x, r = exchange(t, "GET http://other/")
		if m.Serve(x, upstream(200, "")); r.status != 200 {
			t.Errorf("another host's was answered %d", r.status)
		}
		upstream(200, "")(outer)
	}))
	if r.status != 200 {
		t.Errorf("the first was answered %d", r.status)
	}
	x, r = exchange(t, "GET http://h/")
	if m.Serve(x, upstream(200, "")); r.status != 200 {
		t.Errorf("after the first had ended: %d", r.status)
	}
}
