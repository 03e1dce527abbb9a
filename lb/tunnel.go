package lb

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/target"
)

// tunnel joins the connections of an exchange whose protocol was switched, until
// both directions ended, one of them failed, neither moved for the tunnel
// timeout, its target has been gone for a while, or the server stops for good.
func (f forwarder) tunnel(x *Exchange, t *target.Target, ans *h1.Answer) {
	client, err := x.Reply.Upgrade(ans.Fields().Get("Upgrade"), &x.answer)
	if err != nil {
		x.Outcome.Err, x.Outcome.Truncated = err, true
		return
	}
	upstream, err := ans.Tunnel()
	if err != nil {
		client.Close()
		x.Outcome.Err, x.Outcome.Truncated = err, true
		return
	}
	f.s.metrics.tunnels.Add(1)
	defer f.s.metrics.tunnels.Add(-1)
	ctx := x.Context()
	if f.s.tunnels.Grace > 0 {
		used, done := f.s.tunnels.Of(t.Key()).Use(ctx)
		defer done()
		ctx = used
	}
	x.Outcome.Sent, x.Outcome.Received = join(ctx, client, upstream, f.s.options.Timeouts.Tunnel)
	x.Outcome.TargetSent = x.Outcome.Sent
}

// halfSilence is how long a tunnel may be silent when one direction has ended. The
// other one may have been given up as well: what closes a connection and what
// closes half of it look the same.
const halfSilence = time.Minute

// join copies both ways, closes both ends, and returns how many bytes the
// client was sent and how many came from it.
func join(ctx context.Context, client, upstream io.ReadWriteCloser, silence time.Duration) (sent, received int64) {
	closeBoth := func() {
		client.Close()
		upstream.Close()
	}
	defer closeBoth()
	defer context.AfterFunc(ctx, closeBoth)()
	quiet := time.AfterFunc(silence, closeBoth)
	defer quiet.Stop()

	var allowed atomic.Int64
	allow := func(d time.Duration) {
		allowed.Store(int64(d))
		quiet.Reset(d)
	}
	allow(silence)
	moved := func() { quiet.Reset(time.Duration(allowed.Load())) }
	var up sync.WaitGroup
	up.Go(func() {
		received = copyHalf(upstream, client, moved, closeBoth)
		allow(min(silence, halfSilence))
	})
	sent = copyHalf(client, upstream, moved, closeBoth)
	allow(min(silence, halfSilence))
	up.Wait()
	return sent, received
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// copyHalf copies one direction. Its end is passed on as the end of this
// direction alone where the connection has such a thing; a failure ends both.
func copyHalf(to io.WriteCloser, from io.Reader, moved, closeBoth func()) (n int64) {
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for {
		r, readErr := from.Read(buffer[:])
		if r > 0 {
			moved()
			w, err := to.Write(buffer[:r])
			n += int64(w)
			if err != nil {
				closeBoth()
				return n
			}
		}
		if readErr == nil {
			continue
		}
		half, ok := to.(interface{ CloseWrite() error })
		if readErr != io.EOF || !ok || half.CloseWrite() != nil {
			closeBoth()
		}
		return n
	}
}
