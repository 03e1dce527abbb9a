package lb

import (
	"context"
	"errors"
	"sync"

	"github.com/sluiceproxy/sluice/lb/tcp"
)

// tcpServer serves the connections of a listener that passes them on, or has
// those that speak HTTPS served by the entry's server for HTTP.
type tcpServer struct {
	*tcp.Server
	entry *entry
}

func (s *Server) newTCPServer(e *entry) *tcpServer {
	return &tcpServer{tcp.NewServer(func(ctx context.Context, nc tcp.Conn) { s.serveTCP(ctx, e, nc) }), e}
}

// Shutdown implements [connServer].
func (t *tcpServer) Shutdown(ctx context.Context) error {
	var http error
	var wg sync.WaitGroup
	if t.entry.http1 != nil {
		wg.Go(func() { http = t.entry.http1.Shutdown(ctx) })
	}
	err := t.Server.Shutdown(ctx)
	wg.Wait()
	return errors.Join(http, err)
}

// Close implements [connServer].
func (t *tcpServer) Close() {
	if t.entry.http1 != nil {
		t.entry.http1.Close()
	}
	t.Server.Close()
}
