package h1

import "net"

// direct reads and writes a TCP connection for the TLS above it as this package
// does by itself without TLS.
type direct struct {
	net.Conn
	in  rawReader
	out rawWriter
}

// Direct returns nc in a form that costs less to read and to write, where there
// is one: for who puts TLS on top. It has a method NetConn, which returns nc.
func Direct(nc net.Conn) net.Conn {
	d := &direct{Conn: nc}
	d.in.init(nc)
	d.out.init(nc)
	if !d.in.usable() {
		return nc
	}
	return d
}

// NetConn returns the connection beneath, as that of crypto/tls does.
func (d *direct) NetConn() net.Conn { return d.Conn }

// Read implements [net.Conn].
func (d *direct) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return d.in.read(nil, p)
}

// Write implements [net.Conn].
func (d *direct) Write(p []byte) (int, error) {
	n, err := d.out.write(p, nil, nil)
	return int(n), err
}
