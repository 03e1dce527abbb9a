package consul

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/shared"
)

// claim runs Claims until stop is called.
func claim(t *testing.T, c Config) (claims *Claims, stop func()) {
	t.Helper()
	c.Logger = quiet
	claims, err := NewClaims(c, MinClaimTTL)
	if err != nil {
		t.Fatal(err)
	}
	claims.pause = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := claims.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		wait.Wait()
	})
	t.Cleanup(stop)
	return claims, stop
}

func mustPut(t *testing.T, c *Claims, value string) (own bool) {
	t.Helper()
	own, err := c.Put(t.Context(), "dedup/a/data", []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func TestClaims(t *testing.T) {
	agent := parts.StartConsul(t)
	reader := newSource(t, web(agent))
	read := func() *watch.Pair {
		reply, err := reader.Fetch(t.Context(), watch.Request{Query: watch.Key{Path: "dedup/a/data"}, Consistent: true})
		if err != nil {
			t.Fatal(err)
		}
		return reply.Value.(*watch.Pair)
	}
	first, stop := claim(t, web(agent))
	second, _ := claim(t, web(agent))
	for _, value := range []string{"one", "two \x00\xff"} {
		if !mustPut(t, first, value) {
			t.Fatal("a free key cannot be claimed, or written again")
		}
		p := read()
		if p == nil || p.Value != value || !first.Owns(p.Session) || second.Owns(p.Session) {
			t.Fatalf("the key holds %+v", p)
		}
	}
	if mustPut(t, second, "stolen") || read().Value == "stolen" {
		t.Error("another one's key was written")
	}

	// With its owner the key goes, and others can have it.
	stop()
	if p := read(); p != nil {
		t.Errorf("it outlives its owner: %+v", p)
	}
	eventually(t, "another can claim it", func() bool { return mustPut(t, second, "three") })

	// A session that Consul has ended is replaced.
	session := read().Session
	agent.Do("PUT", "/v1/session/destroy/"+session, "")
	eventually(t, "the loss is noticed", func() bool { return !second.Owns(session) })
	eventually(t, "it is claimed again", func() bool {
		own, err := second.Put(t.Context(), "dedup/a/data", []byte("four"))
		return err == nil && own
	})
	if p := read(); p == nil || p.Value != "four" || !second.Owns(p.Session) {
		t.Errorf("the key holds %+v", p)
	}
}

func TestClaimsTooLarge(t *testing.T) {
	agent := parts.StartConsul(t, `{"limits": {"kv_max_value_size": 1000}}`)
	c, _ := claim(t, web(agent))
	for _, size := range []int{1001, maxClaim + 1} {
		if _, err := c.Put(t.Context(), "dedup/a/data", make([]byte, size)); !errors.Is(err, shared.ErrTooLarge) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestClaimsRefused(t *testing.T) {
	denied := serve(t, http.StatusForbidden, "Permission denied", nil)
	c, _ := claim(t, Config{Address: denied.URL, Token: planted})
	_, err := c.Put(t.Context(), "dedup/a/data", nil)
	if !errors.Is(err, watch.ErrDenied) || !strings.Contains(err.Error(), "session:write") || strings.Contains(err.Error(), planted) {
		t.Errorf("error %v", err)
	}
	if c.Owns("") {
		t.Error("nobody's keys are ours")
	}
}

// Sessions and keys are where the keys are read.
func TestClaimsFollowTheDatacenter(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path+"?"+r.URL.Query().Get("dc")+","+r.URL.Query().Get("ns"))
		if strings.HasPrefix(r.URL.Path, "/v1/session/create") {
			fmt.Fprint(w, `{"ID": "s"}`)
			return
		}
		fmt.Fprint(w, "true")
	}))
	defer server.Close()
	c, stop := claim(t, Config{Address: server.URL, Datacenter: "dc2", Namespace: "team"})
	mustPut(t, c, "x")
	stop()
	want := "/v1/session/create?dc2,team /v1/kv/dedup/a/data?dc2,team /v1/session/destroy/s?dc2,team"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
