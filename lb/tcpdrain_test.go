package lb

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// The read timeout of a listener, without one for idle connections, is for
// silence.
func TestSilentConnection(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp;rt=100ms")
	p.set("db", []string{lbtest.Serve(t, func(nc *net.TCPConn) { io.Copy(nc, nc) })}, "urlprefix-"+p.port(0)+" proto=tcp")
	if _, err := dialTCP(t, p.address(0)).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
}

func TestDepartedTarget(t *testing.T) {
	const grace = 3 * time.Second // long enough for a ping within it on a busy machine
	p := pass(t, func(o *ServerOptions) { o.Timeouts.Departed = grace }, "127.0.0.1:0;proto=tcp")
	echoing := func(nc *net.TCPConn) { io.Copy(nc, nc) }
	one, two, tag := lbtest.Serve(t, echoing), lbtest.Serve(t, echoing), "urlprefix-"+p.port(0)+" proto=tcp"
	p.set("db", []string{one}, tag)
	nc := dialTCP(t, p.address(0))
	ping := func() error {
		if _, err := io.WriteString(nc, "x"); err != nil {
			return err
		}
		_, err := nc.Read(make([]byte, 1))
		return err
	}
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	// It comes back in time, then it goes for good.
	p.set("db", []string{two}, tag)
	p.set("db", []string{one, two}, tag)
	time.Sleep(grace + grace/5) // nothing tells that it was not cut
	if err := ping(); err != nil {
		t.Fatalf("%v: the target was there again", err)
	}
	p.set("db", []string{two}, tag)
	if err := ping(); err != nil {
		t.Fatalf("%v: there is a grace", err)
	}
	if _, err := nc.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("%v: the connection to a target that is gone must be cut", err)
	}
	eventually(t, "it counts as failed", func() bool { m := p.routeMetrics(); return m.Failures == 1 && m.Open == 0 })
}

func TestDrainTCP(t *testing.T) {
	for name, drain := range map[string]time.Duration{"waits": 20 * time.Second, "cuts": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			p := pass(t, func(o *ServerOptions) { o.Timeouts.Drain = drain }, "127.0.0.1:0;proto=tcp")
			p.set("db", []string{lbtest.Serve(t, counting("db"))}, "urlprefix-"+p.port(0)+" proto=tcp")
			nc := dialTCP(t, p.address(0))
			io.WriteString(nc, "question")
			eventually(t, "it is passed on", func() bool { return p.routeMetrics().Open == 1 })
			stopped := make(chan struct{})
			go func() {
				p.stop()
				close(stopped)
			}()
			eventually(t, "it drains", p.Draining)
			want := ""
			if name == "waits" {
				nc.CloseWrite()
				want = "db: question"
			}
			if got, _ := io.ReadAll(nc); string(got) != want {
				t.Errorf("%q, want %q", got, want)
			}
			<-stopped
		})
	}
}
