package lb

import (
	"context"
	"net"

	"github.com/sluiceproxy/sluice/internal/unixsock"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// connServer serves what a listener accepts, each connection in a goroutine of
// its own. It has every one opened by [entry.open] first and tells
// [entry.closed] of the end of those that were.
type connServer interface {
	// Serve accepts connections until the listener is closed.
	Serve(l net.Listener) error
	// Shutdown takes no more of them and returns when none is left, or with ctx's
	// error when that ends first.
	Shutdown(ctx context.Context) error
	// Close cuts those there are.
	Close()
}

var _ connServer = (*h1.Server)(nil)

// newStreams makes what serves the listeners that pass connections on: ProtoTCP,
// ProtoSNI, ProtoHTTPSAndSNI, ProtoTCPDynamic and ProtoUDP.
func (s *Server) newStreams(e *entry) connServer {
	switch e.listener.Proto {
	case listener.ProtoUDP:
		return s.newUDPServer(e)
	case listener.ProtoTCPDynamic:
		return &dynamicServer{s.newTCPServer(e), s}
	}
	return s.newTCPServer(e)
}

// listen opens the socket of a listener.
func (e *entry) listen(address string) (net.Listener, error) {
	switch e.listener.Proto {
	case listener.ProtoUDP:
		return listenUDP(address)
	case listener.ProtoTCPDynamic:
		host, _, err := net.SplitHostPort(address)
		return tcp.NewPorts(host), err
	}
	path, isSocket := unixsock.Path(address)
	if !isSocket {
		return net.Listen("tcp", address)
	}
	l, err := unixsock.Listen(path, unixsock.Options{Mode: e.listener.SocketMode, Owner: e.listener.SocketOwner})
	if err != nil {
		return nil, err
	}
	return l, nil
}
