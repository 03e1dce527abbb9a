package probe

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a prober until the end of the test.
func running(t *testing.T) *Prober {
	t.Helper()
	p := New(slog.New(slog.NewTextHandler(t.Output(), nil)))
	begin(t, p)
	return p
}

func begin(t *testing.T, p *Prober) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

func TestHealthChecksOfHTTP(t *testing.T) {
	var well atomic.Bool
	well.Store(true)
	asked := make(chan *http.Request, 100)
	address := lbtest.HTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			select {
			case asked <- r.Clone(context.Background()):
			default:
			}
			if !well.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	})
	check := spec.DefaultHealthCheck()
	check.Path, check.Hostname, check.Headers, check.Interval = "/health", "checked.test", map[string]string{"X-A": "b"}, 10*time.Millisecond

	members := []target.Member{{Key: target.Key{Scheme: "http", Address: address}, Weight: 1}}
	pool := target.NewRegistry(nil).Pool("web", members, target.Policy{Watched: true})
	checked := Pool{Pool: pool, Health: check}
	p := running(t)
	p.Replace(nil, []Pool{checked, checked})
	up := func() bool { return pool.Pick(0) != nil }

	r := <-asked
	if r.Host != "checked.test" || r.Header.Get("X-A") != "b" || r.Method != http.MethodGet {
		t.Errorf("asked %s %s of %s with %v", r.Method, r.URL, r.Host, r.Header)
	}
	well.Store(false)
	lbtest.Eventually(t, "the target is given up", func() bool { return !up() })
	well.Store(true)
	lbtest.Eventually(t, "the target is taken back", up)

	// The checks go on while one of two that have the pool is left.
	p.Replace([]Pool{checked}, nil)
	well.Store(false)
	lbtest.Eventually(t, "the target is given up again", func() bool { return !up() })
	p.Replace([]Pool{checked}, nil)
	if len(p.running) != 0 {
		t.Error("the checks of a pool that nobody has go on")
	}
}

// Pools may come before there is anybody to ask for.
func TestPoolsFromBeforeRun(t *testing.T) {
	members := []target.Member{{Key: target.Key{Scheme: "tcp", Address: lbtest.Refusing(t)}, Weight: 1}}
	registry := target.NewRegistry(nil)
	check := &spec.HealthCheck{Mode: spec.ModeTCP, Interval: 10 * time.Millisecond, Timeout: 10 * time.Second}
	left := Pool{Pool: registry.Pool("left", members, target.Policy{Watched: true}), Health: check}
	gone := Pool{Pool: registry.Pool("gone", members, target.Policy{Watched: true}), Health: check}
	p := New(slog.New(slog.DiscardHandler))
	p.Replace(nil, []Pool{left, gone})
	p.Replace([]Pool{gone}, nil)
	begin(t, p)
	lbtest.Eventually(t, "the target is given up", func() bool { return left.Pick(0) == nil })
	if gone.Stats().CheckFailures > 0 {
		t.Error("a pool that nobody has is checked")
	}
}

// The checks of a pool that is asked in another way from now on are begun anew.
func TestChecksThatChange(t *testing.T) {
	var proxied atomic.Bool
	address := lbtest.Serve(t, func(nc *net.TCPConn) {
		if sent, _ := io.ReadAll(nc); bytes.HasPrefix(sent, []byte("PROXY ")) {
			proxied.Store(true)
		}
	})
	members := []target.Member{{Key: target.Key{Scheme: "tcp", Address: address}, Weight: 1}}
	check := &spec.HealthCheck{Mode: spec.ModeTCP, Interval: 10 * time.Millisecond, Timeout: 10 * time.Second}
	before := Pool{Pool: target.NewRegistry(nil).Pool("db", members, target.Policy{Watched: true}), Health: check}
	after := before
	after.Proxy = 1
	p := running(t)
	p.Replace(nil, []Pool{before})
	p.Replace([]Pool{before}, []Pool{after})
	lbtest.Eventually(t, "the target is sent the PROXY header it expects by now", proxied.Load)
}
