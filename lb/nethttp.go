package lb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/match"
)

// The client's side of the wire, by net/http: this file alone turns its
// requests into exchanges, and answers back. All its shortcomings in strictness
// and cost end here.

// inbound is one exchange over net/http. It is the exchange's first [Reply].
type inbound struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	entry   *entry
	body    *inboundBody

	begun, ended, upgraded bool
}

func newInbound(e *entry, w http.ResponseWriter, r *http.Request) *inbound {
	in := &inbound{w: w, r: r, control: http.NewResponseController(w), entry: e}
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		in.body = &inboundBody{in: in}
		// Without this, net/http reads what is left of a request's body before it
		// lets an early answer out. HTTP/2 has it by nature and says so by an error.
		_ = in.control.EnableFullDuplex()
	}
	in.progress()
	return in
}

// refusal says that an exchange is answered without looking for a route: with
// which status, and why.
type refusal struct {
	status int
	err    error
}

// exchange makes the exchange. A refusal is not nil if the request cannot be
// served; the exchange is complete enough then to be answered and logged.
func (in *inbound) exchange() (x *Exchange, refused *refusal) {
	r := in.r
	x = &Exchange{
		Scheme:    "http",
		Authority: r.Host,
		Length:    r.ContentLength,
		Protocol:  r.Proto,
		TLS:       r.TLS,
		Reply:     in,
		ctx:       r.Context(),
	}
	x.Request = match.Request{Method: r.Method, TLS: r.TLS != nil, Entrypoint: in.entry.listener.Name, Fields: fields{x}}
	if r.TLS != nil {
		x.Scheme = "https"
	}
	x.Remote, _ = netip.ParseAddrPort(r.RemoteAddr)
	x.Request.Remote = x.Remote.Addr().Unmap()
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		x.Local = local.AddrPort()
	}
	for name, values := range r.Header {
		for _, value := range values {
			x.Header.Add(name, value)
		}
	}
	// net/http has moved the announcement of trailers elsewhere.
	for name := range r.Trailer {
		x.Header.Add("Trailer", name)
	}
	if in.body != nil {
		x.Body = in.body
	}
	if x.Header.HasToken("TE", "trailers") {
		x.Trailer = in.trailer
	}
	return x, in.target(x)
}

// target takes the request's target and host apart.
func (in *inbound) target(x *Exchange) *refusal {
	r := in.r
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return &refusal{http.StatusMethodNotAllowed, fmt.Errorf("the method %s is not served", r.Method)}
	}
	host, port, err := parseHost(r.Host)
	if err != nil {
		return &refusal{http.StatusBadRequest, err}
	}
	x.Request.Host = host
	name, _, _ := strings.Cut(r.Host, ":")
	x.Request.Dotted = strings.HasSuffix(name, ".")
	x.Request.Port = port
	sent := r.RequestURI
	if r.URL.Host != "" { // absolute-form: net/http has put its authority in r.Host
		sent = pathOfAbsolute(sent)
	}
	if sent == "*" && r.Method == http.MethodOptions {
		// A question to the server itself: no route can serve it.
		return &refusal{http.StatusOK, nil}
	}
	if query := strings.IndexByte(sent, '?'); query >= 0 {
		x.RawQuery, sent = sent[query:], sent[:query]
	}
	path, raw, err := cleanPath(sent)
	if err != nil {
		return &refusal{http.StatusBadRequest, err}
	}
	if strings.ContainsRune(x.RawQuery, '#') {
		return &refusal{http.StatusBadRequest, errors.New("the target has a fragment")}
	}
	x.setPath(path, raw)
	return nil
}

// pathOfAbsolute cuts scheme and authority off an absolute-form target.
func pathOfAbsolute(target string) string {
	_, rest, _ := strings.Cut(target, "://")
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}

func (in *inbound) trailer() *Header {
	h := &Header{}
	for name, values := range in.r.Trailer {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	return h
}

// Inform implements [Reply].
func (in *inbound) Inform(status int, h *Header) error {
	if in.body != nil && in.r.Header.Get("Expect") != "" {
		// Reading the body makes net/http say 100 Continue, and nothing keeps the
		// two apart. What we have to say is a hint: it can be left unsaid.
		if !in.body.reading.TryLock() {
			return nil
		}
		defer in.body.reading.Unlock()
	}
	header := in.w.Header()
	for name, value := range h.All() {
		header.Add(name, value)
	}
	in.w.WriteHeader(status)
	clear(header)
	return nil
}

// Begin implements [Reply].
func (in *inbound) Begin(status int, h *Header, length int64) error {
	in.begun = true
	header := in.w.Header()
	// net/http guesses the type of what has none; a proxy has no business to.
	header["Content-Type"] = nil
	for name, value := range h.All() {
		header.Add(name, value)
	}
	if in.body != nil && !in.body.done.Load() && in.r.ProtoMajor == 1 {
		// An early answer. What is still to come of the body must never be taken
		// for a request, and net/http is not to be relied on there.
		header.Set("Connection", "close")
	}
	if length >= 0 && status != http.StatusNoContent {
		header.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	in.progress()
	in.w.WriteHeader(status)
	return nil
}

// Write implements [Reply].
func (in *inbound) Write(p []byte) (int, error) {
	in.progress()
	n, err := in.w.Write(p)
	in.rest()
	return n, err
}

// Flush implements [Reply].
func (in *inbound) Flush() error {
	in.progress()
	err := in.control.Flush()
	in.rest()
	return err
}

// End implements [Reply].
func (in *inbound) End(trailer *Header) error {
	if trailer != nil && trailer.Len() > 0 {
		// A short answer not flushed would get a length, and no trailers.
		if err := in.Flush(); err != nil {
			return err
		}
		for name, value := range trailer.All() {
			in.w.Header().Add(http.TrailerPrefix+name, value)
		}
	}
	in.ended = true
	return nil
}

// Upgrade implements [Reply].
func (in *inbound) Upgrade(h *Header) (io.ReadWriteCloser, error) {
	conn, buffered, err := in.control.Hijack()
	if err != nil {
		return nil, err
	}
	in.upgraded = true
	if err := conn.SetDeadline(time.Now().Add(in.entry.timeouts.Write)); err != nil {
		conn.Close()
		return nil, err
	}
	// Write errors stick: Flush tells of them.
	_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	for name, value := range h.All() {
		_, _ = buffered.WriteString(name + ": " + value + "\r\n")
	}
	_, _ = buffered.WriteString("\r\n")
	if err := buffered.Flush(); err != nil {
		conn.Close()
		return nil, err
	}
	return &hijacked{Conn: conn, r: buffered.Reader}, conn.SetDeadline(time.Time{})
}

// hijacked is a connection some bytes of which may have been read already.
type hijacked struct {
	net.Conn
	r *bufio.Reader
}

// Read does not go through the reader further than it must: net/http would take
// the end of the client's half for the end of the exchange.
func (h *hijacked) Read(p []byte) (int, error) {
	if n := h.r.Buffered(); n > 0 {
		return h.r.Read(p[:min(n, len(p))])
	}
	return h.Conn.Read(p)
}

// CloseWrite ends our half of the conversation.
func (h *hijacked) CloseWrite() error {
	if half, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return h.Close()
}

// finish leaves the connection in a state fit for what comes next. It panics
// with [http.ErrAbortHandler] when the answer must be seen to be truncated.
func (in *inbound) finish() {
	if in.upgraded {
		return
	}
	if in.body != nil && !in.body.done.Load() {
		if in.ended {
			_ = in.Flush()
		}
		in.body.abandon()
	}
	if !in.ended {
		panic(http.ErrAbortHandler)
	}
}

// progress gives the client another while to take what is written.
func (in *inbound) progress() {
	_ = in.control.SetWriteDeadline(time.Now().Add(in.entry.timeouts.Write))
}

// rest takes back what progress demands. In HTTP/1 a deadline passed between two
// writes does no harm; in HTTP/2 it would end a stream that merely pauses.
func (in *inbound) rest() {
	if in.r.ProtoMajor == 2 {
		_ = in.control.SetWriteDeadline(time.Time{})
	}
}

// inboundBody is a request's body that may pause, but not for ever. It may
// still be read by the upstream's side when the exchange is answered already.
type inboundBody struct {
	in      *inbound
	done    atomic.Bool // its end was read
	reading sync.Mutex  // held by Read

	mu        sync.Mutex // for the connection's deadline, and:
	abandoned bool       // the exchange is over
}

func (b *inboundBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if !b.deadline(time.Now().Add(b.in.entry.timeouts.Read)) {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.in.r.Body.Read(p)
	if err == io.EOF {
		b.done.Store(true)
	}
	if err == io.EOF || b.in.r.ProtoMajor == 2 {
		// From the body's end on net/http itself reads, to learn when the client
		// leaves. For HTTP/2 see rest.
		b.deadline(time.Time{})
	}
	return n, err
}

// deadline sets the connection's, as long as the exchange goes on.
func (b *inboundBody) deadline(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.abandoned {
		_ = b.in.control.SetReadDeadline(t)
	}
	return !b.abandoned
}

// abandon ends the reading of a body that was answered early. net/http reads on
// a little, so that the client gets to see the answer before the connection is
// closed; it must not wait for long.
func (b *inboundBody) abandon() {
	const linger = time.Second
	b.deadline(time.Now().Add(linger))
	b.mu.Lock()
	b.abandoned = true
	b.mu.Unlock()
	b.reading.Lock() // waits for the last Read
	defer b.reading.Unlock()
}

// entry is a listener at work.
type entry struct {
	listener Listener
	timeouts Timeouts // the server's, with the listener's in their place
	bound    net.Listener
	address  net.Addr // of the socket bound
	server   *http.Server
}

// newHTTPServer makes the net/http server of an entry, which hands every
// request to serve. The context ends what still runs when the server stops for
// good.
func (s *Server) newHTTPServer(ctx context.Context, e *entry) *http.Server {
	// What net/http adds of its own to the limit it is given.
	const slop = 4 << 10
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			in := newInbound(e, w, r)
			if s.serveInbound(in); in.upgraded {
				s.conns.Done()
			}
			in.finish()
		}),
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            e.timeouts.Header,
		IdleTimeout:                  e.timeouts.Idle,
		MaxHeaderBytes:               s.options.MaxHeaderBytes - slop,
		ErrorLog:                     s.netHTTPLog(e),
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		// One for each connection, until it is closed or its tunnel is.
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.conns.Add(1)
			case http.StateClosed:
				s.conns.Done()
			}
		},
	}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(e.listener.Proto == "https")
	return server
}
