package push

import (
	"bytes"
	"errors"
	"net"
	"time"
)

// maxDatagram is what goes over Ethernet in one piece.
const maxDatagram = 1432

// deliver sends lines until the deadline. Each push has a connection of its own,
// which finds a receiver that moved.
func (p *Pusher) deliver(lines [][]byte, deadline time.Time) error {
	if len(lines) == 0 {
		return nil
	}
	network, at := p.Kind.place(p.Address)
	conn, err := (&net.Dialer{Deadline: deadline}).Dial(network, at)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return errors.Join(err, conn.Close())
	}
	if network == "tcp" {
		_, err = conn.Write(bytes.Join(lines, nil))
		return errors.Join(err, conn.Close())
	}
	for packet := range packets(lines) {
		if _, err := conn.Write(packet); err != nil {
			return errors.Join(err, conn.Close())
		}
	}
	return conn.Close()
}

// packets yields the lines, as many at once as a datagram holds; a longer line
// alone.
func packets(lines [][]byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		var packet []byte
		for _, line := range lines {
			if len(packet) > 0 && len(packet)+len(line) > maxDatagram {
				if !yield(packet) {
					return
				}
				packet = packet[:0]
			}
			packet = append(packet, line...)
		}
		if len(packet) > 0 {
			yield(packet)
		}
	}
}
