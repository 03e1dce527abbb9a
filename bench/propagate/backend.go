package main

import (
	"context"
	"net"
	"net/http"
	"net/netip"
)

// backendHeader names the backend that answered.
const backendHeader = "Bench-Backend"

// backend is where all services point: it answers 200 to everything.
type backend struct {
	name   string
	addr   netip.AddrPort
	server *http.Server
	done   chan struct{}
}

func startBackend(ctx context.Context, ip netip.Addr, name string) (*backend, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(ip, 0).String())
	if err != nil {
		return nil, err
	}
	b := &backend{
		name: name,
		addr: l.Addr().(*net.TCPAddr).AddrPort(),
		server: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(backendHeader, name)
		})},
		done: make(chan struct{}),
	}
	go func() {
		defer close(b.done)
		_ = b.server.Serve(l) // only ever ends because stop closed it
	}()
	return b, nil
}

func (b *backend) stop() {
	_ = b.server.Close()
	<-b.done
}
