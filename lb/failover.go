package lb

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// failover is a service that has another answer while it has nobody to, and, if
// that is asked for, after certain answers.
type failover struct {
	service       string
	first, second ending
	statuses      spec.Statuses // none: answers are passed on whatever they are
	room          int64         // for a body that is sent again, in bytes
}

func newFailover(service string, first, second ending, on *spec.FailoverErrors) (ending, error) {
	f := &failover{service: service, first: first, second: second}
	if on == nil || len(on.Status) == 0 {
		return f, nil
	}
	var err error
	if f.statuses, err = spec.ParseStatuses(on.Status); err != nil {
		return nil, fmt.Errorf("failover: %w", err)
	}
	f.room = on.MaxRequestBody
	return f, nil
}

// isUp implements [ending].
func (f *failover) isUp() bool { return f.first.isUp() || f.second.isUp() }

// Serve implements [Handler].
func (f *failover) Serve(x *Exchange) {
	switch {
	case !f.first.isUp():
		f.second.Serve(x)
	case len(f.statuses) == 0 || x.upgrade != "" || x.Length > f.room || !f.second.isUp():
		f.first.Serve(x)
	default:
		f.serveWatched(x)
	}
}

// keptBodies is the bound on all bodies that are kept, nil if there is none.
func (x *Exchange) keptBodies() *allowance {
	if f, ok := x.forward.(forwarder); ok {
		return &f.s.keptBodies
	}
	return nil
}

// readAhead reads a small body, for which there is room among all that are kept: so
// much is to be given back.
func (f *failover) readAhead(x *Exchange) (body []byte, room int64, failed bool) {
	if x.Body == nil || x.Length < 1 || x.Length > maxReadAhead || !x.keptBodies().take(x.Length) {
		return nil, 0, false
	}
	body, _, failed = x.ReadAhead()
	return body, x.Length, failed
}

// serveWatched looks at the answer before it passes it on.
func (f *failover) serveWatched(x *Exchange) {
	was := x.Checkpoint()
	small, room, failed := f.readAhead(x)
	defer x.keptBodies().give(room)
	if failed {
		return
	}
	var body *keptBody
	if x.Body != nil && small == nil {
		body = &keptBody{from: x.Body, length: x.Length, room: f.room, budget: x.keptBodies()}
		defer body.letGo()
		x.Body = body
	}
	r := &replacingReply{Reply: x.Reply, statuses: f.statuses}
	if body != nil {
		// What answers before it has read all of the body leaves nothing to send again:
		// its answer is better than none.
		r.unless = func() bool { return body.isLost() || x.Outcome.TargetStatus != 0 && !body.isWhole() }
	}
	x.Reply = r
	f.first.Serve(x)
	x.Reply = was.Reply()
	if r.replaced == 0 || x.ctx.Err() != nil {
		return
	}
	x.Rewind(was)
	if small != nil {
		x.Body = bytes.NewReader(small)
	}
	if body != nil {
		if body.isLost() {
			x.AnswerText(http.StatusBadGateway, "502 bad gateway")
			return
		}
		x.Body = body.again()
	}
	f.second.Serve(x)
}
