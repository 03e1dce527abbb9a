package h1

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probe looks at a connection's socket without reading from it.
type probe struct {
	raw    syscall.RawConn
	look   func(fd uintptr) // lookAt, once: a closure for each look would be an allocation
	listen func(fd uintptr) // listenTo, likewise
	poll   [1]unix.PollFd
	wait   unix.Timespec // 0
	one    [1]byte
	quiet  bool
}

// newProbe returns nil if there is no socket beneath the connection.
func newProbe(nc net.Conn) *probe {
	socket, ok := socketOf(nc).(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	p := &probe{raw: raw}
	p.look, p.listen = p.lookAt, p.listenTo
	return p
}

// Backlog reports whether connections wait to be accepted at a TCP listener. Who
// closes it then resets them.
func Backlog(l net.Listener) bool {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	p := &probe{raw: raw}
	p.look = p.lookAt
	return p.events(unix.POLLIN)&unix.POLLIN != 0
}

func (p *probe) lookAt(fd uintptr) {
	p.poll[0].Fd = int32(fd)
	for {
		// It does not wait, so the scheduler need not know of it; see rawReader.
		_, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p.poll)), uintptr(len(p.poll)),
			uintptr(unsafe.Pointer(&p.wait)), 0, 0, 0)
		if errno != unix.EINTR {
			return
		}
	}
}

func (p *probe) events(wanted int16) int16 {
	p.poll[0] = unix.PollFd{Events: wanted}
	if err := p.raw.Control(p.look); err != nil {
		return unix.POLLERR // closed
	}
	return p.poll[0].Revents
}

// listenTo looks for a byte and leaves it where it is, which is half as dear as
// polling.
func (p *probe) listenTo(fd uintptr) {
	for {
		_, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&p.one)), uintptr(len(p.one)),
			unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			p.quiet = errno == unix.EAGAIN
			return
		}
	}
}

// silent reports whether the peer neither sent anything nor closed.
func (p *probe) silent() bool {
	if p == nil {
		return true
	}
	p.quiet = false
	return p.raw.Control(p.listen) == nil && p.quiet
}

// gone reports whether the peer closed the connection, even behind bytes that
// were not read yet. A peer that closed its half alone looks the same.
func (p *probe) gone() bool {
	return p != nil && p.events(unix.POLLRDHUP) != 0
}
