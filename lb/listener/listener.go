// Package listener is what a load balancer may listen on, as its operator says it:
// an address and what is to be made of the connections to it. It opens no socket.
package listener

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/notation"
)

// Listener says where and how the server accepts connections. Its text form is
// "ADDR[;key=value…]"; see [Parse].
type Listener struct {
	// Name is what routes call it; empty if it was not given one.
	Name string
	// Address is [host]:port; port 0 takes a free one. It may be a template of
	// go-sockaddr, such as "{{ GetPrivateIP }}:9999". Or it is unix:///path, a socket
	// that is a file, whose clients have no address.
	Address string
	// SocketMode is the file's, 0 for 0660, and SocketOwner its USER:GROUP, of which
	// either may be empty.
	SocketMode  fs.FileMode
	SocketOwner string
	// Proto is what is spoken: one of the Proto constants.
	Proto string
	// Calls says that requests are calls of gRPC, as proto=grpc and proto=grpcs do:
	// those of them that name a host in the field dsthost are for that one, what the
	// load balancer answers itself has a status of gRPC, and messages are limited.
	Calls bool

	// CertFile and KeyFile are PEM files; the key may be in the CertFile's. They
	// are a certificate source of their own, in place of the one CertSource names.
	CertFile   string
	KeyFile    string
	CertSource string
	// CertResolver names the authority that issues certificates for the hosts of routes
	// here which name none; empty is CertSource, if that is one. They are used beside
	// those of the listener.
	CertResolver string
	// ClientCA is a PEM file, or a folder of them, with the authorities one of
	// which each client must have a certificate of. CertSource may have its own.
	ClientCA string
	// StrictSNI refuses clients that ask for a name no certificate is for.
	StrictSNI bool
	// SNIHost says whether a request may be for another host than the one TLS was
	// agreed for.
	SNIHost SNIHostMode
	// TLSMin and TLSMax are versions such as tls.VersionTLS12; 0 stands for TLS
	// 1.2 and the newest. TLSCiphers are suites up to TLS 1.2; empty for those of
	// package tlsconf.
	TLSMin, TLSMax uint16
	TLSCiphers     []uint16
	// TLSOptions name the TLS options of connections for which no route asks for
	// others, in the place of the default ones.
	TLSOptions string

	// HTTP3 serves HTTP/3 beside what is spoken over TCP, on the UDP port of the same
	// number, and tells clients so (Alt-Svc). HTTP3Port is the port they are told; 0
	// is the listener's own.
	HTTP3     bool
	HTTP3Port uint16

	// Proxied says what is made of PROXY headers, ProxyTimeout how long one may
	// take, and ProxyFrom from which peers they are believed; none is all.
	Proxied      ProxyMode
	ProxyTimeout time.Duration
	ProxyFrom    []netip.Prefix

	// The timeouts of this listener; 0 stands for the server's.
	HeaderTimeout time.Duration
	ReadTimeout   time.Duration
	WriteTimeout  time.Duration
	IdleTimeout   time.Duration

	// The limits of this listener; 0 stands for the server's.
	// A limit of connections holds beside the server's.
	MaxConns          int
	MaxConnsPerClient int
	MaxHeaderBytes    int
	MaxHeaderFields   int
	MaxBodyBytes      int64
	MaxRequests       int
	MaxConnAge        time.Duration

	// Middlewares are names of the configuration's (NAME@file, or NAME for short), which
	// every request that comes here passes before those of its route.
	Middlewares []string
	// RedirectTo has every request redirected to another listener: the name of
	// one that speaks HTTPS, or :PORT. Empty: none is.
	RedirectTo string
	// Untraced tells a tracer of no requests, and TracedSteps of the middlewares they
	// pass, too; for routes that do not say it themselves.
	Untraced, TracedSteps bool
	// Refresh is how often ProtoTCPDynamic looks for ports to open and to close.
	Refresh time.Duration
}

// What a listener may speak.
const (
	ProtoHTTP        = "http"
	ProtoHTTPS       = "https"
	ProtoTCP         = "tcp"           // with TLS if it has certificates
	ProtoSNI         = "tcp+sni"       // TLS passed through by the name asked for
	ProtoHTTPSAndSNI = "https+tcp+sni" // the former, or the latter for names that have routes
	ProtoTCPDynamic  = "tcp-dynamic"   // the ports that routes ask for
	ProtoUDP         = "udp"
)

// ProxyMode is what a listener makes of PROXY headers.
type ProxyMode string

const (
	// ProxyNone takes them for a part of the conversation, which they will spoil.
	ProxyNone ProxyMode = ""
	// ProxyOptional believes those of trusted peers, and reads over others. No
	// peer has to send one.
	ProxyOptional ProxyMode = "true"
	// ProxyRequired closes each connection that does not start with one, and
	// those of peers that are not trusted.
	ProxyRequired ProxyMode = "required"
)

// SNIHostMode is whether a request's host must be the name the client asked for
// in the TLS handshake (SNI). Else it is answered 421 (RFC 9110 §15.5.20), upon
// which clients that share connections between hosts open another one. A host
// that is an IP address goes with no name, for there is none in the handshake.
type SNIHostMode string

const (
	// SNIHostAuto demands it where clients need a certificate: what let one in was
	// decided for the name in the handshake.
	SNIHostAuto SNIHostMode = ""
	// SNIHostSame always demands it.
	SNIHostSame SNIHostMode = "true"
	// SNIHostAny never does.
	SNIHostAny SNIHostMode = "false"
)

// Parse reads "ADDR[;key=value…]", the listener notation Fabio's users
// know: ":9999", "127.0.0.1:8443;name=web;cert=/etc/web.pem;key=/etc/web.key",
// "unix:///run/sluice/web.sock;mode=0666".
// Values may be quoted, and lists separated by commas or spaces.
//
//	name        what routes call the listener
//	mode, owner of a socket that is a file: 0660, USER:GROUP
//	proto       see the Proto constants; http, or https with cert or cs; grpc and
//	            grpcs are the same for calls
//	cert, key   PEM files; key may be left out if it is in the cert's file
//	cs          the name of a certificate source, in place of cert
//	certresolver the name of an authority that issues certificates for its routes
//	clientca    file or folder of the authorities of client certificates
//	strictmatch true refuses names no certificate is for
//	snihost     true or false: see [SNIHostMode]
//	tlsmin, tlsmax, tlsciphers: versions tls10 to tls13, and a list of suites
//	tlsoptions  the name of TLS options that count unless a route asks for others
//	http3       true serves HTTP/3, too, on the same port of UDP
//	http3port   the port clients are told for it, if it is another one
//	pxyproto    true or required: see [ProxyMode]
//	pxytimeout  for a PROXY header; 250ms, or 5s if one is required
//	pxyfrom     the addresses and blocks from which it is believed
//	ht, rt, wt, it: header, read, write and idle timeout
//	maxconn, maxconnperip, maxheader, maxfields, maxbody, maxrequests, maxage
//	tracing     off, minimal or detailed: what a tracer is told of requests
//	middlewares the names of middlewares of the configuration
//	redirect    https, the name of a listener, or :PORT
//	refresh     of tcp-dynamic
func Parse(text string) (Listener, error) {
	l, err := parse(text)
	if err != nil {
		return Listener{}, fmt.Errorf("listener %q: %w", text, err)
	}
	return l, nil
}

func parse(text string) (l Listener, err error) {
	address, options, _ := strings.Cut(text, ";")
	l.Address = strings.TrimSpace(address)
	if err := checkAddress(l.Address); err != nil {
		return l, err
	}
	keys := l.keys()
	err = notation.Each(options, func(key, value string) error {
		for _, k := range keys {
			if k.name == key {
				return k.parse(value)
			}
		}
		return notation.Unknown("key", key, keyNames(keys))
	})
	if err == nil {
		err = l.complete()
	}
	return l, err
}

// String is the text form, which Parse reads back.
func (l Listener) String() string {
	var b strings.Builder
	b.WriteString(l.Address)
	for _, k := range l.keys() {
		if text := k.String(); text != "" {
			b.WriteString(";" + k.name + "=" + text)
		}
	}
	return b.String()
}

// HasTLS reports whether connections are encrypted from here to the client, at
// least those that are not passed through.
func (l Listener) HasTLS() bool { return l.CertFile != "" || l.CertSource != "" }

// IsHTTP reports whether the listener serves exchanges.
func (l Listener) IsHTTP() bool {
	return l.Proto == ProtoHTTP || l.Proto == ProtoHTTPS || l.Proto == ProtoHTTPSAndSNI
}

// Entrypoint is what rules call the listener.
func (l *Listener) Entrypoint() string { return cmp.Or(l.Name, l.Address) }
