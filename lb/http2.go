package lb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/match"
)

// HTTP/2 by net/http, and HTTP/3 as if it were: this file alone turns requests of
// net/http into exchanges, and answers back.

var (
	errBegun         = errors.New("the answer was begun already")
	errNoUpgrade     = errors.New("HTTP/2 and HTTP/3 have no upgrade")
	errNoTunnel      = errors.New("extended CONNECT (WebSocket over HTTP/2 and HTTP/3) is not served")
	errTooManyFields = errors.New("the request has more fields than allowed")
)

// stream is one exchange over HTTP/2 or HTTP/3. It is the exchange's first [Reply].
type stream struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	entry   *entry

	begun, ended   bool
	unhurried      bool  // the request's body may pause for as long as it likes
	sent, received int64 // bytes of bodies
}

var _ Reply = (*stream)(nil)

// serveStream serves a request that came over HTTP/2 or HTTP/3. It panics with
// [http.ErrAbortHandler] when the answer must be seen to be truncated.
func (s *Server) serveStream(e *entry, w http.ResponseWriter, r *http.Request) {
	st := &stream{w: w, r: r, control: http.NewResponseController(w), entry: e}
	x, refused := st.exchange()
	s.serveExchange(x, refused)
	if !st.ended {
		panic(http.ErrAbortHandler)
	}
}

// exchange makes the exchange. The refusal is not nil if the request cannot be
// served; the exchange is complete enough then to be answered and logged.
func (st *stream) exchange() (*Exchange, *refusal) {
	r, x := st.r, &Exchange{}
	x.reset()
	if a, ok := r.Context().Value(agreedKey{}).(*agreement); ok {
		x.agreed = a.options
	}
	x.Scheme, x.Authority, x.Protocol, x.TLS = "http", r.Host, r.Proto, r.TLS
	if x.TLS != nil {
		x.Scheme = "https"
	}
	x.Reply, x.ctx, x.watch = st, r.Context(), contextWatcher{r.Context()}
	x.entry, x.meter = st.entry, st
	x.Request = match.Request{Method: r.Method, TLS: x.TLS != nil, Entrypoint: st.entry.listener.Entrypoint(), Fields: fields{x}}
	x.Remote, _ = netip.ParseAddrPort(r.RemoteAddr)
	x.Request.Remote = x.Remote.Addr().Unmap()
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		x.Local = addrPort(local)
	}
	addFields(&x.Header, r.Header)
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		x.Body, x.Length = &streamBody{st: st}, r.ContentLength
	}
	if x.Header.HasToken("TE", "trailers") {
		x.Trailer = st.trailer
		x.announced = strings.Join(slices.Collect(maps.Keys(r.Trailer)), ",")
	}
	if x.Header.Len() > st.entry.limits.headerFields {
		return x, &refusal{http.StatusRequestHeaderFieldsTooLarge, errTooManyFields}
	}
	return x, st.target(x)
}

// target takes the request's target and host apart.
func (st *stream) target(x *Exchange) *refusal {
	r := st.r
	if len(r.Header[":protocol"]) > 0 {
		return &refusal{http.StatusNotImplemented, errNoTunnel} // RFC 9220 §3
	}
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return &refusal{http.StatusMethodNotAllowed, fmt.Errorf("the method %s is not served", r.Method)}
	}
	host, port, err := parseHost(r.Host)
	if err != nil {
		return &refusal{http.StatusBadRequest, err}
	}
	x.Request.Host, x.Request.Port = host, port
	x.takeCalledHost()
	name, _, _ := strings.Cut(r.Host, ":")
	x.Request.Dotted = strings.HasSuffix(name, ".")
	if r.RequestURI == "*" && r.Method == http.MethodOptions {
		x.SentPath = "*"
		return &refusal{http.StatusOK, nil}
	}
	path, query := r.RequestURI, ""
	if at := strings.IndexByte(path, '?'); at >= 0 {
		path, query = path[:at], path[at:]
	}
	return x.setTarget(path, query)
}

func (st *stream) trailer() *Header {
	h := &Header{}
	addFields(h, st.r.Trailer)
	return h
}

func addFields(h *Header, fields http.Header) {
	for name, values := range fields {
		for _, value := range values {
			h.Add(name, value)
		}
	}
}

// Inform implements [Reply].
func (st *stream) Inform(status int, h *Header) error {
	header := st.w.Header()
	copyFields(header, "", h)
	st.w.WriteHeader(status)
	clear(header)
	return nil
}

// copyFields adds fields to a header of net/http's, which may still read it when
// the stream was reset and the exchange is over: their text must be its own.
func copyFields(to http.Header, prefix string, h *Header) {
	for name, value := range h.All() {
		to.Add(prefix+strings.Clone(name), strings.Clone(value))
	}
}

// Begin implements [Reply].
func (st *stream) Begin(status int, h *Header, length int64) error {
	if st.begun {
		return errBegun
	}
	st.begun = true
	header := st.w.Header()
	// net/http guesses the type of what has none; a proxy has no business to.
	header["Content-Type"] = nil
	copyFields(header, "", h)
	if length >= 0 && status != http.StatusNoContent {
		header.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	if st.isLast() {
		header.Set("Connection", "close") // net/http makes a GOAWAY of it
	}
	st.progress()
	st.w.WriteHeader(status)
	return nil
}

// connUse is what counts against the limits of a connection.
type connUse struct {
	since    time.Time
	requests atomic.Int64
}

type connUseKey struct{}

func withConnUse(ctx context.Context) context.Context {
	return context.WithValue(ctx, connUseKey{}, &connUse{since: time.Now()})
}

// agreedKey is of the agreement by which the connection was opened, if it matters.
type agreedKey struct{}

// isLast counts the request and reports whether its connection should take no
// more.
func (st *stream) isLast() bool {
	use, ok := st.r.Context().Value(connUseKey{}).(*connUse)
	if !ok {
		return false
	}
	l := &st.entry.limits
	return l.requests > 0 && use.requests.Add(1) >= int64(l.requests) || l.age > 0 && time.Since(use.since) >= l.age
}

// Write implements [Reply].
func (st *stream) Write(p []byte) (int, error) {
	st.progress()
	defer st.rest()
	n, err := st.writeCopy(p)
	if st.r.Method != http.MethodHead {
		st.sent += int64(n)
	}
	return n, err
}

// writeCopy keeps p from net/http, which returns when the stream was reset while
// it may still read what it was given: p is a buffer that is used again then.
func (st *stream) writeCopy(p []byte) (n int, err error) {
	for n < len(p) {
		buffer := buffers.Get().(*[32 << 10]byte)
		m, err := st.w.Write(buffer[:copy(buffer[:], p[n:])])
		if n += m; err != nil {
			return n, err // and the copy is given up
		}
		buffers.Put(buffer)
	}
	return n, nil
}

// transferred implements [meter].
func (st *stream) transferred() (sent, received int64) { return st.sent, st.received }

// Flush implements [Reply].
func (st *stream) Flush() error {
	st.progress()
	defer st.rest()
	return st.control.Flush()
}

// End implements [Reply].
func (st *stream) End(trailer *Header) error {
	if trailer != nil && trailer.Len() > 0 {
		// A short answer not flushed would get a length, and no trailers.
		if err := st.Flush(); err != nil {
			return err
		}
		copyFields(st.w.Header(), http.TrailerPrefix, trailer)
	}
	st.ended = true
	return nil
}

// Upgrade implements [Reply].
func (st *stream) Upgrade(string, *Header) (io.ReadWriteCloser, error) { return nil, errNoUpgrade }

// progress gives the client another while to take what is written.
func (st *stream) progress() {
	_ = st.control.SetWriteDeadline(time.Now().Add(st.entry.timeouts.Write))
}

// rest takes back what progress demands: a deadline passed between two writes
// would end a stream that merely pauses.
func (st *stream) rest() { _ = st.control.SetWriteDeadline(time.Time{}) }

// contextWatcher is an [h1.Watcher] of a context.
type contextWatcher struct{ ctx context.Context }

// Abandoned implements [h1.Watcher].
func (w contextWatcher) Abandoned() error { return w.ctx.Err() }

// newHTTP2Server makes the net/http server of what speaks HTTP/2 on an entry: by
// agreement if it has TLS, and by prior knowledge if it has not. The context ends
// what still runs when the server stops for good.
//
// What net/http refuses never becomes an exchange, so it has no line in the
// access log. Violations of the protocol are counted by kind, and those that end
// the connection logged at debug level. Of three refusals net/http tells nobody:
// the stream error for fields that are malformed (upper case, bad pseudo fields),
// 400 for those that HTTP/2 does not have (Connection, Transfer-Encoding), and
// 431 for too many bytes of them.
func (s *Server) newHTTP2Server(ctx context.Context, e *entry) *http.Server {
	// What net/http adds of its own to the limit it is given.
	const slop = 4 << 10
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.serveStream(e, w, r)
		}),
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            e.timeouts.Header,
		IdleTimeout:                  e.timeouts.Idle,
		MaxHeaderBytes:               e.limits.headerBytes - slop,
		// Mostly of clients that break off.
		ErrorLog:    slog.NewLogLogger(s.log.With("listener", e.address.String()).Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState: func(nc net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.streams.Add(1)
			case http.StateClosed:
				e.closed(addrPort(nc.RemoteAddr()))
				s.streams.Done()
			}
		},
	}
	limited := e.limits.requests > 0 || e.limits.age > 0
	server.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		if limited {
			ctx = withConnUse(ctx)
		}
		if options := agreedOn(nc); options != "" {
			ctx = context.WithValue(ctx, agreedKey{}, &agreement{options})
		}
		return ctx
	}
	server.HTTP2 = &http.HTTP2Config{CountError: func(kind string) { e.count(&e.http2Errors, kind) }}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP2(e.tls != nil)
	server.Protocols.SetUnencryptedHTTP2(e.tls == nil)
	return server
}
