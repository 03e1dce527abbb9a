package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is a connection of which either direction can end by itself.
type Conn interface {
	net.Conn
	CloseWrite() error
}

// Limits bound a joined pair of connections.
type Limits struct {
	// Idle is how long nothing may move in either direction, and Half how long
	// when one direction has ended: what closes a connection and what closes half
	// of it look the same. Both may take up to half as long again.
	Idle, Half time.Duration
	// Stall is how long the client may take nothing of what it is sent; 0 is Idle.
	Stall time.Duration
	// Splices bounds the directions that the kernel copies, for each takes two more
	// descriptors; the others are copied here. All pairs may share one. nil is no
	// bound.
	Splices chan struct{}
	// Moved, if not nil, is told now and then how many more bytes the client was
	// sent and how many came from it.
	Moved func(sent, received int64)
}

// Why a joined pair was ended by this side.
var (
	ErrIdle    = errors.New("nothing moved for too long")
	ErrStalled = errors.New("the receiver took nothing for too long")
)

// Join copies both ways until both directions have ended, each by itself, or one
// of them fails, or nothing moves, or ctx ends. It closes both connections.
//
// When one direction fails, what the other one has still to say is passed on,
// but no more is waited for. That a connection was reset is passed on, too.
func Join(ctx context.Context, client, target Conn, l Limits) error {
	j := &joint{client: client, target: target, limits: l, began: time.Now()}
	j.allowed.Store(int64(l.Idle))
	defer j.close(nil)
	defer context.AfterFunc(ctx, func() { j.close(context.Cause(ctx)) })()
	var up sync.WaitGroup
	up.Go(func() { j.run(target, client, &j.received) })
	j.run(client, target, &j.sent)
	up.Wait()
	return j.err
}

// joint is a joined pair at work.
type joint struct {
	client, target Conn
	limits         Limits
	began          time.Time

	allowed atomic.Int64 // nanoseconds of silence
	moved   atomic.Int64 // nanoseconds from began to when bytes last moved

	sent, received counted

	mu     sync.Mutex
	closed bool
	err    error // the first
}

// counted is what one direction has copied.
type counted struct{ told, n int64 }

// lingers is how long the other direction may go on when one has failed.
const lingers = time.Second

// run copies one direction to its end.
func (j *joint) run(to, from Conn, c *counted) {
	err := j.copy(to, from, c)
	if err == nil {
		err = to.CloseWrite()
		if errors.Is(err, syscall.ENOTCONN) { // it has ended both
			err = nil
		}
	}
	switch {
	case err == nil:
		j.allow(j.limits.Half)
	case errors.Is(err, ErrIdle), errors.Is(err, ErrStalled):
		j.close(err)
		return
	default:
		j.fail(err)
		j.allow(lingers)
	}
	// The other direction waits by what was allowed before.
	_ = to.SetReadDeadline(time.Now())
}

// allow shortens the silence that is allowed.
func (j *joint) allow(d time.Duration) {
	for {
		old := j.allowed.Load()
		if int64(d) >= old || j.allowed.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// longestLook bounds for how long one looks at nothing but bytes.
const longestLook = 30 * time.Second

// copy copies until the end of from. The kernel does not tell of each byte it
// moves, so it is called back now and then, by a deadline: that is when bytes
// are counted and silence is noticed.
func (j *joint) copy(to, from Conn, c *counted) error {
	for {
		allowed := time.Duration(j.allowed.Load())
		patience := j.patience(to, allowed)
		look := min(patience/4, longestLook)
		now := time.Now()
		stalled := now.Add(look + patience)
		if err := errors.Join(from.SetReadDeadline(now.Add(look)), to.SetWriteDeadline(stalled)); err != nil {
			return err
		}
		n, err := j.move(to, from)
		c.n += n
		if n > 0 {
			j.moved.Store(int64(time.Since(j.began)))
		}
		if j.tell(c); err == nil {
			return nil
		}
		silence := time.Since(j.began) - time.Duration(j.moved.Load())
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case !time.Now().Before(stalled):
			return ErrStalled
		case silence >= time.Duration(j.allowed.Load()):
			return ErrIdle
		}
	}
}

// patience is how long to may take nothing.
func (j *joint) patience(to Conn, allowed time.Duration) time.Duration {
	if to == j.client && j.limits.Stall > 0 {
		return min(j.limits.Stall, allowed)
	}
	return allowed
}

func (j *joint) tell(c *counted) {
	more := c.n - c.told
	if c.told = c.n; more == 0 || j.limits.Moved == nil {
		return
	}
	if c == &j.sent {
		j.limits.Moved(more, 0)
	} else {
		j.limits.Moved(0, more)
	}
}

func (j *joint) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil && !j.closed {
		j.err = err
	}
}

// close closes both ends. After a reset, it resets the other one.
func (j *joint) close(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	j.closed = true
	if j.err == nil {
		j.err = err
	}
	for _, nc := range []Conn{j.client, j.target} {
		if socket := socketOf(nc); socket != nil && errors.Is(j.err, syscall.ECONNRESET) {
			_ = socket.SetLinger(0)
			_ = socket.Close() // below TLS, which would say a proper goodbye
		}
		_ = nc.Close()
	}
}

// socketOf is the socket at the bottom of a connection, nil if there is none.
func socketOf(nc net.Conn) *net.TCPConn {
	for {
		if socket, ok := nc.(*net.TCPConn); ok {
			return socket
		}
		outer, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		nc = outer.NetConn()
	}
}

// mayLeave reports whether copying may be left to the kernel.
func (j *joint) mayLeave() bool {
	if j.limits.Splices == nil {
		return true
	}
	select {
	case j.limits.Splices <- struct{}{}:
		return true
	default:
		return false
	}
}

func (j *joint) taken() {
	if j.limits.Splices != nil {
		<-j.limits.Splices
	}
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// move copies until an error, which is nil at the end of from. Between sockets
// the kernel does it.
func (j *joint) move(to, from Conn) (n int64, err error) {
	a, ok := to.(*net.TCPConn)
	b, also := from.(*net.TCPConn)
	if ok && also && j.mayLeave() {
		defer j.taken()
		return a.ReadFrom(b)
	}
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for {
		r, readErr := from.Read(buffer[:])
		if r > 0 {
			w, err := to.Write(buffer[:r])
			if n += int64(w); err != nil {
				return n, err
			}
		}
		if errors.Is(readErr, io.EOF) {
			return n, nil
		}
		if readErr != nil {
			return n, readErr
		}
	}
}
