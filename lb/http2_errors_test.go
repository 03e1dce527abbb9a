package lb

import (
	"crypto/tls"
	"io"
	"testing"

	"golang.org/x/net/http2"
)

// What is wrong below the level of requests is counted by kind.
func TestHTTP2ErrorsAreCounted(t *testing.T) {
	r, _ := startTLS(t, "HTTP/2.0", nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	nc, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	framer := http2.NewFramer(nc, nc)
	framer.AllowIllegalWrites = true
	if _, err := io.WriteString(nc, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	if err := framer.WriteData(1, true, []byte("of no stream")); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, nc) // until the connection is closed
	eventually(t, "it is counted", func() bool { return r.entrypoint().HTTP2Errors["conn_PROTOCOL_ERROR_data_on_idle"] == 1 })
}
