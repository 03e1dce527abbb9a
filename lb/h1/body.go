package h1

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// Body is the body of a request or an answer. It is read by one goroutine at a
// time. Its errors are io.EOF, a [*Refusal] for what the peer did wrong or did
// not do in time, and those of the connection.
type Body struct {
	rd      *reader
	framing framing
	left    int64 // bytes to come, by length
	taken   int64 // bytes that were read
	chunks  chunks
	trailer trailers
	limits  *Limits
	timeout time.Duration // without progress; 0 is none

	inbound *Inbound // whose client may wait to be asked for the body
	answer  bool     // it is an answer's: refusals read differently
	pending []byte   // read, but not by the caller
	err     error
	state   atomic.Uint32    // a bodyState, for who does not read the body
	limited io.LimitedReader // for splice, here to save an allocation
}

const (
	bodyUntouched uint32 = iota
	bodyReading
	bodyRead // to its end
)

// start readies the body for a message whose head is behind it.
func (b *Body) start(rd *reader, f framing, limits *Limits, timeout time.Duration) {
	b.rd, b.framing, b.left, b.taken = rd, f, f.length, 0
	b.limits, b.timeout = limits, timeout
	b.chunks, b.pending, b.err = chunks{}, nil, nil
	b.inbound, b.answer = nil, false
	b.trailer.reset()
	b.state.Store(bodyUntouched)
	if f.mode == noBody || f.mode == byLength && f.length == 0 {
		b.end()
	}
}

// end marks the end of the body as read.
func (b *Body) end() {
	b.err = io.EOF
	b.state.Store(bodyRead)
}

// Done reports whether all of the body was read off the connection. It may be
// asked while another goroutine reads.
func (b *Body) Done() bool { return b.state.Load() == bodyRead }

// Taken counts the bytes that were read of the body, without its framing. It is
// exact when nobody reads.
func (b *Body) Taken() int64 { return b.taken }

// Err is why the body can be read no further; nil while it can, and at its end.
func (b *Body) Err() error {
	if b.err == io.EOF { //nolint:errorlint // never wrapped here
		return nil
	}
	return b.err
}

// Trailer holds the fields behind the body, once Read returned io.EOF. None may
// be merged into the head's: a trailer says nothing about framing, routing or
// rights.
func (b *Body) Trailer() *Fields { return &b.trailer.Fields }

// whole reports whether all that is left of the body lies in the buffer.
// For chunked ones it is false.
func (b *Body) whole() bool {
	return b.framing.mode == byLength && b.err == nil && len(b.pending) == 0 && int64(len(b.rd.buffered())) >= b.left
}

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b.touch()
	if len(b.pending) == 0 {
		if n := b.direct(); n > 0 {
			return b.readDirect(p[:min(int64(len(p)), n)])
		}
		var err error
		if b.pending, err = b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.pending)
	b.pending = b.pending[n:]
	return n, nil
}

// direct is how many bytes may be read off the connection as they are.
func (b *Body) direct() int64 {
	switch {
	case b.err != nil || len(b.rd.buffered()) > 0:
		return 0
	case b.framing.mode == byLength:
		return b.left
	case b.chunks.state == chunkData && b.framing.mode == byChunks:
		return b.chunks.left
	}
	return 0
}

func (b *Body) readDirect(p []byte) (int, error) {
	if err := b.ask(); err != nil {
		return 0, err
	}
	n, err := b.rd.read(p, b.timeout)
	if err != nil {
		return 0, b.fail(err)
	}
	b.passed(int64(n))
	return n, nil
}

// passed counts bytes of data that went past the buffer.
func (b *Body) passed(n int64) {
	b.taken += n
	if b.framing.mode == byChunks {
		if b.chunks.left -= n; b.chunks.left == 0 {
			b.chunks.state = chunkDataCR
		}
		return
	}
	if b.left -= n; b.left == 0 {
		b.end()
	}
}

// next returns the next part of the body, which is never empty. It lies in the
// connection's buffer and is valid until the body is read again.
func (b *Body) next() ([]byte, error) { return b.nextFor(nil) }

// nextFor is next for data on its way to push, which is flushed before a wait.
func (b *Body) nextFor(push flusher) ([]byte, error) {
	for b.err == nil {
		if len(b.rd.buffered()) == 0 {
			if push != nil {
				if err := push.Flush(); err != nil {
					return nil, err
				}
			}
			if err := b.ask(); err != nil {
				return nil, err
			}
			if err := b.rd.fill(b.timeout); err != nil {
				return nil, b.fail(err)
			}
		}
		switch b.framing.mode {
		case byLength:
			data := b.rd.buffered()
			data = data[:min(int64(len(data)), b.left)]
			b.rd.advance(len(data))
			b.passed(int64(len(data)))
			return data, nil
		case byClose:
			data := b.rd.buffered()
			b.rd.advance(len(data))
			b.taken += int64(len(data))
			return data, nil
		}
		if data := b.nextChunked(); len(data) > 0 {
			return data, nil
		}
	}
	return nil, b.err
}

// nextChunked decodes what is buffered up to the first data.
func (b *Body) nextChunked() []byte {
	data, n, refusal := b.chunks.decode(b.rd.buffered())
	b.taken += int64(len(data))
	b.rd.advance(n)
	if refusal == nil && b.chunks.state == chunksEnd {
		var done bool
		n, done, refusal = b.trailer.take(b.rd.buffered(), b.limits)
		b.rd.advance(n)
		if done {
			b.end()
		}
	}
	if refusal != nil {
		_ = b.fail(refusal) // for who asks next
	}
	return data
}

// ask has a client that waits for 100 Continue told to go on, before the
// connection is read.
func (b *Body) ask() error {
	if b.inbound == nil {
		return nil
	}
	if err := b.inbound.sendContinue(); err != nil {
		return b.fail(err)
	}
	b.inbound = nil
	return nil
}

func (b *Body) touch() {
	if b.state.Load() == bodyUntouched {
		b.state.Store(bodyReading)
	}
}

// fail records why the body can be read no further, in the words of its side.
func (b *Body) fail(err error) error {
	switch {
	case errors.Is(err, io.EOF) && b.framing.mode == byClose:
		b.end() // as far as anyone can tell
		return err
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		err = errBodyCut
	case errors.Is(err, errTimeout) && b.answer:
		err = errAnswerStuck
	case errors.Is(err, errTimeout):
		err = errBodySlow
	case errors.Is(err, errInterrupted):
		return err // may be resumed
	}
	if refusal, ok := err.(*Refusal); ok && b.answer { //nolint:errorlint // never wrapped here
		err = refusal.asAnswer()
	}
	b.err = err
	return err
}

// Interrupt implements [Interrupter].
func (b *Body) Interrupt() { b.rd.interrupt(stopNow) }

// Resume implements [Interrupter]: the rest of the body may be read.
func (b *Body) Resume() { b.rd.resume(stopNow) }

// WriteTo implements [io.WriterTo]: it passes the body on as it comes, without
// a copy, and hands each part to the network before it waits for the next if w
// has a method Flush() error. Large bodies of known length between two plain TCP
// connections are moved by the kernel.
func (b *Body) WriteTo(w io.Writer) (sent int64, err error) {
	push, _ := w.(flusher)
	sink, _ := w.(interface{ bodySink() *bodyWriter })
	b.touch()
	for {
		if sink != nil {
			n, err := b.splice(sink.bodySink())
			if sent += n; err != nil {
				return sent, err
			}
		}
		data := b.pending
		if b.pending = nil; len(data) == 0 {
			data, err = b.nextPushed(push, sent)
			if errors.Is(err, io.EOF) {
				return sent, nil
			}
			if err != nil {
				return sent, err
			}
		}
		n, err := w.Write(data)
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
}

// nextPushed is nextFor, but that the head of an answer whose body has a known
// length, which is of little use alone, waits a moment for the body. Not so that
// of an event stream.
func (b *Body) nextPushed(push flusher, sent int64) ([]byte, error) {
	if sent > 0 || b.framing.mode != byLength || !b.answer {
		return b.nextFor(push)
	}
	b.rd.paused = push
	defer func() { b.rd.paused = nil }()
	return b.nextFor(nil)
}

const (
	// spliceLeast is the size from which a pipe between two sockets costs less
	// than copying.
	spliceLeast = 256 << 10
	// spliceStep bounds one call into the kernel, for it has to be over before
	// the write timeout even if the client is slow.
	spliceStep = 256 << 10
)

// splice moves what is left of the body by splice(2), which net.TCPConn does if
// it is given another one, when both ends and the size allow it.
func (b *Body) splice(to *bodyWriter) (sent int64, err error) {
	out, in := to.w.tcp, b.rd.tcp
	for out != nil && in != nil && to.mode == byLength && b.framing.mode == byLength &&
		to.left >= b.left && b.direct() >= spliceLeast {
		if err := to.w.flush(); err != nil {
			return sent, err
		}
		n, err := b.spliceStep(to)
		if sent += n; err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (b *Body) spliceStep(to *bodyWriter) (int64, error) {
	if err := b.ask(); err != nil {
		return 0, err
	}
	began := time.Now()
	for {
		var limit time.Time
		if b.timeout > 0 {
			limit = began.Add(b.timeout)
		}
		to.w.arm()
		b.rd.arm(time.Now(), limit)
		if b.rd.stopped() {
			return 0, errInterrupted
		}
		b.limited = io.LimitedReader{R: b.rd.tcp, N: min(b.left, spliceStep)}
		n, err := to.w.tcp.ReadFrom(&b.limited)
		b.passed(n)
		to.left -= n
		to.sent += n
		to.w.sent += n
		now := time.Now()
		switch {
		case n > 0 && err == nil:
			return n, nil
		case err == nil:
			return n, b.fail(io.EOF)
		case !errors.Is(err, os.ErrDeadlineExceeded) || now.After(to.w.deadline):
			// Whose fault it was cannot be told; either way the answer ends here.
			b.err = err
			return n, to.w.done(0, err)
		}
		// The source paused; nothing is lost in the pipe then.
		b.rd.deadline = time.Time{}
		switch {
		case b.rd.stopped():
			return n, errInterrupted
		case n > 0:
			return n, nil
		case !limit.IsZero() && !now.Before(limit):
			return 0, b.fail(errTimeout)
		}
		if err := b.rd.abandoned(); err != nil {
			return 0, b.fail(err)
		}
	}
}
