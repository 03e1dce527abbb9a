package lb

import (
	"strings"

	"github.com/sluiceproxy/sluice/lb/count"
)

// protocolAsked is what is spoken inside HTTP.
func (x *Exchange) protocolAsked() count.Protocol {
	const grpc = "application/grpc"
	switch content := x.Header.Get("Content-Type"); {
	case x.Header.HasToken("Connection", "upgrade") && x.Header.HasToken("Upgrade", "websocket"):
		return count.WebSocket
	case x.Header.HasToken("Accept", "text/event-stream"):
		return count.SSE
	case strings.HasPrefix(content, grpc+"-web"):
		return count.GRPCWeb
	case strings.HasPrefix(content, grpc):
		return count.GRPC
	}
	return count.HTTP
}

// beginKind takes down of a request what will have changed when it is over.
func (x *Exchange) beginKind() { x.kind = count.Pack(x.Request.Method, x.protocolAsked(), x.TLS) }

// recordGRPC takes down how a call of gRPC went, from the header of its answer or
// from what followed it.
func (x *Exchange) recordGRPC(section *Header) {
	if section != nil && x.kind.IsCall() {
		x.kind = x.kind.Called(section.Get("Grpc-Status"))
	}
}

// kindNow is the exchange's with the status it has by now.
func (x *Exchange) kindNow() count.Packed { return x.kind.Answered(x.Outcome.Status) }
