package h2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// Answer is what an upstream answered. It holds a place among the requests in
// flight until it is closed.
type Answer struct {
	pool     *Pool
	call     *h1.Call
	own      *http.Transport // of a call that has a connection of its own
	ctx      context.Context
	cancel   context.CancelCauseFunc
	body     *requestBody // nil without one
	response *http.Response
	err      error // why the answer's body broke off

	progress atomic.Uint32 // an h1.Progress
	reused   atomic.Bool
	stall    stall
	waiting
	watch
}

// Why an upstream's answer is none.
var (
	errAnswerSlow   = &slowError{"h2: the answer did not begin in time"}
	errRequestSlow  = &slowError{"h2: the upstream did not take the request in time"}
	errRefused      = errors.New("h2: the upstream refused the request")
	errStatus       = errors.New("h2: the answer's status is not from 200 to 999")
	errLength       = errors.New("h2: the answer's content-length is no length")
	errTooManyLines = errors.New("h2: the answer has too many fields")
)

// slowError says that time ran out.
type slowError struct{ text string }

func (e *slowError) Error() string { return e.text }

// Timeout reports that time ran out.
func (*slowError) Timeout() bool { return true }

func newAnswer(ctx context.Context, p *Pool, call *h1.Call) *Answer {
	a := &Answer{pool: p, call: call}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.stall = newStall(p.options.WriteTimeout, func() { a.cancel(errRequestSlow) })
	return a
}

// check looks at what net/http does not mind.
func (a *Answer) check() error {
	h := a.response.Header
	lengths := h["Content-Length"]
	switch {
	case a.response.StatusCode < 200 || a.response.StatusCode > 999:
		return errStatus
	case len(lengths) > 1:
		return errLength
	case a.pool.options.Limits.Fields > 0 && len(h) > a.pool.options.Limits.Fields:
		return errTooManyLines
	}
	if len(lengths) == 1 {
		if _, err := strconv.ParseUint(lengths[0], 10, 63); err != nil {
			return errLength
		}
	}
	return nil
}

// Status is from 200 to 999.
func (a *Answer) Status() int { return a.response.StatusCode }

// Length is the body's in bytes, or what an answer without a body announced, to
// HEAD or with the status 304; -1 if there is none or only the end will tell.
func (a *Answer) Length() int64 {
	bodiless := a.call.Method == http.MethodHead || a.response.StatusCode == http.StatusNotModified
	if bodiless && a.response.Header["Content-Length"] == nil {
		return -1
	}
	return a.response.ContentLength
}

// AppendFields adds to dst the fields of the head that are for the other end.
func (a *Answer) AppendFields(dst []h1.Field) []h1.Field { return appendFields(dst, a.response.Header) }

// AppendTrailer adds to dst what followed the body, once that was read.
func (a *Answer) AppendTrailer(dst []h1.Field) []h1.Field {
	return appendFields(dst, a.response.Trailer)
}

func appendFields(dst []h1.Field, h http.Header) []h1.Field {
	for name, values := range h {
		if !h1.IsEndToEnd(name) {
			continue
		}
		for _, value := range values {
			dst = append(dst, h1.Field{Name: name, Value: value})
		}
	}
	return dst
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// WriteTo implements [io.WriterTo]: it passes the body on as it comes, and hands
// each part to the network before it waits for the next if w has a method
// Flush() error. The head of an answer whose length is not known goes at once: it
// may be of a stream on which nothing else will come for long.
func (a *Answer) WriteTo(w io.Writer) (sent int64, err error) {
	defer a.endWatch()
	push, _ := w.(interface{ Flush() error })
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	if push != nil && a.response.ContentLength < 0 && a.response.Body != http.NoBody {
		if err := push.Flush(); err != nil {
			return 0, err
		}
	}
	for {
		n, readErr := a.response.Body.Read(buffer[:])
		if n > 0 {
			written, err := w.Write(buffer[:n])
			if sent += int64(written); err != nil {
				return sent, err
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			return sent, nil
		case readErr != nil:
			return sent, a.broken(readErr)
		case push != nil && sent != a.response.ContentLength: // its end is near, and cheaper together
			if err := push.Flush(); err != nil {
				return sent, err
			}
		}
	}
}

// broken finds out why the answer broke off: net/http ends it, too, when it is the
// request that failed, or was given up.
func (a *Answer) broken(err error) error {
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	if a.body != nil {
		if _, failed := a.body.end(); failed != nil {
			return failed
		}
	}
	a.err = err
	return err
}

// Err is why the body can be read no further, if that is the upstream's doing; nil
// while it can, and at its end.
func (a *Answer) Err() error { return a.err }

// failure tells how far the call got that failed with err.
func (a *Answer) failure(err error) *h1.SendError {
	if a.ctx.Err() != nil {
		err = context.Cause(a.ctx)
	}
	f := &h1.SendError{Progress: h1.Progress(a.progress.Load()), Reused: a.reused.Load(), Err: err}
	if a.body != nil {
		if f.BodyRead, f.Client = a.body.end(); f.Client != nil {
			f.Err = f.Client
		}
	}
	if f.Progress == h1.NotConnected && f.Client == nil {
		f.Err = fmt.Errorf("connecting: %w", f.Err)
	}
	return f
}

// Close gives up what is left of the exchange. The request's body is left alone
// when it returns.
func (a *Answer) Close() {
	a.endWaiting()
	a.endWatch()
	if a.body != nil {
		_, _ = a.body.end()
	}
	a.stall.end()
	if a.response != nil {
		_ = a.response.Body.Close()
	}
	a.cancel(context.Canceled)
	if a.own != nil {
		a.own.CloseIdleConnections()
	}
	a.pool.leave()
}
