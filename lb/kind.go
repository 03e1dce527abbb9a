package lb

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Kind is what exchanges have in common that are counted together in detail.
type Kind struct {
	Status int
	// Method is one of the standard's, or empty for any other.
	Method string
	// Protocol is "http", "sse", "websocket", "grpc" or "grpc-web".
	Protocol string
	// GRPC is the status of a call of gRPC, 2 (unknown) if it is not told.
	GRPC int
	// TLSVersion and TLSCipher are 0 without TLS.
	TLSVersion, TLSCipher uint16
}

// kind is a Kind as it is counted: small, and free of memory of connections.
type kind struct {
	status, tlsVersion, tlsCipher uint16
	method, protocol, grpc        uint8
}

var (
	kindMethods = [...]string{
		"", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodConnect,
		http.MethodOptions, http.MethodTrace, http.MethodPatch,
	}
	kindProtocols = [...]string{"http", "sse", "websocket", "grpc", "grpc-web"}
)

// The indexes of kindProtocols.
const (
	protocolHTTP = iota
	protocolSSE
	protocolWebSocket
	protocolGRPC
	protocolGRPCWeb
)

// grpcUnknown is the status of a call that does not tell one, or none there is:
// https://grpc.io/docs/guides/status-codes/.
const (
	grpcUnknown = 2
	grpcHighest = 16
)

// beginKind takes down of a request what will have changed when it is over.
func (x *Exchange) beginKind() {
	x.kind = kind{protocol: x.protocolAsked(), grpc: grpcUnknown}
	x.kind.method = uint8(max(0, slices.Index(kindMethods[:], x.Request.Method))) //nolint:gosec // there are ten
	if x.TLS != nil {
		x.kind.tlsVersion, x.kind.tlsCipher = x.TLS.Version, x.TLS.CipherSuite
	}
}

// protocolAsked is what is spoken inside HTTP.
func (x *Exchange) protocolAsked() uint8 {
	const grpc = "application/grpc"
	switch content := x.Header.Get("Content-Type"); {
	case x.Header.HasToken("Connection", "upgrade") && x.Header.HasToken("Upgrade", "websocket"):
		return protocolWebSocket
	case x.Header.HasToken("Accept", "text/event-stream"):
		return protocolSSE
	case strings.HasPrefix(content, grpc+"-web"):
		return protocolGRPCWeb
	case strings.HasPrefix(content, grpc):
		return protocolGRPC
	}
	return protocolHTTP
}

// recordGRPC takes down how a call of gRPC went, from the header of its answer or
// from what followed it.
func (x *Exchange) recordGRPC(section *Header) {
	if section == nil || x.kind.protocol != protocolGRPC && x.kind.protocol != protocolGRPCWeb {
		return
	}
	if status, err := strconv.ParseUint(section.Get("Grpc-Status"), 10, 8); err == nil && status <= grpcHighest {
		x.kind.grpc = uint8(status)
	}
}

// kindNow is the exchange's with the status it has by now.
func (x *Exchange) kindNow() kind {
	k := x.kind
	k.status = uint16(min(max(x.Outcome.Status, 0), 999)) //nolint:gosec // bounded
	return k
}

// rough is the kind for exchanges when there are too many kinds.
func (k kind) rough() kind { return kind{status: k.status / 100 * 100, grpc: grpcUnknown} }

// plain is the kind in words.
func (k kind) plain() Kind {
	return Kind{
		Status: int(k.status), Method: kindMethods[k.method], Protocol: kindProtocols[k.protocol], GRPC: int(k.grpc),
		TLSVersion: k.tlsVersion, TLSCipher: k.tlsCipher,
	}
}
