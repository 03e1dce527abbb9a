package h3

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Options are what a [Server] needs to know.
type Options struct {
	// TLS is as for any other server; what is agreed on is always HTTP/3 and TLS 1.3.
	TLS *tls.Config
	// Handler serves the requests. That it returns ends the answer, and that it panics
	// resets the stream.
	Handler http.Handler

	// HeadBytes bounds the fields of a request, each counted with 32 bytes more (RFC
	// 9114 §4.2.2). A longer head is answered 431.
	HeadBytes int
	// Requests and Age are after how many requests, and after how long, a client has
	// to open another connection. 0 is never.
	Requests int
	Age      time.Duration

	// Handshake is how long one may take, Idle how long a connection is kept without
	// a request, and Body how long it may take to be seen whether a request that
	// says nothing of a body has one.
	Handshake, Idle, Body time.Duration

	// Reserve asks for a place for one more connection, which is given back by
	// release. It is called before anything is spent on the client, whose address may
	// be forged.
	Reserve func(client netip.AddrPort) (release func(), err error)
	// Enter lets a client in whose address is known to be its own, or turns it away.
	// Who was let in is let out by Exit, with the same address.
	Enter func(client netip.AddrPort) error
	Exit  func(client netip.AddrPort)
	// Failed is told of each handshake that came to nothing.
	Failed func(err error)
	// Context derives the context of a connection, which its handshake
	// ([tls.ClientHelloInfo.Context]) and its requests share.
	Context func(context.Context) context.Context
}

const (
	// streams is how many requests may be worked on at once on a connection. One that
	// the client takes back counts until its handler has returned.
	streams = 100
	// unproven is how many connections may wait for a proof of the client's address,
	// before further ones need it first.
	unproven = 128
	// silence is how long nothing may come from a client that waits for an answer; it
	// is for clients to say that they are still there (RFC 9114 §5.1).
	silence = 2 * time.Minute
	// lingering is the least time that a connection is left to the client to close,
	// and to the network to deliver the last answer, when it has been told of the end.
	lingering = time.Second
)

// quicConfig is what is said to quic-go. A client's bodies may take as much memory
// as with net/http's HTTP/2.
func (o *Options) quicConfig() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:           o.Handshake / 2, // the whole may take twice as long
		MaxIdleTimeout:                 max(o.Idle, silence),
		MaxIncomingStreams:             streams,
		MaxIncomingUniStreams:          8, // three are of use
		InitialStreamReceiveWindow:     256 << 10,
		MaxStreamReceiveWindow:         1 << 20,
		InitialConnectionReceiveWindow: 512 << 10,
		MaxConnectionReceiveWindow:     1 << 20,
	}
}

// codes of RFC 9114 §8.1.
const (
	noError       = quic.ApplicationErrorCode(http3.ErrCodeNoError)
	excessiveLoad = quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad)
)
