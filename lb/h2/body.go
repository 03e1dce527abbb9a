package h2

import (
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/sluiceproxy/sluice/lb/h1"
)

var errBodyOver = errors.New("h2: nobody needs the request's body any more")

// requestBody is a request's body as the transport reads it: in a goroutine that
// may live on when the exchange is over, while the body must be left alone then.
type requestBody struct {
	from    io.Reader
	fields  func() []h1.Field // that follow the body; nil if none do
	trailer http.Header       // where they go
	stall   stall             // between two parts

	reading sync.Mutex // held while the body is read
	touched bool
	err     error // of the body

	mu          sync.Mutex
	over        bool // it is not read any more
	done        bool // it has ended by itself
	interrupted bool
}

func newRequestBody(call *h1.Call) *requestBody {
	b := &requestBody{from: call.Body}
	if call.Trailer != nil && call.Length < 0 {
		b.fields, b.trailer = call.Trailer, http.Header{}
		for name := range strings.SplitSeq(call.Announced, ",") {
			if name = textproto.TrimString(name); isTrailer(name) {
				b.trailer[http.CanonicalHeaderKey(name)] = nil
			}
		}
	}
	return b
}

// Read implements [io.Reader].
func (b *requestBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.isOver() {
		return 0, errBodyOver
	}
	b.touched = true
	b.stall.end()
	n, err := b.from.Read(p)
	b.stall.begin()
	if err == nil {
		return n, nil
	}
	if b.isOver() { // and was woken
		return 0, errBodyOver
	}
	b.mu.Lock()
	b.done = true
	b.mu.Unlock()
	if !errors.Is(err, io.EOF) {
		b.err = err
		return n, err
	}
	if b.fields != nil {
		for _, field := range b.fields() {
			if isTrailer(field.Name) {
				b.trailer.Add(strings.Clone(field.Name), strings.Clone(field.Value))
			}
		}
	}
	return n, io.EOF
}

// isTrailer reports whether a field may follow a body (RFC 9110 §6.5.1).
func isTrailer(name string) bool {
	return h1.IsEndToEnd(name) && httpguts.ValidHeaderFieldName(name) && httpguts.ValidTrailerHeader(name)
}

func (b *requestBody) isOver() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// Close implements [io.Closer]: it wakes a Read, and is no end in itself.
func (b *requestBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return nil
	}
	b.over = true
	if !b.done {
		h1.Interrupt(b.from)
		b.interrupted = true
	}
	return nil
}

// end returns when the body is left alone for good. It tells whether the body was
// read from, and why it failed if it did.
func (b *requestBody) end() (touched bool, err error) {
	_ = b.Close()
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.interrupted {
		h1.Resume(b.from)
		b.interrupted = false
	}
	return b.touched, b.err
}
