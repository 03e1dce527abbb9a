package lbtest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Recorder is a server that keeps every byte it is sent.
type Recorder struct {
	Addr string

	t     testing.TB
	mu    sync.Mutex
	conns []*Recording
}

// Record starts a recorder, which serves each connection by serve, ends its half
// of it then and reads what else comes.
func Record(t testing.TB, serve func(*Recording)) *Recorder {
	t.Helper()
	r := &Recorder{t: t}
	r.Addr = Serve(t, func(nc *net.TCPConn) {
		c := NewRecording(nc)
		defer close(c.ended)
		r.mu.Lock()
		r.conns = append(r.conns, c)
		r.mu.Unlock()
		serve(c)
		_ = nc.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
		nc.Close() // before it is said to have ended
	})
	return r
}

// All are the connections so far, in the order in which they came.
func (r *Recorder) All() []*Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.conns)
}

// Only is the one connection that is to come, once the peer has closed it.
func (r *Recorder) Only() *Recording {
	r.t.Helper()
	Eventually(r.t, "the server has a connection", func() bool { return len(r.All()) > 0 })
	conns := r.All()
	if len(conns) != 1 {
		r.t.Fatalf("the server has %d connections, want 1", len(conns))
	}
	select {
	case <-conns[0].ended:
	case <-time.After(patience):
		r.t.Fatal("the connection to the server stays open")
	}
	return conns[0]
}

// Recording is a connection of which all that is read is kept.
type Recording struct {
	net.Conn
	// Buffer reads what comes. What it holds is read already, so nothing else
	// should read once it does.
	Buffer *bufio.Reader

	mu    sync.Mutex
	text  bytes.Buffer
	ended chan struct{} // closed when the server and its peer have done with it
}

// NewRecording records a connection from now on.
func NewRecording(nc net.Conn) *Recording {
	r := &Recording{Conn: nc, ended: make(chan struct{})}
	r.Buffer = bufio.NewReader(r)
	return r
}

// Read implements [net.Conn].
func (r *Recording) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Write(p[:n])
	return n, err
}

// Text is what was read so far.
func (r *Recording) Text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Head reads the head of a request or of an answer, with the empty line at its
// end. With an error it is what there is of it.
func (r *Recording) Head() (string, error) {
	var head strings.Builder
	for {
		line, err := r.Buffer.ReadString('\n')
		if head.WriteString(line); err != nil || line == "\r\n" {
			return head.String(), err
		}
	}
}

// Say answers every head with the text, and keeps the connection.
func Say(text string) func(*Recording) {
	return func(r *Recording) {
		for {
			if _, err := r.Head(); err != nil {
				return
			}
			if _, err := io.WriteString(r, text); err != nil {
				return
			}
		}
	}
}

// SayOnce answers one head with the text and ends the connection.
func SayOnce(text string) func(*Recording) {
	return func(r *Recording) {
		if _, err := r.Head(); err == nil {
			_, _ = io.WriteString(r, text)
		}
	}
}
