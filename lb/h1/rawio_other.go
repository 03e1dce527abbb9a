//go:build !linux || race

package h1

import "net"

// rawReader and rawWriter are for Linux alone, see there.
type (
	rawReader struct{}
	rawWriter struct{}
)

func (*rawReader) init(net.Conn)                     {}
func (*rawReader) usable() bool                      { return false }
func (*rawReader) read(*writer, []byte) (int, error) { panic("not usable") }
func (*rawReader) readFresh(*writer, func() []byte) ([]byte, int, error) {
	panic("not usable")
}

func (*rawWriter) init(net.Conn)                       {}
func (*rawWriter) usable() bool                        { return false }
func (*rawWriter) write(_, _, _ []byte) (int64, error) { panic("not usable") }
