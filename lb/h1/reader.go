package h1

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// patience is how long a buffer is held for a peer that sends nothing, and how
// often a long wait looks at its [Watcher]. Deadlines are set to patience and
// left alone while at least half of it is to run, which spares the busy
// connection a timer change for each read.
const patience = 500 * time.Millisecond

// Watcher tells a long wait that there is no use in waiting any more.
type Watcher interface {
	// Abandoned returns why, or nil to go on. It is asked about twice a second.
	Abandoned() error
}

type flusher interface{ Flush() error }

var (
	errTimeout     = errors.New("h1: timeout")
	errInterrupted = errors.New("h1: interrupted")
	errUnsent      = errors.New("h1: what was due before could not be sent") // the writer's error says why
)

// reader reads a connection through a pooled buffer, which holds
// buf[:base] bytes of a head in use and then buf[r:w] unread ones.
type reader struct {
	nc  net.Conn
	tcp *net.TCPConn // nc, if the kernel may move its bytes by itself
	raw rawReader    // of nc, if it can be had
	due *writer      // to be flushed before the next read, which is for the answer

	take       func() []byte // a buffer for the start of a message
	buf        []byte
	base, r, w int
	held       []byte // an earlier buffer, with a head in use

	watch    Watcher
	paused   flusher   // told when patience ends, if not nil
	deadline time.Time // as set on nc
	err      error     // came along with bytes
	one      [1]byte

	stop atomic.Uint32 // why not to wait: any of the following
	heed uint32        // which of those count at the moment, beside stopNow
}

const (
	stopIdle uint32 = 1 << iota // do not wait for the start of a message
	stopNow                     // do not wait at all
)

func (rd *reader) init(nc net.Conn, take func() []byte) {
	rd.nc, rd.take = nc, take
	rd.tcp, _ = nc.(*net.TCPConn)
	rd.raw.init(nc)
}

func (rd *reader) buffered() []byte { return rd.buf[rd.r:rd.w] }
func (rd *reader) advance(n int)    { rd.r += n }

// interrupt wakes a reader that waits, now or as soon as it does.
func (rd *reader) interrupt(why uint32) {
	rd.stop.Or(why)
	_ = rd.nc.SetReadDeadline(time.Unix(1, 0))
}

func (rd *reader) stopped() bool { return rd.stop.Load()&(stopNow|rd.heed) != 0 }

// resume undoes interrupt.
func (rd *reader) resume(why uint32) {
	rd.stop.And(^why)
	rd.deadline = time.Time{} // not what is set any more
}

// drop gives the buffers back. No bytes may be unread and no head in use.
func (rd *reader) drop() {
	rd.dropHeld()
	if rd.buf != nil {
		putBuffer(rd.buf)
		rd.buf = nil
	}
	rd.base, rd.r, rd.w = 0, 0, 0
}

func (rd *reader) dropHeld() {
	if rd.held != nil {
		putBuffer(rd.held)
		rd.held = nil
	}
}

// keepHead says that the first n bytes are a head in use: they stay where they
// are until restart.
func (rd *reader) keepHead(n int) { rd.base, rd.r = n, n }

// restart gives up the head in use and moves unread bytes to the start.
func (rd *reader) restart() {
	rd.dropHeld()
	rd.w = copy(rd.buf, rd.buf[rd.r:rd.w])
	rd.base, rd.r = 0, 0
}

// room makes place behind the unread bytes of a body.
func (rd *reader) room() {
	const least = largeBuffer / 2
	switch {
	case rd.buf == nil:
		rd.buf = getLarge()
	case rd.r == rd.w && len(rd.buf)-rd.base < least && rd.held == nil:
		// A head takes too much of the buffer, or the buffer is small.
		rd.held, rd.buf = rd.buf, getLarge()
		rd.base, rd.r, rd.w = 0, 0, 0
	case rd.r > rd.base:
		rd.w = rd.base + copy(rd.buf[rd.base:], rd.buf[rd.r:rd.w])
		rd.r = rd.base
	}
}

// grow makes place for more of a head that fills the buffer. most bounds it.
func (rd *reader) grow(most int) {
	if rd.w < len(rd.buf) {
		return
	}
	old := rd.buf
	if rd.buf = getLarge(); len(old) >= len(rd.buf) {
		putBuffer(rd.buf)
		rd.buf = make([]byte, max(most, len(old)+largeBuffer))
	}
	copy(rd.buf, old)
	putBuffer(old)
}

// fill reads more of a body, waiting at most for timeout, or for ever if that is
// 0.
func (rd *reader) fill(timeout time.Duration) error {
	rd.room()
	n, err := rd.read(rd.buf[rd.w:], timeout)
	rd.w += n
	return err
}

// read reads into p, which is either the buffer's free part or not of it, or nil
// for a buffer that is not there yet, see receive.
func (rd *reader) read(p []byte, timeout time.Duration) (int, error) {
	now := time.Now()
	var limit time.Time
	if timeout > 0 {
		limit = now.Add(timeout)
	}
	n, err := rd.try(p, now, limit)
	if !errors.Is(err, errTimeout) {
		return n, err
	}
	if rd.paused != nil {
		if err := rd.paused.Flush(); err != nil {
			return 0, err
		}
	}
	if p == nil || rd.base == 0 && rd.r == rd.w && rd.buf != nil && &p[0] == &rd.buf[0] {
		// The buffer is of no use to anyone for now. A head that is held is.
		if rd.buf != nil {
			putBuffer(rd.buf)
		}
		rd.buf, rd.r, rd.w = nil, 0, 0
		if err = rd.await(limit); err != nil {
			return 0, err
		}
		rd.buf = getLarge()
		rd.buf[0] = rd.one[0]
		return 1, nil
	}
	for errors.Is(err, errTimeout) {
		if now = time.Now(); !limit.IsZero() && !now.Before(limit) {
			return 0, errTimeout
		}
		if err = rd.abandoned(); err != nil {
			return 0, err
		}
		n, err = rd.try(p, now, limit)
	}
	return n, err
}

// await waits for one byte, without a buffer. The byte is in rd.one then.
func (rd *reader) await(limit time.Time) error {
	for {
		now := time.Now()
		if !limit.IsZero() && !now.Before(limit) {
			return errTimeout
		}
		if err := rd.abandoned(); err != nil {
			return err
		}
		if rd.watch == nil {
			rd.setDeadline(limit)
		} else {
			rd.arm(now, limit)
		}
		n, err := rd.once(rd.one[:])
		if n > 0 {
			return nil
		}
		if !errors.Is(err, errTimeout) {
			return err
		}
	}
}

func (rd *reader) abandoned() error {
	if rd.watch == nil {
		return nil
	}
	return rd.watch.Abandoned()
}

// try reads for as long as patience lasts, or until limit if that is sooner. See
// receive.
func (rd *reader) try(p []byte, now, limit time.Time) (int, error) {
	rd.arm(now, limit)
	return rd.once(p)
}

func (rd *reader) arm(now, limit time.Time) {
	step := now.Add(patience)
	if !limit.IsZero() && limit.Before(step) {
		rd.setDeadline(limit)
		return
	}
	if left := rd.deadline.Sub(now); rd.deadline.IsZero() || left < patience/2 || left > patience {
		rd.setDeadline(step)
	}
}

func (rd *reader) setDeadline(t time.Time) {
	rd.deadline = t
	_ = rd.nc.SetReadDeadline(t) // fails on a closed connection, as the read will
}

func (rd *reader) once(p []byte) (int, error) {
	if rd.err != nil {
		return 0, rd.err
	}
	// Asked behind setting the deadline, which may have undone what woke us.
	if rd.stopped() {
		return 0, errInterrupted
	}
	n, err := rd.receive(p)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, errUnsent):
		return 0, err
	case n > 0:
		rd.err = err
		return n, nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return 0, err
	case rd.stopped():
		return 0, errInterrupted
	}
	// Either the deadline passed or interrupt changed it: set it anew.
	rd.deadline = time.Time{}
	return 0, errTimeout
}

// receive reads, behind flushing what is due. If p is nil it reads into a buffer
// that it takes, which is rd.buf then.
func (rd *reader) receive(p []byte) (n int, err error) {
	w := rd.due
	rd.due = nil
	if p == nil && !rd.raw.usable() {
		rd.buf = rd.take()
		p = rd.buf
	}
	switch {
	case p == nil:
		rd.buf, n, err = rd.raw.readFresh(w, rd.take)
	case rd.raw.usable():
		n, err = rd.raw.read(w, p)
	case w == nil || w.flush() == nil:
		n, err = rd.nc.Read(p)
	}
	if w != nil && w.err != nil {
		return 0, errUnsent
	}
	return n, err
}
