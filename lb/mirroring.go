package lb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// mirroring is a service that has another answer, and sends copies of requests to
// further ones. Nothing that happens to a copy can be noticed by the client.
type mirroring struct {
	ending
	service  string
	mirrors  []mirror
	turn     *atomic.Uint64 // outlives tables
	withBody bool
	room     int64 // for a body that is copied, in bytes
}

type mirror struct {
	ending
	percent uint64
}

// takes reports whether the n-th request is one of those that are copied: they are
// spread evenly.
func (m mirror) takes(n uint64) bool {
	n %= 100
	return (n+1)*m.percent/100 != n*m.percent/100 && m.isUp()
}

// Serve implements [Handler].
func (m *mirroring) Serve(x *Exchange) {
	n := m.turn.Add(1) - 1
	var to []mirror
	for _, mirror := range m.mirrors {
		if mirror.takes(n) {
			to = append(to, mirror)
		}
	}
	f, ok := x.forward.(forwarder)
	if !ok || len(to) == 0 || generation(&x.Header) >= maxGenerations || x.upgrade != "" || m.withBody && x.Length > m.room {
		m.ending.Serve(x)
		return
	}
	if x.Body == nil || !m.withBody {
		for _, mirror := range to {
			f.s.copies.send(x, nil, mirror, func() {})
		}
		m.ending.Serve(x)
		return
	}
	m.serveBody(x, f.s, to)
}

// serveBody has the copies sent when the body was read, and is known.
func (m *mirroring) serveBody(x *Exchange, s *Server, to []mirror) {
	body := &keptBody{from: x.Body, length: x.Length, room: m.room, budget: &s.keptBodies}
	before := make([]*Exchange, len(to)) // the way to an answer may change the request
	for i := range to {
		before[i] = x.detached()
	}
	x.Body = body
	m.ending.Serve(x)
	if !body.isWhole() {
		if body.short {
			s.copies.drop(x, "as much of bodies is kept as may be", len(to))
		}
		body.letGo()
		return
	}
	var left atomic.Int32
	left.Store(int32(len(to))) //nolint:gosec // mirrors of one service
	for i, mirror := range to {
		s.copies.send(before[i], body.kept, mirror, func() {
			if left.Add(-1) == 0 {
				body.letGo()
			}
		})
	}
}

// Bounds on copies: how many may be on their way at a time, how long each may take
// and how much of its answer is read.
const (
	maxCopies     = 256
	maxCopyTime   = 30 * time.Second
	maxCopyAnswer = 1 << 20
)

// copyField tells of a copy that it is one, and of how many copies before. A mirror may
// lead back here; without an end to it, one request would be copied for ever.
const (
	copyField      = "Sluice-Copy"
	maxGenerations = 3
)

func generation(h *Header) int {
	n, _ := strconv.Atoi(h.Get(copyField)) // what is no number is none
	return max(0, n)                       // the first may be a stranger's
}

// copies are the copies of requests that are on their way.
type copies struct {
	log      *slog.Logger
	failures *failureLog

	mu      sync.Mutex
	ctx     context.Context // ends all; nil before there is a server to send from
	wg      sync.WaitGroup
	flying  atomic.Int64
	sent    atomic.Uint64
	dropped atomic.Uint64
}

// begin has copies sent until ctx ends.
func (c *copies) begin(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctx = ctx
}

// wait returns when ctx has ended, and all copies with it.
func (c *copies) wait() {
	<-c.ctx.Done()
	c.mu.Lock()   // from here on, none is sent
	c.mu.Unlock() //nolint:staticcheck // that was all
	c.wg.Wait()
}

// drop takes note of copies that are not sent.
func (c *copies) drop(x *Exchange, reason string, n int) {
	c.dropped.Add(uint64(n)) //nolint:gosec // mirrors of one service
	kind := failureKind{route: "copies: " + reason}
	if silent, due := c.failures.due(kind); due {
		c.log.Warn("copies of requests are not sent", "reason", reason, "route", x.Route.Name, "more_like_this", silent)
	}
}

// send sends a copy of the exchange's request, unless too many are on their way.
// done is called when the body is not needed any more.
func (c *copies) send(x *Exchange, body []byte, to Handler, done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ctx == nil || c.ctx.Err() != nil:
		done()
		return
	case c.flying.Load() >= maxCopies:
		c.drop(x, "as many are on their way as may be", 1)
		done()
		return
	}
	c.flying.Add(1)
	c.sent.Add(1)
	copied := x.detached()
	copied.Header.Set(copyField, strconv.Itoa(generation(&x.Header)+1))
	if copied.Length = 0; body != nil {
		copied.Body, copied.Length = bytes.NewReader(body), int64(len(body))
	}
	all := c.ctx
	c.wg.Go(func() {
		defer c.flying.Add(-1)
		defer done()
		ctx, cancel := context.WithTimeout(all, maxCopyTime)
		defer cancel()
		copied.ctx, copied.watch = ctx, contextWatcher{ctx}
		copied.Reply = &discardingReply{}
		defer c.recover(copied)
		to.Serve(copied)
	})
}

// recover has a defect cost the one copy that has run into it.
func (c *copies) recover(x *Exchange) {
	if fault := recover(); fault != nil {
		c.log.Error("the copy of a request ran into a defect", "err", fmt.Errorf("defect: %v", fault), "host", x.Request.Host, "path", x.Request.Path)
	}
}

// detached is a copy of the exchange's request that shares no memory with it. It
// has no body, and nobody to answer.
func (x *Exchange) detached() *Exchange {
	d := &Exchange{
		Request: x.Request, Scheme: strings.Clone(x.Scheme), Authority: strings.Clone(x.Authority),
		RawPath: strings.Clone(x.RawPath), RawQuery: strings.Clone(x.RawQuery),
		SentPath: strings.Clone(x.SentPath), SentQuery: strings.Clone(x.SentQuery),
		Protocol: strings.Clone(x.Protocol), Remote: x.Remote, Local: x.Local, TLS: x.TLS,
		UpstreamHost: strings.Clone(x.UpstreamHost), Route: x.Route, Table: x.Table,
		trusted: x.trusted, forward: x.forward, entry: x.entry, kind: x.kind,
	}
	d.inform, d.trailers = d.informClient, d.trailerFields
	r := &d.Request
	r.Host, r.Path, r.RoutingPath, r.Method = strings.Clone(r.Host), strings.Clone(r.Path), strings.Clone(r.RoutingPath), strings.Clone(r.Method)
	r.Fields = fields{d}
	d.Header.copyOf(&x.Header)
	if x.trace != nil {
		d.trace = x.trace.Fork()
	}
	return d
}

// discardingReply takes an answer that nobody waits for.
type discardingReply struct{ size int }

var errEnough = errors.New("the rest of the answer to a copy is of no use")

// Inform implements [Reply].
func (r *discardingReply) Inform(int, *Header) error { return nil }

// Begin implements [Reply].
func (r *discardingReply) Begin(int, *Header, int64) error { return nil }

// Write implements [Reply].
func (r *discardingReply) Write(p []byte) (int, error) {
	if r.size += len(p); r.size > maxCopyAnswer {
		return 0, errEnough
	}
	return len(p), nil
}

// Flush implements [Reply].
func (r *discardingReply) Flush() error { return nil }

// End implements [Reply].
func (r *discardingReply) End(*Header) error { return nil }

// Upgrade implements [Reply].
func (r *discardingReply) Upgrade(string, *Header) (io.ReadWriteCloser, error) {
	return nil, http.ErrNotSupported
}
