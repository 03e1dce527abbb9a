// Package balancer runs a load balancer for tests that are above package lb.
package balancer

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// Start runs one with a single service, called app, that has instances at the
// addresses, until the test is over. It returns the address of its listener, whose
// name is web.
func Start(t testing.TB, tags, instances []string, change func(*lb.ServerOptions)) (address string) {
	t.Helper()
	wo := watch.DefaultOptions()
	wo.Logger = slog.New(slog.DiscardHandler)
	watcher := watch.New(wo, catalog(tags, instances))
	o := lb.DefaultServerOptions()
	o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Name: "web", Proto: listener.ProtoHTTP}}
	o.Logger = wo.Logger
	change(&o)
	s, err := lb.New(o, watcher)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { _ = watcher.Run(ctx) })
	parts.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() {
		stop()
		parts.Wait()
	})
	lbtest.Eventually(t, "the catalog is read", s.Ready)
	return s.Addrs()["web"].String()
}

func catalog(tags, instances []string) *watchtest.Source {
	source := watchtest.New()
	var all []watch.Instance
	for i, address := range instances {
		host, port, _ := net.SplitHostPort(address)
		number, _ := strconv.Atoi(port)
		all = append(all, watch.Instance{
			Node:    watch.NodeInfo{Name: "n", Address: host},
			Service: watch.ServiceInfo{ID: "app" + strconv.Itoa(i), Name: "app", Tags: tags, Port: number},
		})
	}
	source.Set(watch.Services{}, []watch.ServiceTags{{Name: "app", Tags: tags}})
	source.Set(watch.Health{Service: "app"}, all)
	return source
}
