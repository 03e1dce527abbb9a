package probe

import (
	"bufio"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

// sayingBack is a server of connections that answers a line with a text that may
// change.
func sayingBack(t *testing.T, answer *atomic.Pointer[string]) (address string) {
	t.Helper()
	return lbtest.Serve(t, func(nc *net.TCPConn) {
		if _, err := bufio.NewReader(nc).ReadString('\n'); err == nil {
			_, _ = io.WriteString(nc, *answer.Load())
		}
	})
}

// A server of connections is up while its answer begins with what is expected; a
// check that changes counts from then on.
func TestHealthCheckOfConnections(t *testing.T) {
	var answer atomic.Pointer[string]
	says := func(text string) { answer.Store(&text) }
	says("+PONG\r\n")
	address := sayingBack(t, &answer)
	key := target.Key{Scheme: "tcp", Address: address}
	pool := target.NewRegistry(nil).Pool("db", []target.Member{{Key: key, Weight: 1}}, target.Policy{Watched: true})
	expecting := func(text string) []Pool {
		return []Pool{{Pool: pool, Health: &spec.HealthCheck{
			Mode: spec.ModeTCP, Send: "PING\n", Expect: text, Interval: 10 * time.Millisecond, Timeout: 10 * time.Second,
		}}}
	}
	p := running(t)
	up := func() bool { return pool.Pick(0) != nil }

	first := expecting("+PONG")
	p.Replace(nil, first)
	says("-ERR no\r\n")
	lbtest.Eventually(t, "another answer is none", func() bool { return !up() })
	says("+PONG\r\n")
	lbtest.Eventually(t, "the right answer counts", up)
	says("+P")
	lbtest.Eventually(t, "half an answer is none", func() bool { return !up() })
	says("+OK")
	second := expecting("+OK")
	p.Replace(first, second)
	lbtest.Eventually(t, "the check is another one", up)
	p.Replace(second, nil)
	if len(p.running) != 0 {
		t.Errorf("%d checks go on", len(p.running))
	}
}

// A check may be of another port, and that a server accepts is enough if nothing
// is to be said.
func TestHealthCheckOfConnectionsByPort(t *testing.T) {
	var answer atomic.Pointer[string]
	text := ""
	answer.Store(&text)
	host, port, err := net.SplitHostPort(sayingBack(t, &answer))
	if err != nil {
		t.Fatal(err)
	}
	of := func(health *spec.HealthCheck, address string) error {
		health.Mode, health.Timeout = spec.ModeTCP, 10*time.Second
		return askOnce(t, health, target.Key{Scheme: "tcp", Address: address})
	}
	if err := of(&spec.HealthCheck{}, net.JoinHostPort(host, port)); err != nil {
		t.Errorf("it accepts: %v", err)
	}
	if err := of(&spec.HealthCheck{}, net.JoinHostPort(host, "1")); err == nil {
		t.Error("nobody is there")
	}
	n, _ := net.LookupPort("tcp", port)
	if err := of(&spec.HealthCheck{Port: n}, net.JoinHostPort(host, "1")); err != nil {
		t.Errorf("by its port: %v", err)
	}
	if err := of(&spec.HealthCheck{Send: "x\n", Expect: "x"}, net.JoinHostPort(host, port)); err == nil {
		t.Error("an empty answer is none")
	}
}
