//go:build !race

package lb

import (
	"net"
	"runtime"
	runtimemetrics "runtime/metrics"
	"strings"
	"testing"
	"time"
)

// An idle connection costs its socket, its goroutine and a small struct.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const conns, most = 2000, 6 << 10
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
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
	clients := make([]net.Conn, conns)
	defer func() {
		for _, nc := range clients {
			nc.Close()
		}
	}()
	warm, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer warm.Close()
	serve(warm)
	before := inUse()
	for i := range clients {
		if clients[i], err = net.Dial("tcp", r.addr); err != nil {
			t.Fatal(err)
		}
		serve(clients[i])
	}
	// Buffers are given back when a connection was silent for a while.
	var each uint64
	deadline := time.Now().Add(20 * time.Second)
	for {
		after := inUse()
		if each = (after - min(after, before)) / conns; each < most || time.Now().After(deadline) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%d bytes for each of %d connections, both ends of it", each, conns)
	if each >= most {
		t.Errorf("an idle connection costs %d bytes, want less than %d", each, most)
	}
	serve(clients[conns-1]) // they are alive
}

// inUse is the memory of objects and goroutines, in bytes.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // pools keep what they hold for one more
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	runtimemetrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}
