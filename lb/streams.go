package lb

import (
	"context"
	"errors"
	"net"

	"github.com/sluiceproxy/sluice/lb/h1"
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
func (s *Server) newStreams(*entry) (connServer, error) {
	return nil, errors.New("not supported yet")
}
