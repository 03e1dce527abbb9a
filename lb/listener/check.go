package listener

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/internal/unixsock"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// How long a PROXY header may take if nothing is said. Where none is required,
// every client that waits to be spoken to first waits for so long.
const (
	proxyTimeout         = 250 * time.Millisecond
	requiredProxyTimeout = 5 * time.Second
)

// MinHeaderBytes is what a head may have at least: net/http adds 4 KiB to what
// it is told to allow.
const MinHeaderBytes = 8 << 10

// complete fills in what follows from the rest, and checks that it fits.
func (l *Listener) complete() error {
	if l.Proto == "" {
		l.Proto = ProtoHTTP
		if l.HasTLS() {
			l.Proto = ProtoHTTPS
		}
	}
	if l.CertFile != "" && l.KeyFile == "" {
		l.KeyFile = l.CertFile
	}
	if l.ProxyTimeout == 0 {
		switch l.Proxied {
		case ProxyOptional:
			l.ProxyTimeout = proxyTimeout
		case ProxyRequired:
			l.ProxyTimeout = requiredProxyTimeout
		}
	}
	return errors.Join(l.checkTLS(), l.checkHTTP3(), l.checkProxied(), l.checkSocket(), l.checkRest())
}

func (l *Listener) checkSocket() error {
	_, isSocket := unixsock.Path(l.Address)
	switch {
	case !isSocket && (l.SocketMode != 0 || l.SocketOwner != ""):
		return errors.New("mode and owner are of a socket, unix:///path")
	case isSocket && (l.Proto == ProtoUDP || l.Proto == ProtoTCPDynamic):
		return fmt.Errorf("proto=%s needs a port, and a socket has none", l.Proto)
	case isSocket && l.MaxConnsPerClient != 0:
		return errors.New("clients of a socket have no address to tell them apart by, as maxconnperip does")
	case isSocket && len(l.ProxyFrom) > 0:
		return errors.New("clients of a socket have no address, so pxyfrom holds for none of them")
	case isSocket && l.HTTP3:
		return errors.New("http3 needs a port of UDP, and a socket has none")
	}
	return nil
}

func (l *Listener) checkHTTP3() error {
	switch {
	case !l.HTTP3 && l.HTTP3Port != 0:
		return errors.New("http3port needs http3=true")
	case !l.HTTP3:
		return nil
	case !l.HasTLS() || !l.IsHTTP():
		return fmt.Errorf("http3 is for proto=https, grpcs and https+tcp+sni, not %s", l.Proto)
	case l.TLSMax != 0 && l.TLSMax < tls.VersionTLS13:
		return errors.New("http3 needs TLS 1.3, which tlsmax rules out")
	case l.Proxied != ProxyNone:
		return errors.New("http3 and pxyproto exclude each other: there is no PROXY protocol for QUIC, so clients would be taken for the proxy before them; have that proxy pass UDP on to a listener of its own")
	}
	return nil
}

func (l *Listener) checkTLS() error {
	switch {
	case l.CertFile != "" && l.CertSource != "":
		return errors.New("cert and cs exclude each other: either files or a certificate source")
	case (l.Proto == ProtoHTTPS || l.Proto == ProtoHTTPSAndSNI) && !l.HasTLS():
		return fmt.Errorf("proto=%s needs cert=FILE (and key=FILE unless the key is in that file) or cs=NAME", l.Proto)
	case l.HasTLS() && l.Proto != ProtoHTTPS && l.Proto != ProtoHTTPSAndSNI && l.Proto != ProtoTCP:
		return fmt.Errorf("cert, key and cs are for TLS, but proto is %s", l.Proto)
	case l.KeyFile != "" && l.CertFile == "":
		return errors.New("key is given without cert")
	case !l.HasTLS() && (l.CertResolver != "" || l.ClientCA != "" || l.StrictSNI || l.TLSMin != 0 || l.TLSMax != 0 || len(l.TLSCiphers) > 0 || l.TLSOptions != ""):
		return errors.New("certresolver, clientca, strictmatch, tlsmin, tlsmax, tlsciphers and tlsoptions need cert or cs")
	case l.SNIHost != SNIHostAuto && (!l.HasTLS() || !l.IsHTTP()):
		return errors.New("snihost is for proto=https and https+tcp+sni")
	case l.ClientCA != "" && l.CertSource != "":
		return errors.New("clientca belongs to the certificate source when there is one (cs)")
	}
	_, err := l.TLS().Config()
	return err
}

// TLS is what the listener says of TLS; the store is not in it.
func (l *Listener) TLS() tlsconf.Options {
	o := tlsconf.Options{Strict: l.StrictSNI, Min: l.TLSMin, Max: l.TLSMax, Ciphers: l.TLSCiphers}
	if l.ClientCA != "" {
		o.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return o
}

func (l *Listener) checkProxied() error {
	switch {
	case l.Proxied == ProxyNone && (l.ProxyTimeout != 0 || len(l.ProxyFrom) > 0):
		return errors.New("pxytimeout and pxyfrom need pxyproto=true or pxyproto=required")
	case l.Proxied != ProxyNone && l.Proto == ProtoUDP:
		return errors.New("there is no PROXY protocol for proto=udp")
	}
	return nil
}

func (l *Listener) checkRest() error {
	switch {
	case l.RedirectTo != "" && l.Proto != ProtoHTTP && l.Proto != ProtoHTTPS:
		return fmt.Errorf("redirect is for proto=http and https, not %s", l.Proto)
	case l.Refresh != 0 && l.Proto != ProtoTCPDynamic:
		return fmt.Errorf("refresh is for proto=tcp-dynamic, not %s (certificate sources have their own)", l.Proto)
	case l.MaxHeaderBytes != 0 && l.MaxHeaderBytes < MinHeaderBytes:
		return fmt.Errorf("maxheader must be %d or more", MinHeaderBytes)
	}
	if port, ok := strings.CutPrefix(l.RedirectTo, ":"); ok {
		if _, err := parsePort(port); err != nil {
			return fmt.Errorf("redirect=%s: %w", l.RedirectTo, err)
		}
	}
	return nil
}
