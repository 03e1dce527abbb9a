package h1

import (
	"cmp"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Answer is what an upstream answered. It holds a connection until it is closed.
type Answer struct {
	// Body is the answer's body; at its end at once if there is none.
	Body Body

	head response
	cc   *clientConn
	call *Call
	out  bodyWriter

	answering bool    // bytes of an answer came
	interim   int     // bytes of interim heads
	informed  int     // interim answers passed on
	fields    []Field // of one of them

	sending   sync.WaitGroup // the goroutine that sends the body
	sent      atomic.Uint32  // a sendState
	bodyErr   error          // valid once sent is not sendRunning
	bodyRead  bool           // so is this: the body was read from
	tunnelled bool
	failed    bool // no answer came of it
}

// States of sending a request's body.
const (
	sendRunning uint32 = iota
	sendDone
	sendClientFailed // the body could not be read
	sendFailed       // the upstream did not take it
)

func (a *Answer) start(cc *clientConn, call *Call) {
	a.cc, a.call = cc, call
	a.head.reset()
	a.answering, a.interim, a.informed = false, 0, 0
	a.sent.Store(sendDone)
	a.bodyErr, a.bodyRead, a.tunnelled, a.failed = nil, false, false, false
	a.Body.start(&cc.rd, framing{mode: noBody}, &cc.pool.options.Limits, 0)
	cc.rd.watch = call.Watch
	cc.w.begin()
}

// exchange sends the request and reads the head of the answer.
func (a *Answer) exchange() error {
	a.failed = true
	w := &a.cc.w
	if err := a.call.writeHead(w); err != nil {
		return err
	}
	a.out.start(w, a.call.framing())
	if err := a.send(); err != nil {
		return err
	}
	if err := a.readHead(); err != nil {
		return err
	}
	a.failed = false
	return nil
}

// send sends the request: with the first read of the answer if its body is here
// already, else the body follows from another goroutine, for the answer may come
// before its end.
func (a *Answer) send() error {
	if a.call.Body == nil {
		a.cc.rd.due = &a.cc.w
		return nil
	}
	if body, ok := a.call.Body.(*Body); ok && body.whole() {
		a.bodyRead = true
		if _, err := body.WriteTo(&a.out); err != nil {
			return err
		}
		if err := a.out.end(nil); err != nil {
			return err
		}
		a.cc.rd.due = &a.cc.w
		return nil
	}
	a.sent.Store(sendRunning)
	a.sending.Add(1)
	go a.sendBody()
	return nil
}

func (a *Answer) sendBody() {
	defer a.sending.Done()
	err := a.copyBody()
	if err == nil {
		var trailer []Field
		if a.call.Trailer != nil && a.out.mode == byChunks {
			trailer = a.call.Trailer()
		}
		if err = a.out.end(trailer); err == nil {
			err = a.cc.w.flush()
		}
	}
	a.bodyErr = err
	switch {
	case err == nil:
		a.sent.Store(sendDone)
	case a.cc.w.err != nil:
		// The upstream may have answered before it closed: who reads goes on.
		a.sent.Store(sendFailed)
	default:
		a.sent.Store(sendClientFailed)
		a.cc.rd.interrupt(stopNow)
	}
}

func (a *Answer) copyBody() error {
	if body, ok := a.call.Body.(*Body); ok {
		a.bodyRead = true
		_, err := body.WriteTo(&a.out)
		return err
	}
	buffer := getLarge()
	defer putBuffer(buffer)
	if err := a.cc.w.flush(); err != nil {
		return err
	}
	a.bodyRead = true
	for {
		n, readErr := a.call.Body.Read(buffer)
		if n > 0 {
			if err := a.out.write(buffer[:n]); err != nil {
				return err
			}
			if err := a.cc.w.flush(); err != nil {
				return err
			}
		}
		if readErr == io.EOF {
			return nil
		}
		if readErr != nil {
			return readErr
		}
	}
}

// readHead reads heads up to the one of the final answer.
func (a *Answer) readHead() error {
	rd, options := &a.cc.rd, &a.cc.pool.options
	for {
		n := 0
		if rd.w > 0 {
			a.answering = true
			var refusal *Refusal
			if n, refusal = a.head.parse(rd.buf[:rd.w], a.call.Method, &options.Limits); refusal != nil {
				return refusal
			}
		}
		if n > 0 {
			rd.keepHead(n)
			if a.isFinal() {
				return a.accept()
			}
			if err := a.inform(n); err != nil {
				return err
			}
			continue
		}
		var free []byte
		if rd.buf != nil {
			rd.grow(options.Limits.HeadBytes)
			free = rd.buf[rd.w:]
		}
		n, err := rd.read(free, max(0, cmp.Or(a.call.HeadTimeout, options.HeadTimeout)))
		rd.w += n
		if errors.Is(err, errTimeout) && a.sent.Load() == sendRunning {
			err = rd.abandoned() // as long as the request is on its way, the answer is not late
		}
		if err != nil {
			return a.headError(err)
		}
	}
}

func (a *Answer) headError(err error) error {
	switch {
	case errors.Is(err, errTimeout):
		return errAnswerSlow
	case errors.Is(err, errUnsent):
		return a.cc.w.err
	case errors.Is(err, errInterrupted) && a.sent.Load() == sendClientFailed:
		return a.bodyErr
	case errors.Is(err, io.EOF) && a.answering:
		return errAnswerCut
	case errors.Is(err, io.EOF):
		return errAnswerNone
	}
	return err
}

func (a *Answer) isFinal() bool { return a.head.status == 101 || a.head.status >= 200 }

// inform passes an interim answer on, whose head has n bytes. 100 is not for
// others: the request's body is asked for when it is needed.
func (a *Answer) inform(n int) error {
	const most = 5
	if a.interim += n; a.interim > a.cc.pool.options.Limits.HeadBytes {
		return errInterimFlood
	}
	if a.head.status != 100 && a.call.Inform != nil && a.informed < most {
		a.informed++
		a.fields = a.head.Fields.AppendEndToEnd(a.fields[:0])
		if err := a.call.Inform(a.head.status, a.fields); err != nil {
			return err
		}
	}
	a.cc.rd.restart()
	a.head.reset()
	return nil
}

// accept takes the final head.
func (a *Answer) accept() error {
	if a.head.status == 101 {
		switch {
		case a.call.Upgrade == "":
			return errUnasked101
		case !EqualNames(a.head.Fields.Get("Upgrade"), a.call.Upgrade):
			return errOther101
		}
	}
	options := &a.cc.pool.options
	a.Body.start(&a.cc.rd, a.head.body, &options.Limits, options.BodyTimeout)
	a.Body.answer = true
	return nil
}

// Status is from 200 to 999, or 101 if the call asked to change protocols.
func (a *Answer) Status() int { return a.head.status }

// Fields are those of the head.
func (a *Answer) Fields() *Fields { return &a.head.Fields }

// AppendFields adds to dst the fields of the head that are for the other end.
func (a *Answer) AppendFields(dst []Field) []Field { return a.head.Fields.AppendEndToEnd(dst) }

// AppendTrailer adds to dst what followed the body, once that was read.
func (a *Answer) AppendTrailer(dst []Field) []Field { return a.Body.Trailer().Append(dst) }

// WriteTo implements [io.WriterTo]: see [Body.WriteTo].
func (a *Answer) WriteTo(w io.Writer) (int64, error) { return a.Body.WriteTo(w) }

// Err is why the body can be read no further; see [Body.Err].
func (a *Answer) Err() error { return a.Body.Err() }

// Length is the body's in bytes, or what an answer without a body announced, to
// HEAD or with the status 304; -1 if there is none or only the end will tell.
func (a *Answer) Length() int64 { return a.head.body.length }

// Tunnel hands over the connection of an answer with status 101, which holds no
// buffer from then on: Fields are gone. It is closed at the latest with the
// answer.
func (a *Answer) Tunnel() (*Tunnel, error) {
	if a.head.status != 101 {
		return nil, errors.New("h1: the protocol was not switched")
	}
	a.tunnelled = true
	t, err := newTunnel(a.cc.nc, &a.cc.rd)
	a.head.Fields.reset()
	a.cc.rd.drop()
	a.cc.w.release()
	return t, err
}

// failure tells how far the call got that failed with err.
func (a *Answer) failure(err error) *SendError {
	clientFailed := a.sent.Load() == sendClientFailed // before a wait for it is ended here
	a.stopSending()
	f := &SendError{Reused: a.cc.used, BodyRead: a.bodyRead, Err: err}
	if clientFailed {
		f.Client, f.Err = a.bodyErr, a.bodyErr
	}
	switch {
	case a.answering:
		f.Progress = Answering
	case a.cc.w.sent == 0:
		f.Progress = NothingSent
	case a.sent.Load() == sendDone && a.cc.w.err == nil:
		f.Progress = BodySent
	default:
		f.Progress = PartSent
	}
	return f
}

// stopSending ends the goroutine that sends the body, if it still does, for which
// there is no use any more.
func (a *Answer) stopSending() {
	if a.sent.Load() == sendRunning {
		_ = a.cc.nc.Close() // it may be writing
		Interrupt(a.call.Body)
		defer Resume(a.call.Body)
	}
	a.sending.Wait()
}

// Close gives the connection back, to be used again if nothing is left over of
// this exchange: the request was sent, the body read to its end, and nothing
// came behind it. Else it closes it.
func (a *Answer) Close() {
	reusable := !a.failed && !a.tunnelled && len(a.call.Preface) == 0 && a.Body.Done() && a.sent.Load() == sendDone &&
		a.head.status != 101 && a.head.persists() && len(a.cc.rd.buffered()) == 0
	if a.call.Body != nil {
		a.stopSending()
	}
	cc := a.cc
	cc.rd.watch = nil
	cc.rd.drop()
	cc.w.release()
	a.cc, a.call, a.Body.rd, a.out.w = nil, nil, nil, nil
	cc.pool.answers.Put(a)
	if !reusable {
		cc.pool.discard(cc)
		return
	}
	cc.used = true
	cc.since = time.Now()
	cc.pool.put(cc)
}
