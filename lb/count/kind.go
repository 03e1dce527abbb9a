package count

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strconv"
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

// Packed is a Kind as it is counted: small, and free of memory of connections. The
// zero value is that of exchanges whose kind does not matter.
type Packed struct {
	status, tlsVersion, tlsCipher uint16
	protocol                      Protocol
	method, grpc                  uint8
}

var (
	methods = [...]string{
		"", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodConnect,
		http.MethodOptions, http.MethodTrace, http.MethodPatch,
	}
	protocols = [...]string{"http", "sse", "websocket", "grpc", "grpc-web"}
)

// GRPCUnknown is the status of a call that does not tell one, or none there is:
// https://grpc.io/docs/guides/status-codes/.
const (
	GRPCUnknown = 2
	grpcHighest = 16
)

// Protocol is what is spoken inside HTTP.
type Protocol uint8

// What [Kind] calls "http", "sse" and so on.
const (
	HTTP Protocol = iota
	SSE
	WebSocket
	GRPC
	GRPCWeb
)

// Pack is the kind of a request that was not answered yet. A call of gRPC has no
// status so far.
func Pack(method string, inside Protocol, encrypted *tls.ConnectionState) Packed {
	k := Packed{protocol: inside, grpc: GRPCUnknown}
	k.method = uint8(max(0, slices.Index(methods[:], method))) //nolint:gosec // there are ten
	if encrypted != nil {
		k.tlsVersion, k.tlsCipher = encrypted.Version, encrypted.CipherSuite
	}
	return k
}

// IsCall reports whether it is that of a call of gRPC.
func (k Packed) IsCall() bool { return k.protocol == GRPC || k.protocol == GRPCWeb }

// Called is the kind of a call that ended with a status, in its text form.
func (k Packed) Called(grpcStatus string) Packed {
	if status, err := strconv.ParseUint(grpcStatus, 10, 8); err == nil && status <= grpcHighest {
		k.grpc = uint8(status)
	}
	return k
}

// Answered is the kind of an exchange with a status of HTTP.
func (k Packed) Answered(status int) Packed {
	k.status = uint16(min(max(status, 0), 999)) //nolint:gosec // bounded
	return k
}

// rough is the kind for exchanges when there are too many kinds.
func (k Packed) rough() Packed { return Packed{status: k.status / 100 * 100, grpc: GRPCUnknown} }

// Kind is the kind in words.
func (k Packed) Kind() Kind {
	return Kind{
		Status: int(k.status), Method: methods[k.method], Protocol: protocols[k.protocol], GRPC: int(k.grpc),
		TLSVersion: k.tlsVersion, TLSCipher: k.tlsCipher,
	}
}
