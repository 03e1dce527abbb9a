package lb

import (
	"io"
	"net/http"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/match"
)

// wire is one exchange over HTTP/1.1 and its first [Reply]. It stays with the
// inbound it was made for and is used again with it, so that an exchange costs
// no allocation.
type wire struct {
	*h1.Inbound // has Write and Flush
	x           Exchange
	trailers    func() *Header // trailer, bound once
}

var _ Reply = (*wire)(nil)

// serveHTTP1 serves a request that came over HTTP/1.1.
func (s *Server) serveHTTP1(e *entry, in *h1.Inbound) {
	w, ok := in.Local.(*wire)
	if !ok {
		w = &wire{Inbound: in}
		w.trailers = w.trailer
		in.Local = w
	}
	s.serveExchange(&w.x, w.read(e))
}

// read makes the exchange of the request. The refusal is not nil if it cannot be
// served; the exchange is complete enough then to be answered and logged.
func (w *wire) read(e *entry) *refusal {
	r, x := &w.Request, &w.x
	x.reset()
	x.Scheme = "http"
	if x.TLS = w.TLS(); x.TLS != nil {
		x.Scheme, x.agreed = "https", agreedOn(w.Conn())
	}
	x.Authority = r.Authority()
	x.Protocol = r.Protocol()
	x.Remote, x.Local = w.Remote(), w.Bound()
	x.Header.fields = r.Fields.Append(x.Header.fields)
	if r.HasBody() {
		x.Body, x.Length = &w.Body, r.Length()
	}
	if r.TakesTrailers() {
		x.Trailer = w.trailers
	}
	x.Reply, x.ctx, x.watch = w, w.Context(), w.Inbound
	x.entry, x.meter = e, w
	x.Request = match.Request{
		Method: r.Method(), Host: r.Host(), Port: r.Port(), Dotted: r.Dotted(),
		TLS: x.TLS != nil, Entrypoint: e.listener.Entrypoint(), Remote: x.Remote.Addr().Unmap(), Fields: fields{x},
	}
	if r.IsAsterisk() {
		x.SentPath = "*"
		return &refusal{http.StatusOK, nil}
	}
	return x.setTarget(r.Path(), r.Query())
}

func (w *wire) trailer() *Header { return &Header{fields: w.Body.Trailer().Append(nil)} }

// Inform implements [Reply].
func (w *wire) Inform(status int, h *Header) error { return w.Inbound.Inform(status, h.fields) }

// Begin implements [Reply].
func (w *wire) Begin(status int, h *Header, length int64) error {
	return w.Inbound.Begin(status, h.fields, length)
}

// End implements [Reply].
func (w *wire) End(trailer *Header) error {
	if trailer == nil {
		return w.Inbound.End(nil)
	}
	return w.Inbound.End(trailer.fields)
}

// Upgrade implements [Reply].
func (w *wire) Upgrade(protocol string, h *Header) (io.ReadWriteCloser, error) {
	return w.Inbound.Upgrade(protocol, h.fields)
}

// transferred implements [meter].
func (w *wire) transferred() (sent, received int64) { return w.Sent(), w.Body.Taken() }
