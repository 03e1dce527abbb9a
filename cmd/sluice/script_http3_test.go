package main

import (
	"crypto/tls"
	"net/http"

	"github.com/quic-go/quic-go/http3"
)

// overHTTP3 is the transport of a client that speaks HTTP/3 and nothing else, with
// whoever answers. It is to be given up with done.
func overHTTP3() (transport http.RoundTripper, done func()) {
	t := &http3.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return t, func() { _ = t.Close() }
}
