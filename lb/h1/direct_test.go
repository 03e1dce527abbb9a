package h1

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A direct connection does what the one beneath would: all bytes, both ways at
// once, the end, deadlines, and that it is closed.
func TestDirect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	body := noise(5<<20 + 7) // more than the kernel's buffers hold
	ended := make(chan error, 1)
	go func() {
		peer, err := l.Accept()
		if err != nil {
			ended <- err
			return
		}
		defer peer.Close()
		_, err = io.CopyN(peer, peer, int64(len(body)))
		ended <- err
	}()
	beneath, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc := Direct(beneath)
	if socketOf(nc) != beneath {
		t.Error("the socket beneath is not found")
	}
	if n, err := nc.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
	go nc.Write(body)
	got, err := io.ReadAll(io.LimitReader(nc, int64(len(body))))
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d of %d bytes came back as they were, %v", len(got), len(body), err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n, err := nc.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v", n, err)
	}
	nc.SetDeadline(time.Unix(1, 0))
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading too late: %v", err)
	}
	if _, err := nc.Write(body); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing too late: %v", err)
	}
	nc.Close()
	if _, err := nc.Write(body); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing after it was closed: %v", err)
	}
}
