package h1

import "net"

// socketOf finds the connection at the bottom of those that wrap one, as TLS
// does.
func socketOf(nc net.Conn) net.Conn {
	for {
		outer, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			return nc
		}
		nc = outer.NetConn()
	}
}

// closeWrite ends our half of a connection, at every layer that can, and
// reports whether the peer will see it.
func closeWrite(nc net.Conn) bool {
	type half interface{ CloseWrite() error }
	if h, ok := nc.(half); !ok || h.CloseWrite() != nil {
		return false
	}
	if socket := socketOf(nc); socket != nc {
		if h, ok := socket.(half); ok {
			return h.CloseWrite() == nil
		}
	}
	return true
}

// reset closes a connection so that the peer sees an error, not an end.
func reset(nc net.Conn) {
	if tcp, ok := socketOf(nc).(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close() // below TLS, which would say a proper goodbye
	}
	_ = nc.Close()
}
