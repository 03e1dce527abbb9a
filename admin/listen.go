package admin

import (
	"net"
	"strings"

	"github.com/sluiceproxy/sluice/internal/unixsock"
)

// listen opens host:port or unix:///path.
func listen(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, "unix://")
	if !ok {
		return net.Listen("tcp", address)
	}
	l, err := unixsock.Listen(path, unixsock.Options{})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// isPrivate reports whether only this machine can reach the address.
func isPrivate(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}
