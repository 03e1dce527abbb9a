package middleware

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// buffering reads a request's body whole before it goes on, and an answer's
// before it is passed to the client, so that a slow client does not hold up its
// target; and it can have requests tried again.
type buffering struct {
	request, response limits
	spool             *spool
	again             func(attempt) bool // nil is never
}

// limits are how much of a body may be held in memory and at all, in bytes.
type limits struct{ memory, whole int64 }

// maxKept bounds what is held in memory of one body, in bytes, whatever a spec says:
// who writes tags may write any number.
const maxKept = 64 << 20

// maxAttempts bounds what an expression may ask for.
const maxAttempts = 10

// attempt is what a retry expression looks at.
type attempt struct {
	count   int
	status  int
	network bool
	method  string
}

var retryFunctions = map[string]function[attempt]{
	"Attempts":       {number: func(a attempt, _ []float64) float64 { return float64(a.count) }},
	"ResponseCode":   {number: func(a attempt, _ []float64) float64 { return float64(a.status) }},
	"IsNetworkError": {boolean: func(a attempt) bool { return a.network }},
	"RequestMethod":  {text: func(a attempt) string { return a.method }},
}

func newBuffering(s *spec.Buffering) (b *buffering, err error) {
	const memory = 1 << 20
	b = &buffering{
		request:  limits{min(cmp.Or(s.MemRequestBody, memory), maxKept), s.MaxRequestBody},
		response: limits{min(cmp.Or(s.MemResponseBody, memory), maxKept), s.MaxResponseBody},
	}
	if s.RetryExpression != "" {
		b.again, err = compile(s.RetryExpression, retryFunctions)
	}
	return b, err
}

// Serve implements [lb.Middleware].
func (b *buffering) Serve(x *lb.Exchange, next lb.Handler) {
	body, err := b.read(x)
	if err != nil {
		b.refuse(x, err)
		return
	}
	defer body.close()
	was := x.Checkpoint()
	var r *bufferedReply
	defer func() { // even if there is a defect in what serves it, which is answered then
		x.Reply = was.Reply()
		r.body.close()
	}()
	for count := 1; ; count++ {
		r = &bufferedReply{Reply: was.Reply(), body: buffer{limits: b.response, spool: b.spool}}
		x.Reply = r
		if x.Body != nil {
			x.Body = body.reader()
		}
		next.Serve(x)
		tried := attempt{count, x.Outcome.Status, x.Outcome.Err != nil && x.Outcome.TargetStatus == 0, x.Request.Method}
		said := r.header != nil // else it goes another way, or its client is gone
		if b.again != nil && said && !r.gone && count < maxAttempts && x.Context().Err() == nil && b.again(tried) {
			r.body.close()
			x.Rewind(was)
			x.Outcome.Retries++
			continue
		}
		x.Reply = was.Reply()
		r.deliver(x)
		return
	}
}

// read takes in the request's body.
func (b *buffering) read(x *lb.Exchange) (*buffer, error) {
	body := &buffer{limits: b.request, spool: b.spool}
	if x.Body == nil {
		return body, nil
	}
	if b.request.whole > 0 && x.Length > b.request.whole {
		return nil, errTooLarge
	}
	_, err := io.Copy(body, x.Body)
	if err != nil {
		body.close()
		return nil, err
	}
	x.Length = body.size
	return body, nil
}

// refuse answers a request whose body could not be taken in.
func (b *buffering) refuse(x *lb.Exchange, err error) {
	x.Outcome.Err = fmt.Errorf("buffering the request's body: %w", err)
	switch {
	case errors.Is(err, errTooLarge):
		x.AnswerText(http.StatusRequestEntityTooLarge, http.StatusText(http.StatusRequestEntityTooLarge))
	case errors.Is(err, errNoRoom):
		x.AnswerText(http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable))
	case x.Context().Err() != nil:
		x.Outcome.Status = lb.StatusClientGone
	default:
		x.AnswerText(http.StatusBadRequest, http.StatusText(http.StatusBadRequest))
	}
}

// bufferedReply holds an answer back until it is whole.
type bufferedReply struct {
	lb.Reply
	status  int
	header  *lb.Header
	body    buffer
	trailer *lb.Header
	whole   bool
	err     error
	gone    bool // past holding back
}

// Begin implements [lb.Reply].
func (r *bufferedReply) Begin(status int, h *lb.Header, _ int64) error {
	r.status, r.header = status, h.Clone()
	return nil
}

// Write implements [lb.Reply].
func (r *bufferedReply) Write(p []byte) (n int, err error) {
	n, err = r.body.Write(p)
	if err != nil {
		r.err = err
	}
	return n, err
}

// Flush implements [lb.Reply].
func (r *bufferedReply) Flush() error { return nil }

// End implements [lb.Reply].
func (r *bufferedReply) End(trailer *lb.Header) error {
	r.whole = true
	if trailer != nil {
		r.trailer = trailer.Clone()
	}
	return nil
}

// Upgrade implements [lb.Reply].
func (r *bufferedReply) Upgrade(protocol string, h *lb.Header) (io.ReadWriteCloser, error) {
	r.gone = true
	return r.Reply.Upgrade(protocol, h)
}

// deliver passes the answer on.
func (r *bufferedReply) deliver(x *lb.Exchange) {
	switch {
	case r.gone || r.header == nil: // a tunnel that has ended; or nothing was said
	case r.err != nil:
		x.Outcome.Err, x.Outcome.Truncated = fmt.Errorf("buffering the answer's body: %w", r.err), false
		x.AnswerText(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	case !r.whole: // it broke off; there is still time to say so
		x.Outcome.Truncated = false
		x.AnswerText(http.StatusBadGateway, http.StatusText(http.StatusBadGateway))
	default:
		x.Outcome.Sent = 0
		if err := r.pass(x); err != nil {
			x.Outcome.Err, x.Outcome.Truncated = err, true
		}
	}
}

func (r *bufferedReply) pass(x *lb.Exchange) error {
	length := r.body.size
	if r.trailer != nil && r.trailer.Len() > 0 {
		length = -1
	}
	if x.Request.Method == http.MethodHead {
		length = -1
	}
	if err := r.Reply.Begin(r.status, r.header, length); err != nil {
		return err
	}
	n, err := io.Copy(writer{r.Reply}, r.body.reader())
	if x.Outcome.Sent = n; err != nil {
		return err
	}
	return r.Reply.End(r.trailer)
}

// writer hides all of a Reply but its Write.
type writer struct{ io.Writer }

var errTooLarge = errors.New("it is larger than allowed")

// buffer holds bytes in memory, and what is too much for that in a file.
type buffer struct {
	limits
	spool *spool // for the file
	size  int64
	mem   bytes.Buffer
	file  *os.File
	filed int64 // bytes that room was taken for
}

// Write implements [io.Writer].
func (b *buffer) Write(p []byte) (int, error) {
	if b.whole > 0 && b.size+int64(len(p)) > b.whole {
		return 0, errTooLarge
	}
	if b.file == nil && b.size+int64(len(p)) > b.memory {
		file, err := os.CreateTemp("", "sluice-body-")
		if err != nil {
			return 0, err
		}
		// Nobody else needs its name, and nothing is left of it after a crash.
		if err := os.Remove(file.Name()); err != nil {
			file.Close()
			return 0, err
		}
		b.file = file
	}
	if b.file == nil {
		b.size += int64(len(p))
		return b.mem.Write(p)
	}
	if err := b.spool.take(int64(len(p)), b.filed); err != nil {
		return 0, err
	}
	b.filed += int64(len(p))
	n, err := b.file.Write(p)
	b.size += int64(n)
	return n, err
}

// reader reads all of it, any number of times.
func (b *buffer) reader() io.Reader {
	r := io.Reader(bytes.NewReader(b.mem.Bytes()))
	if b.file != nil {
		r = io.MultiReader(r, io.NewSectionReader(b.file, 0, b.size-int64(b.mem.Len())))
	}
	return r
}

func (b *buffer) close() {
	if b.file != nil {
		b.file.Close()
		b.file = nil
		b.spool.give(b.filed)
	}
}
