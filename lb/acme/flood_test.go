package acme

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// slow is a storage that counts what is asked of it, and does not answer while it
// is held.
type slow struct {
	*memory
	loads atomic.Int64
	gate  sync.RWMutex
}

func (s *slow) Load(ctx context.Context, name string) ([]byte, error) {
	s.loads.Add(1)
	s.gate.RLock()
	defer s.gate.RUnlock()
	return s.memory.Load(ctx, name)
}

// serveShop runs a load balancer that has a certificate issued for shop.test, and
// returns where it listens.
func serveShop(t *testing.T, c *Client, ip string) (address string) {
	t.Helper()
	source := watchtest.New()
	tags := []string{"traefik.http.routers.shop.rule=Host(`shop.test`) || HostRegexp(`.+`)", "traefik.http.routers.shop.tls.certresolver=le"}
	source.Set(watch.Services{}, []watch.ServiceTags{{Name: "shop", Tags: tags}})
	source.Set(watch.Health{Service: "shop"}, []watch.Instance{{
		Node:    watch.NodeInfo{Name: "n", Address: "127.0.0.1"},
		Service: watch.ServiceInfo{ID: "shop", Name: "shop", Tags: tags, Port: 9, Weights: watch.Weights{Passing: 1, Warning: 1}},
	}})
	o := lb.DefaultServerOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	o.Listeners = []listener.Listener{{Address: ip + ":5001", Proto: listener.ProtoHTTPS, CertSource: "le"}}
	o.ACME = []certs.ACME{{Name: "le", Client: c}}
	wo := watch.DefaultOptions()
	wo.Logger = o.Logger
	watcher := watch.New(wo, source)
	server, err := lb.New(o, watcher)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { watcher.Run(ctx) })
	running.Go(func() {
		if err := server.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return ip + ":5001"
}

// shakeHands returns the serial number of the certificate that is served for a name.
func shakeHands(address, name string, protocols ...string) (serial string, err error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	conn := tls.Client(nc, &tls.Config{ServerName: name, NextProtos: protocols, InsecureSkipVerify: true}) //nolint:gosec // of a test
	if err := conn.Handshake(); err != nil {
		return "", err
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

// inUse is the memory in use, in bytes.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Whoever asks for any number of names gets nothing ordered, takes no room, and
// keeps neither other handshakes nor the authority waiting.
func TestFloodOfNames(t *testing.T) {
	ip := parts.Loopback(t)
	pebble := parts.StartPebble(t, ip, 0)
	storage := &slow{memory: newMemory()}
	o := options(t, pebble, ChallengeTLS, storage)
	o.Logger = slog.New(slog.DiscardHandler)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	address := serveShop(t, c, ip)
	issued := serial(t, c, "shop.test")
	settled(t, c, "shop.test")

	const workers, each = 4, 25
	var made atomic.Int64
	flood := func(each int, protocols ...string) *sync.WaitGroup {
		var working sync.WaitGroup
		for range workers {
			working.Go(func() {
				for range each {
					got, err := shakeHands(address, fmt.Sprintf("x%d.shop.test", made.Add(1)), protocols...)
					if len(protocols) == 0 && (err != nil || got == issued) {
						t.Errorf("a name that nobody wants: %s, %v", got, err)
					}
				}
			})
		}
		return &working
	}
	flood(each).Wait()
	before, loads := inUse(), storage.loads.Load()
	storage.gate.Lock() // nobody needs it for what is there
	waiting := flood(1, tlsconf.ChallengeProtocol)
	working := flood(each)
	for range 20 {
		if got, err := shakeHands(address, "shop.test"); err != nil || got != issued {
			t.Errorf("the certificate there is: %s, %v", got, err)
		}
	}
	working.Wait()
	if n := storage.loads.Load() - loads; n > workers {
		t.Errorf("the storage was asked %d times, for no more than %d challenges", n, workers)
	}
	storage.gate.Unlock()
	waiting.Wait()

	// The authority itself is let through while others ask for challenges.
	began, loads := time.Now(), storage.loads.Load()
	working = flood(each, tlsconf.ChallengeProtocol)
	working.Wait()
	if most := 2 * (lookupsAtOnce + lookupsPerSecond*int64(time.Since(began)/time.Second+2)); storage.loads.Load()-loads > most {
		t.Errorf("the storage was asked %d times, and %d are let through", storage.loads.Load()-loads, most)
	}
	for range 2 * lookupsAtOnce {
		c.mayLookUp("stranger.test")
	}
	if !c.mayLookUp("shop.test") {
		t.Error("a name that is wanted is held off as those of strangers are")
	}
	if grown := inUse() - before; grown > 8<<20 {
		t.Errorf("%d bytes are left behind by %d handshakes", grown, made.Load())
	}
	c.mu.Lock()
	names := len(c.names)
	c.mu.Unlock()
	if names != 1 || pebble.Orders() != 1 {
		t.Errorf("%d names and %d orders, of one that a route names", names, pebble.Orders())
	}
}
