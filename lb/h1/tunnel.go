package h1

import (
	"net"
	"time"
)

// Tunnel is a connection whose protocol was switched. Its deadlines are the
// caller's to set.
type Tunnel struct {
	net.Conn
	rest []byte // read along with the head
}

func newTunnel(nc net.Conn, rd *reader) (*Tunnel, error) {
	t := &Tunnel{Conn: nc}
	if unread := rd.buffered(); len(unread) > 0 {
		t.rest = append(t.rest, unread...)
	}
	rd.advance(len(t.rest))
	return t, nc.SetDeadline(time.Time{})
}

// Read implements [io.Reader].
func (t *Tunnel) Read(p []byte) (int, error) {
	if len(t.rest) > 0 {
		n := copy(p, t.rest)
		if t.rest = t.rest[n:]; len(t.rest) == 0 {
			t.rest = nil
		}
		return n, nil
	}
	return t.Conn.Read(p)
}

// CloseWrite ends our half of the conversation; the other one goes on.
func (t *Tunnel) CloseWrite() error {
	if !closeWrite(t.Conn) {
		return t.Close()
	}
	return nil
}
