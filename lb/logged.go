package lb

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/accesslog"
)

// logged is what the access log needs of an exchange beside its outcome. It
// stays with the exchange, to be used again.
type logged struct {
	entry accesslog.Entry
	began time.Time
	// path is the one routes are found by, before they change it, and forwardedFor
	// what the peer says of whom it speaks for.
	path, forwardedFor string
	// request is the header as sent: the exchange's own is changed on the way.
	request Header
	// target and answer are copies, for what they were taken from is gone when
	// the line is made. They are empty unless the format shows them.
	target, answer Header
}

var _ accesslog.Header = (*Header)(nil)

// Line returns one line of the section.
func (h *Header) Line(i int) (name, value string) { return h.fields[i].Name, h.fields[i].Value }

// beginRecord takes down what will have changed when the exchange is over.
func (s *Server) beginRecord(x *Exchange, began time.Time) {
	log := s.options.AccessLog
	if log == nil {
		return
	}
	if x.logged == nil {
		x.logged = new(logged)
	}
	r := x.logged
	r.began, r.path, r.forwardedFor = began, x.RawPath, ""
	if log.Format().ShowsForwardedFor() {
		r.forwardedFor = x.Header.Get("X-Forwarded-For")
	}
	r.request.fields, r.target.fields, r.answer.fields = r.request.fields[:0], r.target.fields[:0], r.answer.fields[:0]
	if log.Format().ShowsRequestHeader() {
		r.request.fields = append(r.request.fields, x.Header.fields...)
	}
	if log.Format().ShowsAnswerHeader() {
		x.Reply = &recordingReply{x.Reply, r}
	}
}

// recordingReply takes down the header of the answer.
type recordingReply struct {
	Reply
	logged *logged
}

// Begin implements [Reply].
func (r *recordingReply) Begin(status int, h *Header, length int64) error {
	r.logged.answer.copyOf(h)
	r.logged.answer.addLength(status, length)
	return r.Reply.Begin(status, h, length)
}

// copyOf makes the section a copy that shares no memory with from.
func (h *Header) copyOf(from *Header) {
	h.fields = h.fields[:0]
	for name, value := range from.All() {
		h.Add(strings.Clone(name), strings.Clone(value))
	}
}

// addLength adds the length of an answer's body, where answers tell it.
func (h *Header) addLength(status int, length int64) {
	if length >= 0 && status >= http.StatusOK && status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
}

// recordTarget takes down the header of the target's answer.
func (s *Server) recordTarget(x *Exchange, length int64) {
	if x.logged != nil && s.options.AccessLog.Format().ShowsAnswerHeader() {
		x.logged.target.copyOf(&x.answer)
		x.logged.target.addLength(x.Outcome.TargetStatus, length)
	}
}

// clock returns the time if it will be logged: looking at it costs.
func (x *Exchange) clock() time.Time {
	if x.logged == nil {
		return time.Time{}
	}
	return time.Now()
}

// since returns the time since clock was asked, and 0 if nobody logs it.
func (x *Exchange) since(t time.Time) time.Duration {
	if x.logged == nil {
		return 0
	}
	return time.Since(t)
}

// endRecord makes the line of a finished exchange.
func (s *Server) endRecord(x *Exchange, took time.Duration) {
	r := x.logged
	if r == nil {
		return
	}
	if x.Route != nil && x.Route.Unlogged {
		return
	}
	o := &x.Outcome
	r.entry = accesslog.Entry{
		Start: r.began, Duration: took, Entrypoint: x.entry.label,
		Remote: x.Remote, Local: x.Local, User: o.User, Claimed: o.Claimed, TLS: x.TLS,
		Protocol: x.Protocol, Scheme: x.Scheme, Method: x.Request.Method, Authority: x.Authority,
		Path: x.SentPath, CleanPath: r.path, Query: x.SentQuery, Line: x.line, Header: &r.request, Forwarded: &x.Header,
		Status: o.Status, Sent: o.Sent, Received: o.Received, Answer: &r.answer, Truncated: o.Truncated, Err: o.Err,
		Tries: o.Tries, Retries: o.Retries, TargetStatus: o.TargetStatus, TargetSent: o.TargetSent,
		TargetWait: o.TargetWait, TargetTook: o.TargetTook, TargetHeader: &r.target,
	}
	if x.trace != nil {
		r.entry.TraceID, r.entry.SpanID = x.trace.IDs()
	}
	if x.trusted {
		r.entry.ForwardedFor = r.forwardedFor
	}
	if x.Route != nil {
		r.entry.Internal = isInternal(x.Route.Route)
		r.entry.Route, r.entry.Dialect, r.entry.Service = x.Route.Name, string(x.Route.Dialect), x.Route.Service
	}
	if o.Target != nil {
		key := o.Target.Key()
		r.entry.TargetScheme, r.entry.TargetAddress = key.Scheme, key.Address
		r.entry.TargetPath, r.entry.TargetQuery = x.RawPath, x.RawQuery
		r.entry.Pool = o.Pool.Name()
	}
	s.options.AccessLog.Record(&r.entry)
	r.entry = accesslog.Entry{} // it points into buffers
}
