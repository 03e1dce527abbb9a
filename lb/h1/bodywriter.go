package h1

import (
	"errors"
	"fmt"
)

// errBodyLength says that the caller's body and the length announced differ.
var errBodyLength = errors.New("h1: the body has not the length announced")

// bodyWriter frames a body that is sent.
type bodyWriter struct {
	w    *writer
	mode bodyMode
	left int64 // by length
	sent int64 // bytes without framing
}

func (b *bodyWriter) start(w *writer, f framing) {
	*b = bodyWriter{w: w, mode: f.mode, left: f.length}
}

// Write implements [io.Writer].
func (b *bodyWriter) Write(p []byte) (int, error) {
	if err := b.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush hands what was written so far to the network.
func (b *bodyWriter) Flush() error { return b.w.flush() }

func (b *bodyWriter) bodySink() *bodyWriter { return b }

func (b *bodyWriter) write(p []byte) error {
	switch b.mode {
	case noBody:
		return nil // an answer to HEAD: the handler need not know
	case byChunks:
		if len(p) == 0 {
			return nil // would be the last chunk
		}
		b.sent += int64(len(p))
		return b.w.writeChunk(p)
	case byLength:
		if int64(len(p)) > b.left {
			return fmt.Errorf("%w: %d bytes too many", errBodyLength, int64(len(p))-b.left)
		}
		b.left -= int64(len(p))
	}
	b.sent += int64(len(p))
	return b.w.write(p)
}

// end ends the body. Trailer fields that would mean something to the next
// reader's framing or rights are left out; only chunks can carry any.
func (b *bodyWriter) end(trailer []Field) error {
	switch {
	case b.mode == byLength && b.left > 0:
		return fmt.Errorf("%w: %d bytes are missing", errBodyLength, b.left)
	case b.mode != byChunks:
		return nil
	}
	b.w.out = append(b.w.out, "0\r\n"...)
	for i := range trailer {
		f := &trailer[i]
		if kindOf(f.Name) != other || isPrivileged(f.Name) || !isName(f.Name) || !isValue(bytesOf(f.Value)) {
			continue
		}
		b.w.field(f.Name, f.Value)
	}
	b.w.out = append(b.w.out, crlf...)
	return nil
}

// isPrivileged reports whether a field must not come as a trailer (RFC 9110
// §6.5.1): those that route, authenticate or describe the content.
func isPrivileged(name string) bool {
	for _, p := range []string{
		"Authorization", "Cookie", "Set-Cookie", "WWW-Authenticate", "Cache-Control", "Content-Encoding",
		"Content-Range", "Content-Type", "Forwarded", "Location", "Max-Forwards", "Range", "X-Real-IP",
	} {
		if EqualNames(name, p) {
			return true
		}
	}
	const forwarded = "X-Forwarded-"
	return len(name) > len(forwarded) && EqualNames(name[:len(forwarded)], forwarded)
}
