package h1

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// writer collects what goes out in a small pooled buffer, so that a head and
// the start of a body, or a small answer as a whole, take one write.
type writer struct {
	nc  net.Conn
	tcp *net.TCPConn // nc, if plain
	raw rawWriter    // of nc, if it can be had
	out []byte

	timeout  time.Duration
	deadline time.Time // as set on nc
	sent     int64     // bytes the kernel took since begin
	err      error
}

func (w *writer) init(nc net.Conn, timeout time.Duration) {
	w.nc, w.timeout = nc, timeout
	w.tcp, _ = nc.(*net.TCPConn)
	w.raw.init(nc)
}

// begin readies the writer for a message.
func (w *writer) begin() {
	w.sent, w.err = 0, nil
	if w.out == nil {
		w.out = getSmall()[:0]
	}
}

// release gives the buffer back; what was not flushed is lost.
func (w *writer) release() {
	if w.out != nil {
		putBuffer(w.out)
		w.out = nil
	}
}

// arm sees that the connection has at least the timeout to take what comes. The
// deadline is set an eighth later than that and then left for a while.
// Without a timeout none is set.
func (w *writer) arm() {
	// To ask what time is left costs half of what asking the time does.
	if w.timeout > 0 && time.Until(w.deadline) < w.timeout {
		w.deadline = time.Now().Add(w.timeout + w.timeout/8)
		_ = w.nc.SetWriteDeadline(w.deadline) // fails on a closed connection, as the write will
	}
}

func (w *writer) done(n int64, err error) error {
	w.sent += n
	if err != nil && w.err == nil {
		w.err = err
	}
	return err
}

func (w *writer) flush() error {
	if w.err != nil || len(w.out) == 0 {
		return w.err
	}
	w.arm()
	n, err := w.send(w.out)
	w.out = w.out[:0]
	return w.done(n, err)
}

// write sends p behind what was collected, or collects it as well if it is
// small.
func (w *writer) write(p []byte) error { return w.writeAll(p, nil) }

// writeChunk sends p as one chunk. p is not empty.
func (w *writer) writeChunk(p []byte) error {
	w.out = strconv.AppendUint(w.out, uint64(len(p)), 16)
	w.out = append(w.out, '\r', '\n')
	return w.writeAll(p, crlf)
}

var crlf = []byte("\r\n")

func (w *writer) writeAll(p, tail []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(w.out)+len(p)+len(tail) <= smallBuffer {
		w.out = append(append(w.out, p...), tail...)
		return nil
	}
	if !w.raw.usable() {
		return w.writeInTurn(p, tail)
	}
	w.arm()
	n, err := w.raw.write(w.out, p, tail)
	w.out = w.out[:0]
	return w.done(n, err)
}

// send writes p.
func (w *writer) send(p []byte) (int64, error) {
	if w.raw.usable() {
		return w.raw.write(p, nil, nil)
	}
	n, err := w.nc.Write(p)
	return int64(n), err
}

// writeInTurn is for connections that cannot write many buffers at once. The
// start of p fills up what was collected, for TLS makes a record of each write.
func (w *writer) writeInTurn(p, tail []byte) error {
	if len(w.out) > 0 {
		n := min(len(p), max(0, smallBuffer-len(w.out)))
		w.out = append(w.out, p[:n]...)
		if err := w.flush(); err != nil {
			return err
		}
		p = p[n:]
	}
	if len(p) > 0 {
		w.arm()
		if err := w.done(w.send(p)); err != nil {
			return err
		}
	}
	w.out = append(w.out, tail...)
	return nil
}

// errField says that a field to be sent would break the message.
var errField = errors.New("h1: a field to send has no token as its name or a control byte in its value")

// field collects one line of a head.
func (w *writer) field(name, value string) {
	w.out = append(w.out, name...)
	w.out = append(w.out, ':', ' ')
	w.out = append(w.out, value...)
	w.out = append(w.out, '\r', '\n')
}

// fields collects the lines whose kinds are allowed, and tells the kinds seen.
func (w *writer) fields(fields []Field, allowed uint32) (seen uint32, err error) {
	for i := range fields {
		f := &fields[i]
		k := kindOf(f.Name)
		if seen |= 1 << k; allowed&(1<<k) == 0 {
			continue
		}
		if !isName(f.Name) || !isValue(bytesOf(f.Value)) {
			return seen, errField
		}
		w.field(f.Name, f.Value)
	}
	return seen, nil
}

// statusLine collects the first line of an answer.
func (w *writer) statusLine(status int) {
	w.out = append(w.out, "HTTP/1.1 "...)
	w.out = strconv.AppendInt(w.out, int64(status), 10)
	w.out = append(w.out, ' ')
	w.out = append(w.out, http.StatusText(status)...)
	w.out = append(w.out, '\r', '\n')
}

func (w *writer) length(n int64) {
	w.out = append(w.out, "Content-Length: "...)
	w.out = strconv.AppendInt(w.out, n, 10)
	w.out = append(w.out, '\r', '\n')
}
