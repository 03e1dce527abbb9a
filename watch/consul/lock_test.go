package consul

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

// newLocker is one that notices soon what others notice late.
func testLocker(t *testing.T, c Config, holder string) *Locker {
	t.Helper()
	c.Logger = quiet
	l, err := NewLocker(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	l.holder, l.delay, l.pause = holder, time.Millisecond, 5*time.Millisecond
	return l
}

// reasons collects why a lock is waited for.
type reasons struct {
	mu   sync.Mutex
	said []string
}

func (r *reasons) add(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, why)
}

func (r *reasons) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "; ")
}

func lock(t *testing.T, l *Locker, limit int) (context.Context, func()) {
	t.Helper()
	held, release, err := l.Lock(t.Context(), "app/reload", limit, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return held, release
}

func TestLockIsHandedOver(t *testing.T) {
	agent := parts.StartConsul(t)
	held, release := lock(t, testLocker(t, web(agent), "first"), 1)
	var why reasons
	taken := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(taken)
		_, release, err := testLocker(t, web(agent), "second").Lock(t.Context(), "/app/reload", 1, why.add)
		if err != nil {
			t.Error(err)
			return
		}
		release()
	})
	eventually(t, "the second tells whom it waits for", func() bool { return why.String() == "it is held by first" })
	select {
	case <-taken:
		t.Error("both have the lock")
	default:
	}
	if held.Err() != nil {
		t.Error("the holder has lost it")
	}
	release()
	wait.Wait()
	if held.Err() == nil {
		t.Error("given back, it still counts as held")
	}
}

// Never more than the limit hold it, and all get it in the end.
func TestLockLimit(t *testing.T) {
	agent := parts.StartConsul(t)
	const limit, hosts = 2, 5
	var now, most, turns atomic.Int32
	var wait sync.WaitGroup
	for i := range hosts {
		l := testLocker(t, web(agent), fmt.Sprint("host ", i))
		wait.Go(func() {
			_, release, err := l.Lock(t.Context(), "app/reload", limit, func(string) {})
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			// Stays until another has come, or all have had their turn.
			for deadline := time.Now().Add(30 * time.Second); most.Load() < limit && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			turns.Add(1)
			now.Add(-1)
		})
	}
	wait.Wait()
	if most.Load() != limit || turns.Load() != hosts {
		t.Errorf("%d held it at a time, want %d; %d of %d had it", most.Load(), limit, turns.Load(), hosts)
	}
}

func TestLockLoss(t *testing.T) {
	agent := parts.StartConsul(t)
	for name, lose := range map[string]func(session string){
		"session ended": func(session string) { agent.Do("PUT", "/v1/session/destroy/"+session, "") },
		"key deleted":   func(string) { agent.Do("DELETE", "/v1/kv/app/reload/1", "") },
	} {
		t.Run(name, func(t *testing.T) {
			l := testLocker(t, web(agent), "holder")
			held, release := lock(t, l, 1)
			defer release()
			var pairs []struct{ Session string }
			if err := json.Unmarshal([]byte(agent.Do("GET", "/v1/kv/app/reload/1", "")), &pairs); err != nil || len(pairs) != 1 {
				t.Fatal(pairs, err)
			}
			lose(pairs[0].Session)
			eventually(t, "the loss is noticed", func() bool { return held.Err() != nil })
			if !errors.Is(context.Cause(held), errSessionGone) {
				t.Errorf("cause %v", context.Cause(held))
			}
		})
	}
}

func TestLockRefused(t *testing.T) {
	denied := serve(t, http.StatusForbidden, "Permission denied", nil)
	l := testLocker(t, Config{Address: denied.URL, Token: planted}, "x")
	_, _, err := l.Lock(t.Context(), "app/reload", 1, func(string) {})
	if !errors.Is(err, watch.ErrDenied) || !strings.Contains(err.Error(), "lock app/reload: PUT ") || !strings.Contains(err.Error(), "session:write") {
		t.Errorf("error %v", err)
	}
	if strings.Contains(fmt.Sprint(err), planted) {
		t.Errorf("the token shows in %v", err)
	}
	for _, limit := range []int{0, MaxLockLimit + 1} {
		if _, _, err := l.Lock(t.Context(), "app/reload", limit, nil); err == nil {
			t.Errorf("limit %d is accepted", limit)
		}
	}
	if _, _, err := l.Lock(t.Context(), "/", 1, nil); err == nil {
		t.Error("no key is accepted")
	}
}

// An outage is waited out, and the end of ctx ends the wait.
func TestLockOutage(t *testing.T) {
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	var why reasons
	told := errors.New("told to stop")
	var wait sync.WaitGroup
	wait.Go(func() {
		_, _, err := testLocker(t, Config{Address: down.URL}, "x").Lock(ctx, "app/reload", 1, why.add)
		if !errors.Is(err, told) {
			t.Errorf("error %v", err)
		}
	})
	eventually(t, "the outage is told", func() bool { return strings.Contains(why.String(), "connection refused") })
	cancel(told)
	wait.Wait()
}

// Without an answer the lock counts as lost when the session may have ended, and
// not before.
func TestLockLossByOutage(t *testing.T) {
	var out atomic.Bool
	var renewals atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Consul-Index", "7")
		switch {
		case strings.HasPrefix(r.URL.Path, "/v1/session/create"):
			fmt.Fprint(w, `{"ID": "s"}`)
		case strings.HasPrefix(r.URL.Path, "/v1/session/renew"):
			renewals.Add(1)
			if out.Load() {
				w.WriteHeader(http.StatusInternalServerError)
			}
		case r.Method == http.MethodGet && renewals.Load() == 0:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodGet:
			fmt.Fprint(w, `[{"Key": "app/reload/1", "Session": "s"}]`)
		default:
			fmt.Fprint(w, "true")
		}
	}))
	defer server.Close()
	l := testLocker(t, Config{Address: server.URL}, "x")
	l.ttl = 1500 * time.Millisecond
	held, release := lock(t, l, 1)
	defer release()
	eventually(t, "it is renewed", func() bool { return renewals.Load() > 2 })
	if held.Err() != nil {
		t.Errorf("lost: %v", context.Cause(held))
	}
	out.Store(true)
	eventually(t, "the loss is noticed", func() bool { return held.Err() != nil })
	if cause := context.Cause(held); !strings.Contains(fmt.Sprint(cause), "could not be renewed for 1.5s") {
		t.Errorf("cause %v", cause)
	}
}
