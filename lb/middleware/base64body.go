package middleware

import (
	"bytes"
	"encoding/base64"
	"io"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// base64Body decodes a body of base64, of which any part may be padded: senders
// put together what they encoded at different times.
type base64Body struct {
	from  io.Reader
	text  [4 << 10]byte
	have  int    // of text, that is no whole group yet
	ready []byte // decoded
	bytes [3 << 10]byte
}

// group is the length of text that stands for whole bytes.
const group = 4

// Read implements [io.Reader].
func (b *base64Body) Read(p []byte) (int, error) {
	for len(b.ready) == 0 {
		n, err := b.from.Read(b.text[b.have:])
		b.have += n
		if decodeErr := b.decode(); decodeErr != nil {
			return 0, decodeErr
		}
		switch {
		case len(b.ready) > 0:
		case err == io.EOF && b.have > 0: //nolint:errorlint // readers return it as it is
			return 0, io.ErrUnexpectedEOF
		case err != nil:
			return 0, err
		}
	}
	n := copy(p, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

// decode decodes the groups that are complete.
func (b *base64Body) decode() error {
	whole := b.text[:b.have/group*group]
	size := 0
	for rest := whole; len(rest) > 0; {
		end := len(rest)
		if padding := bytes.IndexByte(rest, '='); padding >= 0 {
			end = padding/group*group + group
		}
		n, err := base64.StdEncoding.Decode(b.bytes[size:], rest[:end])
		if size += n; err != nil {
			return err
		}
		rest = rest[end:]
	}
	b.ready = b.bytes[:size]
	b.have = copy(b.text[:], b.text[len(whole):b.have])
	return nil
}

// Interrupt implements [h1.Interrupter].
func (b *base64Body) Interrupt() { h1.Interrupt(b.from) }

// Resume implements [h1.Interrupter].
func (b *base64Body) Resume() { h1.Resume(b.from) }
