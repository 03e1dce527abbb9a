package lb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWebSocketTunnel(t *testing.T) {
	upgrade := func(protocol string) string {
		return "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: " + protocol + "\r\nSec-WebSocket-Key: k\r\n\r\n"
	}
	address := rawBackend(t, func(head string, conn net.Conn, r *bufio.Reader) {
		if !strings.Contains(head, "Upgrade: WebSocket\r\n") {
			io.WriteString(conn, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			return
		}
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\nhello ")
		io.Copy(conn, r)
	})
	r := start(t, func(o *ServerOptions) { o.Timeouts.Drain = 50 * time.Millisecond },
		testRoute{prefix: "/ws", backends: []string{address}})
	if got := r.raw(strings.Replace(upgrade("h2c"), "keep-alive", "close", 1)); !strings.HasPrefix(got, "HTTP/1.1 426 ") {
		t.Errorf("h2c: %q, want the request forwarded without its upgrade", got)
	}

	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, upgrade("WebSocket")+"early ")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "a" {
		t.Fatalf("%v, error %v; want the upstream's 101", resp, err)
	}
	io.WriteString(conn, "late")
	echoed := make([]byte, len("hello early late"))
	if _, err := io.ReadFull(in, echoed); err != nil || string(echoed) != "hello early late" {
		t.Fatalf("%q, error %v", echoed, err)
	}
	if got := r.Metrics().Tunnels; got != 1 {
		t.Errorf("%d tunnels counted, want 1", got)
	}
	r.stop() // cuts the tunnel, for it does not end by itself
	if rest, err := io.ReadAll(in); len(rest) != 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q, error %v; want the end", rest, err)
	}
}

func TestTunnelPassesOnAHalfClose(t *testing.T) {
	address := rawBackend(t, func(_ string, conn net.Conn, r *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		sent, _ := io.ReadAll(r) // to the client's end, and only then:
		fmt.Fprintf(conn, "got %s", sent)
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, error %v; want a 101", resp, err)
	}
	io.WriteString(conn, "all of it")
	conn.(*net.TCPConn).CloseWrite()
	if answer, err := io.ReadAll(in); err != nil || string(answer) != "got all of it" {
		t.Errorf("%q, error %v", answer, err)
	}
}
