package h3

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/sluiceproxy/sluice/internal/certtest"
)

// rig is a server at work.
type rig struct {
	*Server
	t    testing.TB
	addr string
}

// start serves with h; change may be nil.
func start(t testing.TB, h http.HandlerFunc, change func(*Options)) *rig {
	t.Helper()
	pair := certtest.Issue(t, x509.Certificate{DNSNames: []string{"h3.test"}}, nil)
	certificate, err := tls.X509KeyPair(pair.CertPEM(), pair.KeyPEM())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}, Handler: h, HeadBytes: 16 << 10,
		Handshake: 20 * time.Second, Idle: time.Minute, Body: 20 * time.Second,
		Reserve: func(netip.AddrPort) (func(), error) { return func() {}, nil },
		Enter:   func(netip.AddrPort) error { return nil },
		Exit:    func(netip.AddrPort) {},
		Failed:  func(error) {},
		Context: func(ctx context.Context) context.Context { return ctx },
	}
	if change != nil {
		change(&o)
	}
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, addr: socket.LocalAddr().String()}
	if r.Server, err = NewServer(socket, o); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.Serve() }()
	t.Cleanup(func() {
		r.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r
}

// clientTLS is that of clients.
func clientTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{http3.NextProtoH3}}
}

// client is one that does what it should.
func (r *rig) client() *http.Client {
	transport := &http3.Transport{TLSClientConfig: clientTLS(), DisableCompression: true}
	r.t.Cleanup(func() { transport.Close() })
	return &http.Client{Transport: transport}
}

// get is the text a client gets.
func (r *rig) get(c *http.Client) string {
	r.t.Helper()
	resp, err := c.Get("https://" + r.addr + "/")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// wire is a connection on which anything can be said.
type wire struct {
	*quic.Conn
	t testing.TB
}

func (r *rig) dial() *wire {
	r.t.Helper()
	qc, err := quic.DialAddr(r.t.Context(), r.addr, clientTLS(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { qc.CloseWithError(0, "") })
	return &wire{qc, r.t}
}

// frame is one of HTTP/3's.
func frame(kind uint64, payload []byte) []byte {
	b := quicvarint.Append(nil, kind)
	b = quicvarint.Append(b, uint64(len(payload)))
	return append(b, payload...)
}

const (
	frameData    = 0
	frameHeaders = 1
	frameGoAway  = 7
)

// head is a frame of "name: value" lines.
func head(lines ...string) []byte {
	var b bytes.Buffer
	e := qpack.NewEncoder(&b)
	for _, line := range lines {
		at := strings.LastIndex(line, ": ")
		e.WriteField(qpack.HeaderField{Name: line[:at], Value: line[at+2:]})
	}
	return frame(frameHeaders, b.Bytes())
}

// usualHead is of a request, with more lines.
func usualHead(method string, more ...string) []byte {
	return head(append([]string{":method: " + method, ":scheme: https", ":authority: h3.test", ":path: /"}, more...)...)
}

// open opens a stream and says something on it.
func (w *wire) open(text []byte) *quic.Stream {
	w.t.Helper()
	s, err := w.OpenStreamSync(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = s.Write(text) // which may be refused before all of it is sent
	return s
}

// answer is the next head on a stream in short, such as "200", or how the stream
// ended.
func answer(s *quic.Stream) string {
	r := quicvarint.NewReader(s)
	kind, err := quicvarint.Read(r)
	if err != nil {
		return ending(err)
	}
	n, err := quicvarint.Read(r)
	if err != nil {
		return ending(err)
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return ending(err)
	}
	if kind != frameHeaders {
		return fmt.Sprintf("frame %d %q", kind, payload)
	}
	field, err := qpack.NewDecoder().Decode(payload)()
	if err != nil || field.Name != ":status" {
		return fmt.Sprint(field, err)
	}
	return field.Value
}

// ending says how a stream or a connection came to its end.
func ending(err error) string {
	if reset, ok := errors.AsType[*quic.StreamError](err); ok {
		return "stream " + http3.ErrCode(reset.ErrorCode).String()
	}
	if closed, ok := errors.AsType[*quic.ApplicationError](err); ok {
		return "connection " + http3.ErrCode(closed.ErrorCode).String()
	}
	return err.Error()
}

// closed waits for the end of a connection.
func (w *wire) closed() string {
	<-w.Context().Done() // at the latest when nothing has come for long
	return ending(context.Cause(w.Context()))
}
