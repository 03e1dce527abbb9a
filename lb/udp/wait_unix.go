//go:build unix

package udp

import (
	"net"
	"syscall"
)

// wait waits until there is a datagram to be read, or the socket's deadline. A
// session that is silent then holds no buffer.
func wait(socket *net.UDPConn) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var found error
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, found = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		return found != syscall.EAGAIN && found != syscall.EINTR //nolint:errorlint // as the call returns them
	})
	if err != nil {
		return err
	}
	return found
}
