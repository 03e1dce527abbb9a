package h1

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// noise is a body that shows if a part of it is lost or moved.
func noise(size int) []byte {
	b := make([]byte, size)
	source := rand.NewChaCha8([32]byte{})
	_, _ = source.Read(b)
	return b
}

// Bodies large enough to be moved by the kernel arrive whole, both ways.
func TestLargeBodies(t *testing.T) {
	for _, size := range []int{spliceLeast - 1, spliceLeast + smallBuffer, 5<<20 + 7} {
		body := noise(size)
		upstream := lbtest.Record(t, func(r *lbtest.Recording) {
			for {
				if _, err := r.Head(); err != nil {
					return
				}
				got := make([]byte, size)
				if _, err := io.ReadFull(r.Buffer, got); err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes: the upstream got something else, %v", size, err)
				}
				_, _ = fmt.Fprintf(r, "%sContent-Length: %d\r\n\r\n", ok, size)
				_, _ = r.Write(got)
			}
		})
		f := startForwarder(t, upstream.Addr)
		c := newClient(t, f.addr)
		for range 2 {
			go c.send(fmt.Sprintf("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, body))
			if _, got, err := c.answer("PUT"); err != nil || got != string(body) {
				t.Errorf("%d bytes: the client got %d, %v", size, len(got), err)
			}
		}
	}
}

// A large answer that breaks off in the middle is cut off for the client too.
func TestLargeBodyCut(t *testing.T) {
	body := noise(2 << 20)
	f := startForwarder(t, lbtest.Record(t, lbtest.SayOnce(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", ok, len(body)+1, body))).Addr)
	c := newClient(t, f.addr)
	c.send(request)
	if _, got, err := c.answer("GET"); err == nil || got != string(body) {
		t.Errorf("the client got %d bytes of %d, %v", len(got), len(body), err)
	}
}

// A large upload that breaks off is cut off for the upstream.
func TestLargeUploadCut(t *testing.T) {
	body := noise(2 << 20)
	upstream := lbtest.Record(t, func(r *lbtest.Recording) { _, _ = io.Copy(io.Discard, r.Buffer) })
	f := startForwarder(t, upstream.Addr)
	c := newClient(t, f.addr)
	c.send(fmt.Sprintf("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body)+1, body))
	closeWrite(c.nc)
	c.wants("PUT", 400, "")
	c.closed()
	upstream.Only()
}
