package lb

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestDrainLosesNothing(t *testing.T) {
	var entered atomic.Int64
	release := make(chan struct{})
	address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		entered.Add(1)
		<-release
		io.WriteString(w, "served")
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	const clients = 16
	c := client(t)
	var served atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			resp, err := c.Get(r.url("/"))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if string(body) != "served" || err != nil || !resp.Close {
				t.Errorf("%q, error %v, close %v; want it served, and the connection to be closed", body, err, resp.Close)
			}
			served.Add(1)
		})
	}
	eventually(t, "all requests are in flight", func() bool { return entered.Load() == clients })
	stopped := make(chan struct{})
	go func() {
		r.stop()
		close(stopped)
	}()
	eventually(t, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", r.addr)
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if r.Ready() {
		t.Error("ready while draining")
	}
	close(release)
	<-stopped
	wg.Wait()
	if served.Load() != clients || r.err != nil {
		t.Errorf("served %d of %d, Run returned %v", served.Load(), clients, r.err)
	}
}

func TestDrainEndsInTime(t *testing.T) {
	arrived := make(chan struct{})
	address := httpBackend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	r := start(t, func(o *ServerOptions) { o.Timeouts.Drain = 50 * time.Millisecond },
		testRoute{prefix: "/", backends: []string{address}})
	c := client(t)
	cut := make(chan error)
	go func() {
		resp, err := c.Get(r.url("/"))
		if err == nil {
			resp.Body.Close()
		}
		cut <- err
	}()
	<-arrived
	r.stop()
	if err := <-cut; err == nil || r.err != nil {
		t.Errorf("the request got %v, Run returned %v; want the one cut and the other nil", err, r.err)
	}
}
