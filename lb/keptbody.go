package lb

import (
	"bytes"
	"io"
	"sync/atomic"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// keptBody is a request's body of which what was read is kept, for those who want
// it as well. If it is too much, nothing is.
type keptBody struct {
	from   io.Reader
	length int64 // in bytes, or -1 if only its end will tell
	room   int64 // in bytes
	read   int64
	kept   []byte
	lost   atomic.Bool
	whole  atomic.Bool // all of it was read
	budget *allowance  // of all that is kept; nil is no bound
	short  bool        // whether it is lost because nothing was left of that
}

// Read implements [io.Reader].
func (b *keptBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.read += int64(n); err == nil && b.read == b.length {
		err = io.EOF // an answer may come before it is asked for
	}
	switch {
	case b.lost.Load():
	case int64(len(b.kept)+n) > b.room:
		b.lost.Store(true)
		b.letGo()
	case !b.budget.take(int64(n)):
		b.lost.Store(true)
		b.letGo()
		b.short = true
	default:
		b.kept = append(b.kept, p[:n]...)
		b.whole.Store(err == io.EOF) //nolint:errorlint // readers return it as it is
	}
	return n, err
}

// Interrupt implements [h1.Interrupter]. What a Read was waiting for is lost.
func (b *keptBody) Interrupt() {
	if b.whole.Load() {
		return
	}
	b.lost.Store(true)
	h1.Interrupt(b.from)
}

// Resume implements [h1.Interrupter].
func (b *keptBody) Resume() { h1.Resume(b.from) }

// letGo forgets what was kept. It must be called in the end, once.
func (b *keptBody) letGo() {
	b.budget.give(int64(len(b.kept)))
	b.kept = nil
}

func (b *keptBody) isLost() bool { return b.lost.Load() }

// isWhole reports whether all of the body was read and kept.
func (b *keptBody) isWhole() bool { return b.whole.Load() && !b.lost.Load() }

// again is the body from its start, of which the rest is still to come. Nobody may
// read the kept one any more.
func (b *keptBody) again() io.Reader {
	if b.isWhole() {
		return bytes.NewReader(b.kept)
	}
	return &resumedBody{kept: b.kept, from: b.from}
}

type resumedBody struct {
	kept []byte
	from io.Reader
}

// Read implements [io.Reader].
func (b *resumedBody) Read(p []byte) (int, error) {
	if len(b.kept) > 0 {
		n := copy(p, b.kept)
		b.kept = b.kept[n:]
		return n, nil
	}
	return b.from.Read(p)
}

// Interrupt implements [h1.Interrupter].
func (b *resumedBody) Interrupt() { h1.Interrupt(b.from) }

// Resume implements [h1.Interrupter].
func (b *resumedBody) Resume() { h1.Resume(b.from) }
