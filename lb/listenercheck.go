package lb

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	sockaddr "github.com/hashicorp/go-sockaddr/template"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// How long a PROXY header may take if nothing is said. Where none is required,
// every client that waits to be spoken to first waits for so long.
const (
	proxyTimeout         = 250 * time.Millisecond
	requiredProxyTimeout = 5 * time.Second
)

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
	return errors.Join(l.checkTLS(), l.checkProxied(), l.checkRest())
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
	case l.SNIHost != SNIHostAuto && (!l.HasTLS() || !l.isHTTP()):
		return errors.New("snihost is for proto=https and https+tcp+sni")
	case l.ClientCA != "" && l.CertSource != "":
		return errors.New("clientca belongs to the certificate source when there is one (cs)")
	}
	_, err := l.tlsOptions().Config()
	return err
}

// tlsOptions are what the listener says of TLS; the store is not in it.
func (l *Listener) tlsOptions() tlsconf.Options {
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
	case l.MaxHeaderBytes != 0 && l.MaxHeaderBytes < minHeaderBytes:
		return fmt.Errorf("maxheader must be %d or more", minHeaderBytes)
	}
	if port, ok := strings.CutPrefix(l.RedirectTo, ":"); ok {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("redirect=%s: that is no port from 1 to 65535", l.RedirectTo)
		}
	}
	return nil
}

// isTemplate reports whether an address is yet to be found out.
func isTemplate(address string) bool { return strings.Contains(address, "{{") }

// checkAddress leaves what a template stands for to the machine it runs on.
func checkAddress(address string) error {
	if isTemplate(address) {
		if strings.Count(address, "{{") != strings.Count(address, "}}") {
			return fmt.Errorf("the template in the address %q is not closed", address)
		}
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("the address is not of the form [host]:port, such as :9999, 127.0.0.1:9999 or [::1]:9999")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}

// resolve is the address to listen on.
func (l *Listener) resolve() (string, error) {
	if !isTemplate(l.Address) {
		return l.Address, nil
	}
	address, err := sockaddr.Parse(l.Address)
	if err != nil {
		return "", fmt.Errorf("listener %s: %w", l.Address, err)
	}
	address = strings.TrimSpace(address)
	if strings.Contains(address, " ") {
		return "", fmt.Errorf("listener %s: it stands for more than one address: %s", l.Address, address)
	}
	if err := checkAddress(address); err != nil {
		return "", fmt.Errorf("listener %s: it stands for %q: %w", l.Address, address, err)
	}
	return address, nil
}
