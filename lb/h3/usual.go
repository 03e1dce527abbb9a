package h3

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// protocol is what requests say they are of.
const protocol = "HTTP/3.0"

// usual makes of a request what net/http's server would have made of it if it had
// come over HTTP/2. Refused is the status to answer with if it is none that could
// be served, or if the client keeps open for longer than patience whether there is a
// body.
func usual(w http.ResponseWriter, r *http.Request, patience time.Duration) (_ http.ResponseWriter, refused int) {
	if r.Method != http.MethodConnect && r.URL.Scheme != "https" && r.URL.Scheme != "http" {
		return w, http.StatusBadRequest // RFC 9114 §4.3.1
	}
	if r.Proto != protocol { // of an extended CONNECT (RFC 9220)
		r.Header[":protocol"] = []string{r.Proto}
		r.Proto = protocol
	}
	r.Header.Del("Host") // it is in r.Host
	b := &body{ReadCloser: r.Body, left: r.ContentLength}
	switch {
	case r.ContentLength == 0:
		r.Body = http.NoBody
		return w, 0
	case r.ContentLength < 0 && slices.Contains(bodiless, r.Method):
		if err := b.peek(http.NewResponseController(w), patience); err == io.EOF { //nolint:errorlint // as Read returns it
			r.Body, r.ContentLength = http.NoBody, 0
			return w, 0
		} else if err != nil {
			return w, http.StatusRequestTimeout
		}
	}
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		r.Header.Del("Expect")
		c := &continuing{ResponseWriter: w, header: http.Header{}, wanted: true}
		w, b.wanted = c, c.ask
	}
	r.Body = b
	return w, 0
}

// bodiless are methods whose requests seldom have a body. HTTP/3 says that there
// is none by ending the stream only, which can come after the head.
var bodiless = []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete}

// body is a request's, which is as long as it was said to be.
type body struct {
	io.ReadCloser
	first  []byte // read already
	left   int64  // below 0 if the length was not said
	wanted func() // tells the client that it is read, the first time
}

// peek finds out whether there is a body: if not, the error is io.EOF.
func (b *body) peek(control *http.ResponseController, patience time.Duration) error {
	if err := control.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	var first [1]byte
	if _, err := io.ReadFull(b.ReadCloser, first[:]); err != nil {
		return err
	}
	b.first = first[:]
	return control.SetReadDeadline(time.Time{})
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.wanted != nil {
		b.wanted()
		b.wanted = nil
	}
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	n, err := b.ReadCloser.Read(p)
	if b.left >= 0 {
		if b.left -= int64(n); b.left > 0 && err == io.EOF { //nolint:errorlint // as Read returns it
			err = io.ErrUnexpectedEOF // RFC 9114 §4.1.2
		}
	}
	return n, err
}
