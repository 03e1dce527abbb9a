//go:build !race

package h1

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reading from and writing to a TCP socket never blocks, for it is in
// non-blocking mode: waiting is the poller's. Go nevertheless tells the
// scheduler of each such system call, which then has its monitor wake up every
// 20 µs to take the processor away from calls that last. On a busy machine that
// costs a tenth of all time. So these make the calls without telling; what
// waits, and for how long, is left to net through [syscall.RawConn].
//
// Builds with the race detector use package net alone, which tells the detector
// that what is read was written before.

// rawReader reads from a TCP socket.
type rawReader struct {
	conn    syscall.RawConn // nil if there is none to be used
	attempt func(fd uintptr) bool

	// Of the read under way.
	take  func() []byte // p is a buffer taken from it when bytes are there; or nil
	p     []byte
	first *writer // to be flushed before
	n     int
	errno syscall.Errno
}

func (r *rawReader) init(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		r.conn, _ = tcp.SyscallConn() // never fails
		r.attempt = r.try             // once, for a closure for each read would be an allocation
	}
}

func (r *rawReader) usable() bool { return r.conn != nil }

// read reads into p, which must not be empty. If w is not nil it flushes that
// before, and reads what comes in answer. Nothing must be there to be read yet
// then: the first look is taken when the poller says that something came, which
// spares the one that finds nothing. What went wrong with flushing is in w.
func (r *rawReader) read(w *writer, p []byte) (int, error) {
	r.p, r.first, r.n, r.errno = p, w, 0, 0
	err := r.conn.Read(r.attempt)
	r.first = nil
	if r.take == nil {
		r.p = nil
	}
	switch {
	case err != nil:
		return 0, err
	case r.errno != 0:
		return 0, os.NewSyscallError("recv", r.errno)
	case r.n == 0 && (w == nil || w.err == nil):
		return 0, io.EOF
	}
	return r.n, nil
}

// readFresh is read into a buffer that it takes when there are bytes: to wait for
// them costs none, and the one given back last is the one in the cache.
func (r *rawReader) readFresh(w *writer, take func() []byte) (buffer []byte, n int, err error) {
	r.take = take
	n, err = r.read(w, nil)
	buffer, r.p, r.take = r.p, nil, nil
	return buffer, n, err
}

func (r *rawReader) try(fd uintptr) bool {
	if w := r.first; w != nil {
		// Only after this function was called is the poller's news of what comes
		// sure not to be of before.
		r.first = nil
		return w.flush() != nil
	}
	if r.take != nil {
		r.p = r.take()
	}
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(r.p))), uintptr(len(r.p)), 0, 0, 0)
		switch errno {
		case 0:
			r.n = int(n)
			return true
		case unix.EAGAIN:
			if r.take != nil {
				putBuffer(r.p)
				r.p = nil
			}
			return false
		case unix.EINTR:
		default:
			r.errno = errno
			return true
		}
	}
}

// rawWriter writes to a TCP socket.
type rawWriter struct {
	conn    syscall.RawConn // nil if there is none to be used
	attempt func(fd uintptr) bool

	// Of the write under way: what is left of it, and what is done.
	vectors [3]unix.Iovec
	left    []unix.Iovec
	n       int64
	errno   syscall.Errno
}

func (w *rawWriter) init(nc net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		w.conn, _ = tcp.SyscallConn() // never fails
		w.attempt = w.try
	}
}

func (w *rawWriter) usable() bool { return w.conn != nil }

// write writes all of the buffers, one behind the other.
func (w *rawWriter) write(a, b, c []byte) (int64, error) {
	w.left, w.n, w.errno = w.vectors[:0], 0, 0
	for _, p := range [...][]byte{a, b, c} {
		if len(p) > 0 {
			v := unix.Iovec{Base: unsafe.SliceData(p)}
			v.SetLen(len(p))
			w.left = append(w.left, v)
		}
	}
	err := w.conn.Write(w.attempt)
	w.left, w.vectors = nil, [3]unix.Iovec{} // the buffers are not ours to keep
	if err == nil && w.errno != 0 {
		err = os.NewSyscallError("send", w.errno)
	}
	return w.n, err
}

func (w *rawWriter) try(fd uintptr) bool {
	for len(w.left) > 0 {
		n, errno := w.send(fd)
		switch errno {
		case 0:
			w.n += int64(n)
			w.advance(n)
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default:
			w.errno = errno
			return true
		}
	}
	return true
}

// send takes the shorter way for a single buffer, which is the rule.
func (w *rawWriter) send(fd uintptr) (int, syscall.Errno) {
	first := &w.left[0]
	if len(w.left) == 1 {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(first.Base)), uintptr(first.Len), unix.MSG_NOSIGNAL, 0, 0)
		return int(n), errno
	}
	n, _, errno := syscall.RawSyscall(unix.SYS_WRITEV, fd, uintptr(unsafe.Pointer(first)), uintptr(len(w.left)))
	return int(n), errno
}

// advance takes n bytes off what is left.
func (w *rawWriter) advance(n int) {
	for n > 0 {
		v := &w.left[0]
		size := int(v.Len)
		if n < size {
			v.Base = (*byte)(unsafe.Add(unsafe.Pointer(v.Base), n))
			v.SetLen(size - n)
			return
		}
		n -= size
		w.left = w.left[1:]
	}
}
