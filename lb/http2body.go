package lb

import (
	"net/http"
	"sync"
	"time"
)

// streamBody is a request's body that may pause, but not for ever.
type streamBody struct {
	st *stream

	mu          sync.Mutex // for the stream's deadline, and:
	interrupted bool
}

// Read implements [io.Reader].
func (b *streamBody) Read(p []byte) (int, error) {
	limit := time.Now().Add(b.st.entry.timeouts.Read)
	if b.st.unhurried {
		limit = time.Time{}
	}
	if !b.deadline(limit) {
		return 0, http.ErrBodyReadAfterClose
	}
	defer b.deadline(time.Time{})
	n, err := b.st.r.Body.Read(p)
	b.st.received += int64(n)
	return n, err
}

// Interrupt implements [h1.Interrupter].
func (b *streamBody) Interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interrupted = true
	_ = b.st.control.SetReadDeadline(time.Unix(1, 0))
}

// Resume implements [h1.Interrupter]. A stream whose deadline has passed once can be
// read no further.
func (b *streamBody) Resume() {}

// deadline sets the stream's, unless its reading is over.
func (b *streamBody) deadline(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.interrupted {
		_ = b.st.control.SetReadDeadline(t)
	}
	return !b.interrupted
}
