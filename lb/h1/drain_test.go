package h1

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// Connections that wait to be accepted when the server stops were made for a
// client that knows nothing of it.
func TestDrainServesTheBacklog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if Backlog(l) {
		t.Error("there is a backlog without a connection")
	}
	var clients []*client
	for range 50 {
		c := newClient(t, l.Addr().String())
		c.send(request)
		clients = append(clients, c)
	}
	if !Backlog(l) {
		t.Skip("the backlog cannot be looked at here")
	}
	s := NewServer(DefaultOptions(), echo)
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	for Backlog(l) {
		time.Sleep(time.Millisecond)
	}
	l.Close()
	<-served
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for _, c := range clients {
		c.wants("GET", 200, "GET /x ")
		c.closed()
	}
}

// A connection that was just made gets a moment for its request, one on which a
// request was served does not.
func TestDrainWaitsForFirstRequests(t *testing.T) {
	s, addr := startServer(t, echo)
	fresh, quiet, used := newClient(t, addr), newClient(t, addr), newClient(t, addr)
	used.send(request)
	used.wants("GET", 200, "GET /x ")
	for s.count() < 3 {
		time.Sleep(time.Millisecond)
	}
	s.Drain()
	fresh.send(request)
	if resp := fresh.wants("GET", 200, "GET /x "); !resp.Close {
		t.Error("the connection is kept")
	}
	fresh.closed()
	used.closed()
	quiet.closed()
}

// The deadline by which Drain wakes a connection may be set when the connection has
// seen already that it drains, and waits for its first request.
func TestDrainWakesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(DefaultOptions(), echo)
		ours, theirs := net.Pipe()
		go s.ServeConn(ours)
		synctest.Wait()
		s.Drain()
		synctest.Wait()
		_ = ours.SetReadDeadline(time.Unix(1, 0))
		synctest.Wait()
		go func() { _, _ = io.WriteString(theirs, request) }()
		if got, _ := io.ReadAll(theirs); !bytes.HasPrefix(got, []byte("HTTP/1.1 200 ")) {
			t.Errorf("%q", got)
		}
	})
}

// A handshake that is under way when the server stops comes to its end, and the
// request it was for is served.
func TestDrainWaitsForHandshakes(t *testing.T) {
	pair := httptest.NewTLSServer(nil)
	pair.Close()
	s := NewServer(DefaultOptions(), echo)
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(tls.NewListener(l, &tls.Config{Certificates: pair.TLS.Certificates})) }()
	c := newClient(t, l.Addr().String())
	for s.count() < 1 {
		time.Sleep(time.Millisecond)
	}
	s.Drain()
	c.nc = tls.Client(c.nc, &tls.Config{InsecureSkipVerify: true})
	c.r = bufio.NewReader(c.nc)
	c.send(request)
	c.wants("GET", 200, "GET /x ")
	c.closed()
	l.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What was handed over is not ours any more, though the goroutine that handed it
// over has yet to end.
func TestDrainLeavesWhatIsHandedOver(t *testing.T) {
	pair := httptest.NewTLSServer(nil)
	pair.Close()
	o := DefaultOptions()
	theirs := make(chan net.Conn, 1)
	var s *Server
	o.Takeover = func(nc net.Conn) bool {
		s.Drain()
		theirs <- nc
		return true
	}
	s = NewServer(o, echo)
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err == nil {
			s.ServeConn(tls.Server(nc, &tls.Config{Certificates: pair.TLS.Certificates, NextProtos: []string{"h2"}}))
		}
	}()
	client, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	nc := <-theirs
	defer nc.Close()
	go func() { _, _ = io.WriteString(client, "hello") }()
	got := make([]byte, 5)
	if _, err := io.ReadFull(nc, got); err != nil {
		t.Errorf("reading what was handed over: %v", err)
	}
}

func (s *Server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// A tunnel goes on while the server drains, whether it was there before or not.
func TestDrainLeavesTunnels(t *testing.T) {
	arrived, upgrade := make(chan struct{}), make(chan struct{})
	s, addr := startServer(t, func(in *Inbound) {
		if in.Request.Path() == "/later" {
			close(arrived)
			<-upgrade
		}
		tunnel, err := in.Upgrade("test", nil)
		if err == nil {
			_, err = io.Copy(tunnel, tunnel)
		}
		if err != nil {
			t.Error(err)
		}
	})
	var clients []*client
	for _, path := range []string{"/now", "/later"} {
		c := newClient(t, addr)
		c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
		clients = append(clients, c)
	}
	clients[0].head()
	<-arrived
	s.Drain()
	close(upgrade)
	clients[1].head()
	for _, c := range clients {
		c.send("still here")
		closeWrite(c.nc)
		if rest, err := io.ReadAll(c.r); string(rest) != "still here" || err != nil {
			t.Errorf("the client gets %q, %v", rest, err)
		}
	}
}
