package lbtest

import (
	"bytes"
	"io"
	"net"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Framer speaks HTTP/2 frame by frame.
type Framer struct {
	*http2.Framer
	Conn net.Conn
}

// Head sends a head of "name: value" lines.
func (f *Framer) Head(stream uint32, end bool, lines ...string) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		_ = encoder.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndStream: end, EndHeaders: true})
}

// HTTP2 makes what serves HTTP/2 on a connection, from its preface on: it announces
// settings and has answer called for each request, by its head, at its end, or at
// once if its path is /early.
func HTTP2(answer func(f *Framer, head *http2.MetaHeadersFrame), settings ...http2.Setting) func(nc *net.TCPConn) {
	return func(nc *net.TCPConn) {
		if _, err := io.ReadFull(nc, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		f := &Framer{http2.NewFramer(nc, nc), nc}
		f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		_ = f.WriteSettings(settings...)
		var head *http2.MetaHeadersFrame // of the last request
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			switch frame := frame.(type) {
			case *http2.SettingsFrame:
				if !frame.IsAck() {
					_ = f.WriteSettingsAck()
				}
			case *http2.PingFrame:
				_ = f.WritePing(true, frame.Data)
			case *http2.MetaHeadersFrame:
				if head = frame; frame.StreamEnded() || head.PseudoValue("path") == "/early" {
					answer(f, head)
				}
			case *http2.DataFrame:
				if frame.StreamEnded() {
					answer(f, head)
				}
			}
		}
	}
}
