package accesslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// flushInterval is how long a line waits for others to be written with.
	flushInterval = 250 * time.Millisecond
	// batchBytes is how many bytes of lines wait for no more. Each write wakes the
	// scheduler's monitor for some milliseconds, and what is larger than this has
	// left the cache when it is written.
	batchBytes = 256 << 10
	// maxPending bounds the bytes of lines that wait for a slow target, and once
	// more those that it is being given.
	maxPending = 8 << 20
	// Buffers that grew beyond these in a rush are not kept.
	maxKeptBatch = 1 << 20
	maxKeptLine  = 16 << 10
	// complaintPause is the least time between two complaints about lost lines.
	complaintPause = 10 * time.Second
)

// Options are what a [Log] needs to know.
type Options struct {
	// Target is [Stdout], [Stderr] or the path of a file, which is created with
	// mode 0640 or appended to.
	Target string
	// Format, Fields and Headers: see [ParseFormat].
	Format          string
	Fields, Headers Modes
	Filter          Filter
	// DropQuery takes the queries out of all that is shown of what was asked for.
	DropQuery bool
	// DropInternal leaves out requests that the load balancer itself serves.
	DropInternal bool

	Stdout, Stderr io.Writer
	// Logger is told when lines are lost.
	Logger *slog.Logger
}

// Log writes lines to its target. Record may be called from any goroutine and
// does not wait.
type Log struct {
	format *Format
	filter filter

	dropQuery, dropInternal bool

	out *output
	log *slog.Logger

	scratch sync.Pool // of *[]byte, for one line each
	wake    chan struct{}
	reopen  atomic.Bool

	written, dropped atomic.Uint64

	mu      sync.Mutex
	pending []byte // whole lines
	lines   uint64 // in pending
	spare   []byte // what pending was before
	closed  bool
}

// Validate reports what is wrong with the options, as far as that can be told
// without opening the target.
func (o Options) Validate() error {
	_, formatErr := ParseFormat(o.Format, o.Fields, o.Headers)
	_, filterErr := o.Filter.compile()
	return errors.Join(formatErr, filterErr)
}

// New checks the options and opens the target. Nothing is written before Run.
func New(o Options) (*Log, error) {
	format, err := ParseFormat(o.Format, o.Fields, o.Headers)
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	filter, err := o.Filter.compile()
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	out, err := openOutput(o)
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	l := &Log{
		format: format, filter: filter, dropQuery: o.DropQuery, dropInternal: o.DropInternal,
		out: out, log: o.Logger, wake: make(chan struct{}, 1),
	}
	l.scratch.New = func() any { return new([]byte) }
	return l, nil
}

// Format is how lines look.
func (l *Log) Format() *Format { return l.format }

// Record makes a line of the entry, if the filter lets it, and returns at once.
// Nothing of the entry is kept; what is not to be shown is taken out of it.
func (l *Log) Record(e *Entry) {
	if e.Internal && l.dropInternal || !l.filter.lets(e) {
		return
	}
	if l.dropQuery {
		e.dropQuery()
	}
	scratch := l.scratch.Get().(*[]byte)
	line := l.format.Append((*scratch)[:0], e)
	l.add(line)
	if cap(line) <= maxKeptLine {
		*scratch = line
		l.scratch.Put(scratch)
	}
}

// add puts a line behind those that wait.
func (l *Log) add(line []byte) {
	l.mu.Lock()
	before := len(l.pending)
	after := before + len(line)
	if l.closed || after > maxPending {
		l.mu.Unlock()
		l.dropped.Add(1)
		return
	}
	l.pending = append(l.pending, line...)
	l.lines++
	l.mu.Unlock()
	if before == 0 || before < batchBytes && after >= batchBytes {
		l.poke()
	}
}

func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}

// Reopen has a file opened again by its path, soon. A file that was renamed or
// removed is noticed without it, within a second of the next line.
func (l *Log) Reopen() {
	l.reopen.Store(true)
	l.poke()
}

// Stats tells how many lines were written and how many lost, because the target
// was too slow or failed.
func (l *Log) Stats() (written, dropped uint64) { return l.written.Load(), l.dropped.Load() }

// Run writes lines until ctx ends and all of them are written, and closes the
// target. A line waits for no longer than a quarter of a second. Lines recorded
// later are dropped. It returns nil.
func (l *Log) Run(ctx context.Context) error {
	defer l.out.close()
	w := writer{Log: l}
	for {
		select {
		case <-ctx.Done():
			l.close()
			w.flush()
			return nil
		case <-l.wake:
		}
		if l.reopen.Load() {
			w.flush() // to the old file, which may be compressed next
		}
		l.collect(ctx)
		w.flush()
	}
}

// close lets no more lines in.
func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// collect gives lines the time to become a batch.
func (l *Log) collect(ctx context.Context) {
	timer := time.NewTimer(flushInterval)
	defer timer.Stop()
	for {
		l.mu.Lock()
		waiting := len(l.pending)
		l.mu.Unlock()
		if waiting == 0 || waiting >= batchBytes {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-l.wake:
			if l.reopen.Load() {
				return
			}
		}
	}
}

// take takes the lines that wait, into a buffer that is to be given back.
func (l *Log) take() (lines []byte, n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines, n = l.pending, l.lines
	l.pending, l.lines, l.spare = l.spare[:0], 0, nil
	return lines, n
}

func (l *Log) giveBack(buffer []byte) {
	if cap(buffer) > maxKeptBatch {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spare = buffer
}

// writer is the goroutine's own part of a log.
type writer struct {
	*Log
	failing    bool
	told       uint64 // of lost lines
	complained time.Time
}

// flush writes all that waits.
func (w *writer) flush() {
	asked := w.reopen.Swap(false)
	lines, n := w.take()
	defer w.giveBack(lines)
	if n == 0 && !asked {
		return
	}
	failure := w.out.renew(asked)
	if n > 0 {
		got, err := w.out.write(lines)
		arrived := n
		if err != nil {
			arrived = uint64(bytes.Count(lines[:got], []byte{'\n'}))
		}
		w.written.Add(arrived)
		w.dropped.Add(n - arrived)
		failure = errors.Join(failure, err)
	}
	w.complain(failure)
}

// complain tells the operator when the target fails or works again, and now and
// then how many lines were lost.
func (w *writer) complain(failure error) {
	lost := w.dropped.Load()
	changed := (failure != nil) != w.failing
	if !changed && lost == w.told || time.Since(w.complained) < complaintPause {
		return
	}
	switch {
	case failure != nil:
		w.log.Error("the access log cannot be written", "lines_lost", lost-w.told, "err", failure)
	case changed:
		w.log.Info("the access log is written again", "lines_lost", lost-w.told)
	default:
		w.log.Warn("lines of the access log came faster than they could be written", "lines_lost", lost-w.told)
	}
	w.failing, w.told, w.complained = failure != nil, lost, time.Now()
}
