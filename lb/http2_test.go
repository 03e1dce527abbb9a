package lb

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/sluiceproxy/sluice/lb/listener"
)

func TestHTTP2EarlyAnswerDoesNotWaitForTheBody(t *testing.T) {
	early := rawBackend(t, func(_ string, conn net.Conn, r *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		io.Copy(io.Discard, r)
	})
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writePair(t, cert, key, "shop.test")
	r := start(t, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "https", CertFile: cert, KeyFile: key}}
	}, testRoute{prefix: "/", backends: []string{early}})
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)

	body, more := io.Pipe() // never ends
	defer more.Close()
	resp, err := (&http.Client{Transport: transport}).Post("https://"+r.addr+"/", "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusRequestEntityTooLarge || string(text) != "big" || err != nil {
		t.Errorf("%s %s %q, error %v; want the early answer", resp.Proto, resp.Status, text, err)
	}
	eventually(t, "the exchange has ended", func() bool { return r.Metrics().InFlight == 0 })
}
