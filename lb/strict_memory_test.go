//go:build !race

package lb

import (
	"crypto/tls"
	"net"
	"runtime"
	runtimemetrics "runtime/metrics"
	"strings"
	"testing"
	"time"
)

// An idle connection costs its socket, its goroutine and a small struct, and what
// TLS keeps of it.
func TestIdleConnectionsAreSmall(t *testing.T) {
	route := testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}}
	t.Run("plain", func(t *testing.T) {
		plain := start(t, nil, route)
		testIdleConns(t, 2000, 8<<10, func() (net.Conn, error) { return net.Dial("tcp", plain.addr) })
	})
	t.Run("TLS", func(t *testing.T) {
		encrypted, _ := startTLS(t, "HTTP/1.1", nil, route)
		config := &tls.Config{InsecureSkipVerify: true}
		testIdleConns(t, 500, 40<<10, func() (net.Conn, error) { return tls.Dial("tcp", encrypted.addr, config) })
	})
}

// testIdleConns measures what each of so many connections costs that has served
// a request, both ends of it.
func testIdleConns(t *testing.T, conns int, most uint64, dial func() (net.Conn, error)) {
	t.Helper()
	request := []byte("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	answer := make([]byte, 4<<10)
	serve := func(nc net.Conn) {
		if _, err := nc.Write(request); err != nil {
			t.Fatal(err)
		}
		if n, err := nc.Read(answer); err != nil || !strings.HasPrefix(string(answer[:n]), okay) {
			t.Fatalf("%q, %v", answer[:n], err)
		}
	}
	clients := make([]net.Conn, 0, conns+1)
	defer func() {
		for _, nc := range clients {
			nc.Close()
		}
	}()
	open := func() {
		nc, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, nc)
		serve(nc)
	}
	open() // what all share
	before := inUse()
	for range conns {
		open()
	}
	// Buffers are given back when a connection was silent for a while.
	var each uint64
	deadline := time.Now().Add(20 * time.Second)
	for {
		after := inUse()
		if each = (after - min(after, before)) / uint64(conns); each < most || time.Now().After(deadline) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%d bytes for each of %d connections, both ends of it", each, conns)
	if each >= most {
		t.Errorf("an idle connection costs %d bytes, want less than %d", each, most)
	}
	serve(clients[conns]) // they are alive
}

// inUse is the memory of objects and goroutines, in bytes.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // pools keep what they hold for one more
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	runtimemetrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}
