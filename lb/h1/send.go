package h1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Call is a request to be sent. The caller may use it again for another one when
// Send has failed or the answer is closed.
type Call struct {
	Method string
	// Host is the Host field.
	Host string
	// Path starts with a slash, or is "*". Query is "" or starts with a question
	// mark. Bytes above ASCII in them are sent percent-encoded.
	Path, Query string
	// Fields are those for the other end; ones that concern connection and
	// framing are left out.
	Fields []Field
	// Upgrade is the protocol to change to, or "".
	Upgrade string
	// TakesTrailers tells the upstream that trailers are welcome.
	TakesTrailers bool

	// Body is nil without one. Length is its length in bytes, or -1 if only its
	// end will tell. It is read by another goroutine, which has ended when Send
	// fails or the answer is closed; an [Interrupter] is woken for that.
	Body   io.Reader
	Length int64
	// Trailer, if not nil, is asked at the end of a body of unknown length.
	// Announced is a list of the names it may have; it tells some upstreams which to
	// look at, and is of no use over HTTP/1.1.
	Trailer   func() []Field
	Announced string

	// Fresh asks for a new connection: one that was idle may have died unseen.
	Fresh bool
	// Preface, if not empty, is sent before anything else, TLS included, such as a
	// header of the PROXY protocol. The call has a connection of its own then.
	Preface []byte
	// HeadTimeout is for the head of the answer; 0 is that of the pool, below 0
	// there is none.
	HeadTimeout time.Duration
	// Inform, if not nil, is given interim answers, at most five. The fields are
	// valid until it returns. An error ends the exchange.
	Inform func(status int, fields []Field) error
	// Watch, if not nil, can end the waiting for the answer and its body. The
	// [Inbound] that caused the call will do.
	Watch Watcher
}

// Progress is how far a call got that failed.
type Progress uint8

// The stages of a call. If its body was not read, it can be made again: up to
// NothingSent whatever its method is, and up to BodySent if that is idempotent.
const (
	// NotConnected: there was no connection to send it over.
	NotConnected Progress = iota
	// NothingSent: a connection was there, but took no byte.
	NothingSent
	// PartSent: some of the request was sent.
	PartSent
	// BodySent: all of it was.
	BodySent
	// Answering: bytes of an answer came.
	Answering
)

// SendError is why a call failed.
type SendError struct {
	Progress Progress
	// Reused says that the connection had been idle, and may have died then.
	Reused bool
	// BodyRead says that the request's body was read from: it cannot be sent again.
	BodyRead bool
	// Client is the error of the request's body, if it was that what failed.
	Client error
	// Err is what happened: a [*Refusal] if the upstream's answer was no answer
	// or did not come in time, the [Watcher]'s error if it gave up, ErrBusy, or
	// an error of the network.
	Err error
}

func (e *SendError) Error() string { return e.Err.Error() }
func (e *SendError) Unwrap() error { return e.Err }

// Timeout reports whether time ran out: connecting, or waiting for the answer.
func (e *SendError) Timeout() bool {
	if refusal, ok := e.Err.(*Refusal); ok { //nolint:errorlint // never wrapped here
		return refusal.Status == 504
	}
	var timeout interface{ Timeout() bool }
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &timeout) && timeout.Timeout()
}

// Send sends the call over a connection of the pool and waits for the head of
// the answer, which must be closed. ctx ends the wait for a connection; what
// comes later is up to the call's Watch. The error is a [*SendError].
func (p *Pool) Send(ctx context.Context, call *Call) (*Answer, error) {
	cc, err := p.get(ctx, call)
	if err != nil {
		return nil, &SendError{Progress: NotConnected, Err: fmt.Errorf("connecting: %w", err)}
	}
	a := p.answers.Get().(*Answer)
	a.start(cc, call)
	if err := a.exchange(); err != nil {
		failure := a.failure(err)
		a.Close()
		return nil, failure
	}
	return a, nil
}

// ErrCall is why a call was not sent that cannot be put on the wire as it is.
var ErrCall = errors.New("h1: the request to send is malformed")

// Validate reports with ErrCall what no version of HTTP can put on the wire; the
// fields are not looked at.
func (c *Call) Validate() error {
	if !isName(c.Method) || !isAuthority(c.Host) || c.Path == "" || !isRequestTarget(c.Path) || !isRequestTarget(c.Query) {
		return ErrCall
	}
	return nil
}

// AppendTarget adds path and query to b as they go on the wire.
func (c *Call) AppendTarget(b []byte) []byte {
	return appendEscaped(appendEscaped(b, c.Path), c.Query)
}

// writeHead collects the head of the request.
func (c *Call) writeHead(w *writer) error {
	if err := c.Validate(); err != nil {
		return err
	}
	w.out = append(append(w.out, c.Method...), ' ')
	w.out = c.AppendTarget(w.out)
	w.out = append(w.out, " HTTP/1.1\r\n"...)
	w.field("Host", c.Host)
	if _, err := w.fields(c.Fields, endToEnd); err != nil {
		return err
	}
	switch {
	case c.Body != nil && c.Length >= 0:
		w.length(c.Length)
	case c.Body != nil:
		w.field("Transfer-Encoding", "chunked")
	case c.Method == "POST" || c.Method == "PUT" || c.Method == "PATCH":
		w.length(0) // RFC 9110 §8.6: these are expected to have a body
	}
	if c.TakesTrailers {
		w.field("TE", "trailers")
	}
	switch {
	case c.Upgrade != "" && !isValue(bytesOf(c.Upgrade)):
		return ErrCall
	case c.Upgrade != "":
		w.field("Upgrade", c.Upgrade)
		w.field("Connection", "Upgrade")
	case c.TakesTrailers:
		w.field("Connection", "TE")
	}
	w.out = append(w.out, crlf...)
	return nil
}

func (c *Call) framing() framing {
	switch {
	case c.Body == nil:
		return framing{mode: noBody}
	case c.Length < 0:
		return framing{mode: byChunks}
	}
	return framing{mode: byLength, length: c.Length}
}

func isAuthority(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func isRequestTarget(s string) bool {
	for i := range len(s) {
		if classes[s[i]]&isTarget == 0 {
			return false
		}
	}
	return true
}

func appendEscaped(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; c >= 0x80 {
			b = append(b, '%', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}
