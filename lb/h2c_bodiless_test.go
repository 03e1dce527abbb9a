package lb

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An upstream of HTTP/2 can send a body where HTTP/1.1 has none: it must not
// become the next answer.
func TestHTTP2TargetBodyWhereThereIsNone(t *testing.T) {
	backend := "h2c://" + tcpBackend(t, func(nc *net.TCPConn) {
		if _, err := io.ReadFull(nc, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := http2.NewFramer(nc, nc)
		f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		f.WriteSettings()
		var block bytes.Buffer
		encoder := hpack.NewEncoder(&block)
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			switch frame := frame.(type) {
			case *http2.SettingsFrame:
				if !frame.IsAck() {
					f.WriteSettingsAck()
				}
			case *http2.PingFrame:
				f.WritePing(true, frame.Data)
			case *http2.MetaHeadersFrame:
				block.Reset()
				encoder.WriteField(hpack.HeaderField{Name: ":status", Value: strings.TrimPrefix(frame.PseudoValue("path"), "/")})
				f.WriteHeaders(http2.HeadersFrameParam{StreamID: frame.StreamID, BlockFragment: block.Bytes(), EndHeaders: true})
				f.WriteData(frame.StreamID, true, []byte("HTTP/1.1 200 OK\r\nX-Smuggled: yes\r\nContent-Length: 0\r\n\r\n"))
			}
		}
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{backend}})
	for _, request := range []string{"GET /204", "GET /304", "HEAD /200", "HEAD /404"} {
		got := r.raw(request + " HTTP/1.1\r\nHost: h\r\n\r\nGET /404 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		first, second, _ := strings.Cut(got, "\r\n\r\n")
		if strings.Contains(first, "X-Smuggled") || !strings.HasPrefix(second, "HTTP/1.1 404 Not Found\r\n") {
			t.Errorf("%s: %q", request, got)
		}
	}
}
