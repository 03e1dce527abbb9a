package lb

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// webSocketBackend starts an upstream that accepts WebSockets and has each served.
func webSocketBackend(t *testing.T, serve func(ctx context.Context, c *websocket.Conn)) string {
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	return httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			Subprotocols: []string{"chat"}, CompressionMode: websocket.CompressionContextTakeover, InsecureSkipVerify: true,
		})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(16 << 20)
		serve(r.Context(), c)
	})
}

func echoMessages(ctx context.Context, c *websocket.Conn) {
	for {
		kind, message, err := c.Read(ctx)
		if err != nil || c.Write(ctx, kind, message) != nil {
			return
		}
	}
}

func dialWebSocket(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"chat"},
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	if c.Subprotocol() != "chat" || resp.Header.Get("Sec-WebSocket-Extensions") == "" {
		t.Errorf("agreed on %q, %q", c.Subprotocol(), resp.Header)
	}
	c.SetReadLimit(16 << 20)
	return c
}

func TestWebSocketClients(t *testing.T) {
	route := testRoute{prefix: "/", backends: []string{webSocketBackend(t, echoMessages)}}
	plain := start(t, nil, route)
	encrypted, _ := startTLS(t, "HTTP/1.1", nil, route)
	for _, url := range []string{"ws://" + plain.addr + "/ws", "wss://" + encrypted.addr + "/ws"} {
		c := dialWebSocket(t, url)
		for _, size := range []int{0, 1, 125, 126, 65535, 65536, 5 << 20} {
			message := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
			sent := make(chan error, 1)
			go func() { sent <- c.Write(t.Context(), websocket.MessageBinary, message) }()
			kind, got, err := c.Read(t.Context())
			if err != nil || kind != websocket.MessageBinary || !bytes.Equal(got, message) {
				t.Fatalf("%s: %d bytes come back as %d, %v", url, size, len(got), err)
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		}
		reading := c.CloseRead(t.Context()) // for the answers to pings
		for range 3 {
			if err := c.Ping(reading); err != nil {
				t.Errorf("%s: ping: %v", url, err)
			}
		}
		if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
			t.Errorf("%s: close: %v", url, err)
		}
	}
	for _, r := range []*rig{plain, encrypted} {
		eventually(t, "the tunnels are over", func() bool { return r.Metrics().Tunnels == 0 })
	}
}

// endOfHalf is a connection whose peer has ended its half, and says nothing of the
// other one.
type endOfHalf struct{ net.Conn }

func (e endOfHalf) Read(p []byte) (int, error) { return 0, io.EOF }
func (e endOfHalf) CloseWrite() error          { return nil }

type quietHalf struct{ net.Conn }

func (quietHalf) CloseWrite() error { return nil }

// A tunnel of which one end may be gone is not kept for as long as others.
func TestTunnelWithOneDirectionIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		defer peer.Close()
		upstream, _ := net.Pipe()
		began := time.Now()
		join(t.Context(), quietHalf{client}, endOfHalf{upstream}, time.Hour)
		if after := time.Since(began); after != halfSilence {
			t.Errorf("the tunnel is over after %v, want %v", after, halfSilence)
		}
	})
}

// The reason why an upstream closes reaches the client.
func TestWebSocketCloseIsPassedOn(t *testing.T) {
	address := webSocketBackend(t, func(_ context.Context, c *websocket.Conn) { c.Close(websocket.StatusGoingAway, "moving") })
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	_, _, err := dialWebSocket(t, "ws://"+r.addr+"/ws").Read(t.Context())
	if websocket.CloseStatus(err) != websocket.StatusGoingAway || !strings.Contains(err.Error(), "moving") {
		t.Errorf("the client is told %v", err)
	}
}

func TestWebSocketWhoseUpstreamDies(t *testing.T) {
	address := webSocketBackend(t, func(ctx context.Context, c *websocket.Conn) {
		_, _, _ = c.Read(ctx)
		c.CloseNow()
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	c := dialWebSocket(t, "ws://"+r.addr+"/ws")
	if err := c.Write(t.Context(), websocket.MessageText, []byte("die")); err != nil {
		t.Fatal(err)
	}
	if _, message, err := c.Read(t.Context()); err == nil {
		t.Errorf("the client gets %q", message)
	}
	c.CloseNow()
	eventually(t, "the tunnel is over", func() bool { return r.Metrics().Tunnels == 0 })
}

func TestWebSocketWhoseClientLeaves(t *testing.T) {
	left := make(chan error, 1)
	address := webSocketBackend(t, func(ctx context.Context, c *websocket.Conn) {
		_, _, err := c.Read(ctx)
		left <- err
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	dialWebSocket(t, "ws://"+r.addr+"/ws").CloseNow()
	if err := <-left; err == nil {
		t.Error("the upstream got a message")
	}
	eventually(t, "the tunnel is over", func() bool { return r.Metrics().Tunnels == 0 })
}

// A WebSocket may live on while the server drains, and is cut when that has to
// end.
func TestWebSocketWhileDraining(t *testing.T) {
	address := webSocketBackend(t, echoMessages)
	r := start(t, func(o *ServerOptions) { o.Timeouts.Drain = time.Second }, testRoute{prefix: "/", backends: []string{address}})
	c := dialWebSocket(t, "ws://"+r.addr+"/ws")
	stopped := make(chan struct{})
	go func() {
		r.stop()
		close(stopped)
	}()
	eventually(t, "the server drains", r.Draining)
	if err := c.Write(t.Context(), websocket.MessageText, []byte("still here")); err != nil {
		t.Error(err)
	}
	if _, message, err := c.Read(t.Context()); err != nil || string(message) != "still here" {
		t.Errorf("the client gets %q, %v", message, err)
	}
	if _, message, err := c.Read(t.Context()); err == nil {
		t.Errorf("then the client gets %q", message)
	}
	<-stopped
}

// A silent WebSocket ends; one that pings does not.
func TestWebSocketThatIsSilent(t *testing.T) {
	address := webSocketBackend(t, echoMessages)
	r := start(t, func(o *ServerOptions) { o.Timeouts.Tunnel = time.Second }, testRoute{prefix: "/", backends: []string{address}})
	silent, lively := dialWebSocket(t, "ws://"+r.addr+"/ws"), dialWebSocket(t, "ws://"+r.addr+"/ws")
	over := silent.CloseRead(t.Context())
	reading := lively.CloseRead(t.Context())
	for over.Err() == nil {
		if err := lively.Ping(reading); err != nil {
			t.Fatalf("the lively one: %v", err)
		}
	}
	if err := lively.Ping(reading); err != nil {
		t.Errorf("the lively one ends with the silent one: %v", err)
	}
}

// A WebSocket of an instance that is gone goes on, unless it is to end after a while;
// those of other instances do, whatever happens.
func TestWebSocketOfADepartedTarget(t *testing.T) {
	for _, grace := range []time.Duration{0, 100 * time.Millisecond} {
		stays, goes := webSocketBackend(t, echoMessages), webSocketBackend(t, echoMessages)
		r := start(t, func(o *ServerOptions) { o.Timeouts.DepartedTunnel = grace },
			testRoute{prefix: "/stays", backends: []string{stays}}, testRoute{prefix: "/goes", backends: []string{goes}})
		one, other := dialWebSocket(t, "ws://"+r.addr+"/stays"), dialWebSocket(t, "ws://"+r.addr+"/goes")
		r.put(tableOf(r.targets, []testRoute{{prefix: "/stays", backends: []string{stays}}}))
		works := func(c *websocket.Conn) error {
			if err := c.Write(t.Context(), websocket.MessageText, []byte("still here")); err != nil {
				return err
			}
			_, _, err := c.Read(t.Context())
			return err
		}
		if grace > 0 {
			if _, _, err := other.Read(t.Context()); err == nil {
				t.Error("there is a message where there should be an end")
			}
			eventually(t, "one tunnel is over", func() bool { return r.Metrics().Tunnels == 1 })
		} else if err := works(other); err != nil {
			t.Errorf("without a limit: %v", err)
		}
		if err := works(one); err != nil {
			t.Errorf("the one of another instance: %v", err)
		}
		one.CloseNow()
		other.CloseNow()
		r.stop()
	}
}
