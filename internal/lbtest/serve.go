// Package lbtest starts the servers that tests of the load balancer forward to.
// Each listens on a port of 127.0.0.1 and ends with its test, as do its
// connections.
package lbtest

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Serve has each connection to the address it returns served by a function of its
// own goroutine, and closes it then.
func Serve(t testing.TB, serve func(nc *net.TCPConn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer nc.Close()
				defer context.AfterFunc(ctx, func() { nc.Close() })()
				serve(nc.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		stop()
		conns.Wait()
	})
	return l.Addr().String()
}

// Refusing returns an address that refuses connections as long as the test runs.
// It is the near end of a connection: the port of a listener that was closed
// could become that of another test.
func Refusing(t testing.TB) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc.LocalAddr().String()
}
