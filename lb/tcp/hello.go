package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

// Hello is what a TLS client tells in its first message, as far as a connection
// can be routed by it. Of a client that encrypts its hello it is the outer one.
type Hello struct {
	// ServerName is the name asked for, in lower case and without a dot at its
	// end; empty if there is none.
	ServerName string
	// Protocols are what the client can speak, the best first (ALPN, RFC 7301).
	Protocols []string
}

// Why a hello is not one.
var (
	// ErrNotTLS: the connection starts with something else.
	ErrNotTLS = errors.New("the connection does not start with TLS")
	// ErrTooLarge: no client has so much to say.
	ErrTooLarge = fmt.Errorf("the TLS hello has more than %d KiB", maxHello>>10)
	// ErrMalformed is wrapped by all other errors about what was read.
	ErrMalformed = errors.New("malformed TLS hello")
)

// A hello of today has 300 to 2,000 bytes, one with many tickets and keys some
// thousand more. maxRead bounds it together with the heads of its records, of
// which there may be one for each byte.
const (
	maxHello = 64 << 10
	maxRead  = 2 * maxHello
)

const (
	recordHead      = 5 // type, version, length
	recordHandshake = 22
	maxRecord       = 1 << 14 // RFC 8446 §5.1
	messageHead     = 4       // type, length
	clientHello     = 1
)

// ReadHello reads the first message of TLS, in as many records as it comes, and
// returns the bytes read, which are the start of the conversation whatever the
// error. The peer has until deadline; the connection has no read deadline
// afterwards. If the peer said nothing by then, read is empty.
func ReadHello(nc net.Conn, deadline time.Time) (h Hello, read []byte, err error) {
	if err := nc.SetReadDeadline(deadline); err != nil {
		return Hello{}, nil, fmt.Errorf("reading the TLS hello: %w", err)
	}
	r := helloReader{from: nc}
	message, err := r.message()
	if err == nil {
		h, err = parseHello(message)
	}
	if err != nil {
		err = fmt.Errorf("reading the TLS hello: %w", err)
	}
	return h, r.read, errors.Join(err, nc.SetReadDeadline(time.Time{}))
}

// helloReader puts a message together from records.
type helloReader struct {
	from io.Reader
	read []byte
	used int // of read: whole records
}

// message is the body of the message.
func (r *helloReader) message() ([]byte, error) {
	var message []byte
	for {
		fragment, err := r.record()
		if err != nil {
			return nil, err
		}
		message = append(message, fragment...)
		if len(message) < messageHead {
			continue
		}
		if message[0] != clientHello {
			return nil, fmt.Errorf("%w: the first message is of type %d", ErrMalformed, message[0])
		}
		size := int(binary.BigEndian.Uint32(message) & 0xffffff)
		if size > maxHello {
			return nil, ErrTooLarge
		}
		if len(message) >= messageHead+size {
			return message[messageHead : messageHead+size], nil
		}
	}
}

// record reads what one record holds.
func (r *helloReader) record() ([]byte, error) {
	// One byte is enough to see that this is something else, and may be all that
	// such a client says.
	if err := r.need(1); err != nil {
		return nil, err
	}
	if r.read[r.used] != recordHandshake {
		return nil, r.notTLS("a record is no handshake")
	}
	if err := r.need(recordHead); err != nil {
		return nil, err
	}
	head := r.read[r.used:]
	size := int(binary.BigEndian.Uint16(head[3:]))
	if head[1] != 3 || size == 0 || size > maxRecord {
		return nil, r.notTLS("the head of a record")
	}
	if err := r.need(recordHead + size); err != nil {
		return nil, err
	}
	fragment := r.read[r.used+recordHead : r.used+recordHead+size]
	r.used += recordHead + size
	return fragment, nil
}

// notTLS is the error of a wrong byte: behind a first good record, it is TLS.
func (r *helloReader) notTLS(what string) error {
	if r.used == 0 {
		return ErrNotTLS
	}
	return fmt.Errorf("%w: %s", ErrMalformed, what)
}

// need reads until there are n bytes that are not used.
func (r *helloReader) need(n int) error {
	if r.used+n > maxRead {
		return ErrTooLarge
	}
	for len(r.read) < r.used+n {
		r.read = slices.Grow(r.read, 2048)
		m, err := r.from.Read(r.read[len(r.read):cap(r.read)])
		r.read = r.read[:len(r.read)+m]
		if err != nil && len(r.read) < r.used+n {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
