package middleware

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// keyServer has a set of keys to be fetched, in the place of one at the other end of
// a connection.
type keyServer struct {
	asked atomic.Int32
	delay time.Duration
	keys  []jwtKey
	err   error
}

func (s *keyServer) fetch(ctx context.Context) ([]jwtKey, error) {
	s.asked.Add(1)
	select {
	case <-time.After(s.delay):
		return s.keys, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keysOf are public keys by their names.
func keysOf(names ...string) (keys []jwtKey) {
	for _, name := range names {
		keys = append(keys, jwtKey{name, []string{"ES256"}, testKeys().ec.Public()})
	}
	return keys
}

// remoteJWT is the middleware with the keys of a server.
func remoteJWT(s *keyServer) *jwt {
	j := &jwt{
		spec: spec.DefaultJWT(), algorithms: []jose.SignatureAlgorithm{jose.ES256}, userClaim: "sub",
		source: &remoteKeys{fetch: s.fetch, refresh: 15 * time.Minute, maxAge: 24 * time.Hour},
	}
	return j
}

func named(t testing.TB, name string) string {
	return bearer(tokenFor(t, jose.ES256, testKeys().ec, map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()}, "kid", name))
}

// Names of keys are made up by strangers: however many, they cost the server of the
// keys a question now and then, and those with a known one no time at all.
func TestKeysAreNotAskedForByStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &keyServer{keys: keysOf("one"), delay: time.Second}
		m := remoteJWT(s)
		flood := func(from int) {
			var group sync.WaitGroup
			for i := range 200 {
				group.Go(func() {
					if _, r, passed := askJWT(t, m, named(t, "stranger-"+strconv.Itoa(from+i))); passed || r.status != 401 {
						t.Errorf("a stranger was answered %d", r.status)
					}
				})
			}
			group.Wait()
		}
		flood(0)
		if n := s.asked.Load(); n != 1 {
			t.Errorf("at first the keys are asked for %d times", n)
		}
		for range 60 {
			flood(0)
			begin := time.Now()
			if _, r, passed := askJWT(t, m, named(t, "one")); !passed || !time.Now().Equal(begin) {
				t.Errorf("who is known is answered %d after %v", r.status, time.Since(begin))
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := s.asked.Load(); n > 7 {
			t.Errorf("in a minute of strangers the keys are asked for %d times", n)
		}
	})
}

// A key that is new is known as soon as somebody comes with it.
func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &keyServer{keys: keysOf("one")}
		m := remoteJWT(s)
		if _, r, _ := askJWT(t, m, named(t, "one")); r.status != 200 {
			t.Fatalf("answered %d", r.status)
		}
		time.Sleep(keysCooldown)
		s.keys = keysOf("two")
		if _, r, _ := askJWT(t, m, named(t, "two")); r.status != 200 {
			t.Errorf("the new key: answered %d", r.status)
		}
		if _, r, _ := askJWT(t, m, named(t, "one")); r.status != 401 {
			t.Errorf("the old key: answered %d", r.status)
		}
	})
}

// While there are no keys nobody is let in, and their server is asked less and less.
// Once there are, they outlive an outage, but not for ever.
func TestKeysThatCannotBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &keyServer{err: errors.New("connection refused")}
		m := remoteJWT(s)
		ask := func(want int) {
			t.Helper()
			if x, r, _ := askJWT(t, m, named(t, "one")); r.status != want || (x.Outcome.Err != nil) != (want == 503) {
				t.Errorf("answered %d, want %d: %v", r.status, want, x.Outcome.Err)
			}
		}
		for range 600 {
			ask(503)
			time.Sleep(time.Second)
		}
		if n := s.asked.Load(); n < 10 || n > 20 {
			t.Errorf("asked %d times in ten minutes", n)
		}
		if _, err := m.Fault(); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("the fault is %v", err)
		}
		s.keys, s.err = keysOf("one"), nil
		time.Sleep(maxKeysPause)
		ask(200)
		if _, err := m.Fault(); err != nil {
			t.Errorf("the fault is %v", err)
		}

		s.err, s.delay = errors.New("connection refused"), keysTimeout/2
		time.Sleep(23 * time.Hour)
		begin := time.Now()
		ask(200)
		if time.Since(begin) > 0 {
			t.Errorf("who has a known key waited for %v", time.Since(begin))
		}
		time.Sleep(time.Minute)
		if _, err := m.Fault(); err == nil || !strings.Contains(err.Error(), "older keys count") {
			t.Errorf("the fault is %v", err)
		}
		time.Sleep(time.Hour)
		ask(503)
		s.err = nil
		time.Sleep(maxKeysPause)
		ask(200)
	})
}

// Who goes away meanwhile is not waited with, and the answer serves the next one.
func TestKeysOfAClientThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &keyServer{keys: keysOf("one"), delay: 2 * time.Second}
		source := &remoteKeys{fetch: s.fetch, refresh: time.Hour, maxAge: time.Hour}
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if _, err := source.keys(ctx, "ES256", "one"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		if keys, err := source.keys(t.Context(), "ES256", "one"); err != nil || len(keys) != 1 || s.asked.Load() != 1 {
			t.Errorf("%d keys, %v, asked %d times", len(keys), err, s.asked.Load())
		}
	})
}

// While an answer is waited for, requests with a known key leave nothing behind:
// however many come, they cost no more than at other times.
func TestKeysOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &keyServer{keys: keysOf("one"), delay: keysTimeout / 2}
		source := &remoteKeys{fetch: s.fetch, refresh: time.Hour, maxAge: 2 * time.Hour}
		allocations := func() float64 {
			return testing.AllocsPerRun(100, func() {
				if keys, err := source.keys(t.Context(), "ES256", "one"); len(keys) != 1 {
					t.Errorf("%d keys, %v", len(keys), err)
				}
			})
		}
		fresh := allocations()
		time.Sleep(time.Hour)
		if stale := allocations(); stale > fresh {
			t.Errorf("%v allocations a request, and %v while the keys are asked for", fresh, stale)
		}
		time.Sleep(keysTimeout)
		if n := s.asked.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

// The keys of a real server, and its faults.
func TestKeysOfAServer(t *testing.T) {
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: testKeys().ec.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/keys":
			w.Write(set)
		case "/elsewhere":
			http.Redirect(w, r, "/keys", http.StatusFound)
		case "/long":
			w.Write([]byte(`{"keys":[` + strings.Repeat(" ", maxKeySet) + `]}`))
		case "/none":
			w.Write([]byte(`{"keys":[]}`))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	for path, want := range map[string]string{
		"/keys": "", "/nowhere": "status 404", "/elsewhere": "status 302", "/long": "more than", "/none": "no public key",
	} {
		m := made(t, jwtOf(func(s *spec.JWT) { s.JWKSURL = server.URL + path }))
		x, r, _ := askJWT(t, m, named(t, "one"))
		switch {
		case want == "" && r.status != 200, want != "" && (r.status != 503 || x.Outcome.Err == nil || !strings.Contains(x.Outcome.Err.Error(), want)):
			t.Errorf("%s: answered %d: %v", path, r.status, x.Outcome.Err)
		}
		if varies, err := m.(lb.Faulty).Fault(); !varies || (err != nil) != (want != "") {
			t.Errorf("%s: the fault is %v", path, err)
		}
	}
}

// What is in the URL for its server alone is in no log, whatever goes wrong.
func TestRemoteKeysKeepTheirURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	_, at, _ := strings.Cut(server.URL, "//")
	for _, where := range []string{"127.0.0.1:1/keys", at + "/no", at + "/empty"} {
		r, err := newRemoteKeys(jwtOf(func(s *spec.JWT) { s.JWKSURL = "http://bob:planted@" + where + "?token=planted" }))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = r.keys(t.Context(), "ES256", ""); err == nil || !strings.Contains(err.Error(), where) || strings.Contains(err.Error(), "planted") {
			t.Errorf("the error is %v", err)
		}
	}
}
