package lb

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/target"
)

// Exchange is one request and its answer on the way through the load balancer,
// whatever the wire protocol. Routing, middleware, balancing, access log and
// metrics see nothing else.
//
// An exchange belongs to the goroutine that serves it, from the moment the wire
// hands it over until the handler returns; nothing of it may be kept
// afterwards, strings neither, for they may point into a buffer of the
// connection. Only Context may be used from other goroutines.
type Exchange struct {
	// Request is what rules look at. Its paths change together with RawPath,
	// through [Exchange.StripPrefix] and [Exchange.AddPrefix] only.
	Request match.Request
	// Scheme is "http" or "https", as the client spoke it.
	Scheme string
	// Authority is the host as the client sent it, with its port if it sent one.
	Authority string
	// RawPath is the path to forward: clean, and in the client's encoding.
	RawPath string
	// RawQuery is the query byte for byte as sent, with its leading question
	// mark; empty without one.
	RawQuery string
	// SentPath and SentQuery are both as the client sent them, for logs and
	// middlewares; nothing is routed by them.
	SentPath, SentQuery string
	// Header is the client's, until a route is found. Then the fields that concern
	// the client's connection alone are taken out, and those that tell the
	// upstream of the client put in: middlewares see what will be forwarded.
	Header Header
	// Body is the request's body, nil without one. Reading it may make the wire
	// ask the client for it (100 Continue).
	Body io.Reader
	// Length is the body's length in bytes, or -1 if only its end will tell.
	Length int64
	// Trailer, valid after Body returned io.EOF, holds what followed the body.
	// It is nil if trailers are not passed on for this request.
	Trailer func() *Header

	// Protocol is the version the client speaks: "HTTP/1.1".
	Protocol string
	Remote   netip.AddrPort
	Local    netip.AddrPort
	// TLS is the state of the client's connection, nil if it is not encrypted.
	TLS *tls.ConnectionState

	// Reply is how the exchange is answered. Middleware may put a wrapper in its
	// place before handing the exchange on.
	Reply Reply

	// UpstreamHost is what the upstream is sent as Host, whatever the route says;
	// empty leaves it to the route.
	UpstreamHost string

	// Route is the route found and Table the generation it is of, nil before.
	Route *Route
	Table *Table
	// Outcome is what became of the exchange, for logs and metrics.
	Outcome Outcome

	ctx   context.Context
	watch h1.Watcher // tells whether the client is gone
	query url.Values // decoded when first asked for
	call  h1.Call    // what is sent upstream
	limit timeLimit  // of the route's targets

	trusted   bool         // whether the peer is a proxy that is believed
	oversized *atomic.Bool // of the messages of a call, if they are limited

	upgrade string // the protocol the client wants to change to, or empty
	// announced are the names of trailers to come, as a list.
	announced string
	forward   Handler // ends the chain
	answer    Header  // what came back
	picked    picked  // by the variants of a route
	detour    *detour // where there are such

	entry  *entry // where it came in
	agreed string // by which TLS options; see agreedOn
	meter  meter
	kind   count.Packed // if somebody wants details
	served *Route       // the way of the route by which a service was asked last, likewise
	logged *logged      // for the access log, nil without one
	trace  Trace        // nil if nobody is told of the exchange
	client clientText   // of the last request, often the same

	// detailed is set if the trace has the steps of the route.
	detailed bool
	// broken is set if the answer broke off, and that was not the client's doing.
	broken bool
	// line is all that is known of a request that was refused before it became an
	// exchange.
	line string

	// Methods of the exchange, bound once.
	inform   func(status int, fields []h1.Field) error
	trailers func() []h1.Field
}

// reset makes the exchange ready for a request, with the memory of the last one.
func (x *Exchange) reset() {
	kept := Exchange{
		Header: Header{x.Header.fields[:0]}, answer: Header{x.answer.fields[:0]},
		client: x.client, inform: x.inform, trailers: x.trailers, logged: x.logged,
	}
	if kept.inform == nil {
		kept.inform, kept.trailers = x.informClient, x.trailerFields
	}
	*x = kept
}

// informClient passes on an interim answer.
func (x *Exchange) informClient(status int, fields []h1.Field) error {
	return x.Reply.Inform(status, &Header{fields})
}

// trailerFields are what followed the request's body.
func (x *Exchange) trailerFields() []h1.Field { return x.Trailer().fields }

// Reply is the answering half of an exchange: any number of Inform, one Begin,
// Writes, one End; or one Upgrade in place of all that. An answer that was begun
// and not ended reaches the client visibly truncated.
type Reply interface {
	// Inform sends an interim answer, of a status from 102 to 199.
	Inform(status int, h *Header) error
	// Begin sends the head of the answer. length is that of the body in bytes,
	// or -1 if only its end will tell. h belongs to the Reply from then on; it
	// has no fields that concern one connection, nor Content-Length.
	Begin(status int, h *Header, length int64) error
	// Write sends a part of the body and blocks while the client takes none.
	Write(p []byte) (int, error)
	// Flush hands what was written so far to the network.
	Flush() error
	// End ends the body. trailer may be nil.
	End(trailer *Header) error
	// Upgrade answers 101 with the fields of h, as a change to protocol, and hands
	// over the connection, which the caller must close.
	Upgrade(protocol string, h *Header) (io.ReadWriteCloser, error)
}

// Handler serves an exchange: it answers through x.Reply before it returns.
type Handler interface{ Serve(x *Exchange) }

// Outcome is what became of an exchange.
type Outcome struct {
	// Status is the status sent, or the one that says what happened if none
	// could be: 499 when the client was gone.
	Status int
	// Sent counts the bytes of the answer's body, Received those read of the
	// request's.
	Sent, Received int64
	// User is the name the client has proved to be its own, empty if none, and
	// Claimed the one it could not prove. They are for middleware to set.
	User, Claimed string
	// Target is the one tried last, nil if none was, and Pool whom it was picked
	// from. Tries counts how many were tried, and Retries how many of these for
	// another one that had failed: not the page in the place of an error.
	Target         *target.Target
	Pool           *target.Pool
	Tries, Retries int
	// TargetStatus is the status it answered with, 0 if it did not, and TargetSent
	// the bytes of its answer's body that were passed on.
	TargetStatus int
	TargetSent   int64
	// TargetWait is the time from the first try to the head of its answer, and
	// TargetTook that to the answer's end. They are 0 when nobody logs them.
	TargetWait, TargetTook time.Duration
	// Err is why the exchange failed, nil if it did not. It is for operators
	// and never sent to the client.
	Err error
	// Truncated is set when the answer broke off after it had begun.
	Truncated bool
}

// StatusClientGone is logged for exchanges whose client left before an answer
// could be sent. It never appears on the wire.
const StatusClientGone = 499

// Context ends when the client is gone or the server stops for good.
func (x *Exchange) Context() context.Context { return x.ctx }

// meter is the part of a wire that counts the bytes of bodies, framing apart. It
// is read when the exchange is over.
type meter interface {
	transferred() (sent, received int64)
}

// refusal says that an exchange is answered without looking for a route: with
// which status, and why.
type refusal struct {
	status int
	err    error
}

// setTarget takes over path and query as sent.
func (x *Exchange) setTarget(sent, query string) *refusal {
	x.SentPath, x.SentQuery = sent, query
	path, raw, err := cleanPath(sent)
	if err != nil {
		return &refusal{http.StatusBadRequest, err}
	}
	if strings.ContainsRune(query, '#') {
		return &refusal{http.StatusBadRequest, errFragment}
	}
	x.RawQuery = query
	x.setPath(path, raw)
	return nil
}

// StripPrefix cuts prefix, as it stands in the decoded path, off the path; what
// is left starts with exactly one slash. It reports whether the path had the
// prefix. On an error the path is no longer fit to be forwarded.
func (x *Exchange) StripPrefix(prefix string) (cut bool, err error) {
	path, raw, cut, err := stripPrefix(x.Request.Path, x.RawPath, prefix)
	if cut && err == nil {
		x.setPath(path, raw)
	}
	return cut, err
}

// AddPrefix puts prefix, plain text, in front of the path.
func (x *Exchange) AddPrefix(prefix string) error {
	return x.ReplaceRawPath("/" + escapePath(prefix) + x.RawPath)
}

// ReplacePath makes path, plain text, the whole path.
func (x *Exchange) ReplacePath(path string) error {
	return x.ReplaceRawPath(escapePath("/" + strings.TrimPrefix(path, "/")))
}

// ReplaceRawPath makes raw, in its encoded form, the whole path, cleaned as a
// client's is. On an error the path stays as it was.
func (x *Exchange) ReplaceRawPath(raw string) error {
	if len(raw) > maxRewrittenPath {
		return errPathLong
	}
	path, raw, err := cleanPath(raw)
	if err == nil {
		x.setPath(path, raw)
	}
	return err
}

// maxRewrittenPath bounds in bytes what middlewares make of a path.
const maxRewrittenPath = 64 << 10

func (x *Exchange) setPath(path, raw string) {
	x.RawPath = raw
	x.Request.Path, x.Request.RoutingPath = path, match.RoutingPath(raw)
}

// fields shows the exchange's header and query to rules.
type fields struct{ x *Exchange }

// Header implements [match.Fields].
func (f fields) Header(name string, i int) (string, bool) {
	for value := range f.x.Header.Values(name) {
		if i--; i < 0 {
			return value, true
		}
	}
	return "", false
}

// Query implements [match.Fields].
func (f fields) Query(name string, i int) (string, bool) {
	if f.x.query == nil {
		query := f.x.RawQuery
		if query != "" {
			query = query[1:]
		}
		// What cannot be decoded is left out of the values and is no match.
		f.x.query, _ = url.ParseQuery(query)
	}
	if values := f.x.query[name]; i < len(values) {
		return values[i], true
	}
	return "", false
}
