package lb

import (
	"errors"
	"io"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/match"
)

// Checkpoint is an exchange's request as it was at a time, for middlewares that
// have it served more than once. It is of use until the exchange is over.
type Checkpoint struct {
	request           match.Request
	rawPath, rawQuery string
	header            []h1.Field
	body              io.Reader
	length            int64
	reply             Reply
	upstreamHost      string
}

// Checkpoint takes down the request as it is now. The body is not kept: who
// lets it be read more than once puts it back.
func (x *Exchange) Checkpoint() Checkpoint { return x.CheckpointInto(Checkpoint{}) }

// CheckpointInto is Checkpoint with the memory of another that is not needed
// any more.
func (x *Exchange) CheckpointInto(old Checkpoint) Checkpoint {
	return Checkpoint{
		request: x.Request, rawPath: x.RawPath, rawQuery: x.RawQuery,
		header: append(old.header[:0], x.Header.fields...), body: x.Body, length: x.Length,
		reply: x.Reply, upstreamHost: x.UpstreamHost,
	}
}

// Reply is that of the exchange at the time.
func (c *Checkpoint) Reply() Reply { return c.reply }

// Rewind takes the exchange back to a checkpoint, as if it had not been served
// since; only who the client is and the number of tries are still known.
func (x *Exchange) Rewind(c Checkpoint) {
	x.Request, x.RawPath, x.RawQuery = c.request, c.rawPath, c.rawQuery
	x.Header.fields = append(x.Header.fields[:0], c.header...)
	x.Body, x.Length, x.Reply, x.UpstreamHost = c.body, c.length, c.reply, c.upstreamHost
	o := &x.Outcome
	*o = Outcome{Tries: o.Tries, Retries: o.Retries, User: o.User, Claimed: o.Claimed}
}

// TakeRetry takes another try from the budget of the exchange's pool, and reports
// whether there was one left.
func (x *Exchange) TakeRetry() bool { return x.Route == nil || x.Route.Pool.TakeRetry() }

// NothingSent reports whether err, an outcome's, says that nothing of the
// request can have reached its target.
func NothingSent(err error) bool {
	var failed *h1.SendError
	return errors.As(err, &failed) && failed.Progress <= h1.NothingSent
}
