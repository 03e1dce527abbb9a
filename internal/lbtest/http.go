package lbtest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// HTTP starts a server of HTTP/1.1.
func HTTP(t testing.TB, h http.HandlerFunc) (address string) {
	t.Helper()
	return started(t, httptest.NewServer(h))
}

// H2C starts a server that speaks HTTP/2 by prior knowledge, without TLS.
func H2C(t testing.TB, h http.HandlerFunc) (address string) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	return started(t, s)
}

// HTTPS starts a server that speaks HTTP/1.1 or HTTP/2 over TLS, with a certificate
// that nobody vouches for.
func HTTPS(t testing.TB, h http.HandlerFunc) (address string) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	return started(t, s)
}

func started(t testing.TB, s *httptest.Server) (address string) {
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}
