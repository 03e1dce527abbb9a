package h1

import (
	"bytes"
	"time"
)

// refuse answers a request that is no request, and gives up the connection.
func (c *conn) refuse(refusal *Refusal) {
	if c.server.options.Refused != nil {
		const most = 200
		line := c.rd.buf[:min(c.rd.w, most)]
		c.server.options.Refused(&Refused{Refusal: refusal, Remote: c.remote, Bound: c.local, Line: line})
	}
	w := &c.w
	w.begin()
	w.statusLine(refusal.Status)
	w.out = c.server.date.append(w.out, time.Now())
	w.field("Content-Type", "text/plain; charset=utf-8")
	text := refusalText(refusal.Status)
	w.length(int64(len(text)))
	if refusal.Status == 405 {
		w.field("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	w.field("Connection", "close")
	w.out = append(w.out, crlf...)
	if !bytes.HasPrefix(bytes.TrimPrefix(c.rd.buf[:c.rd.w], crlf), []byte("HEAD ")) {
		w.out = append(w.out, text...)
	}
	if w.flush() == nil {
		c.linger()
	}
}

func refusalText(status int) string {
	switch status {
	case 405:
		return "405 method not allowed\n"
	case 408:
		return "408 request timeout\n"
	case 414:
		return "414 URI too long\n"
	case 431:
		return "431 request header fields too large\n"
	case 501:
		return "501 not implemented\n"
	case 505:
		return "505 HTTP version not supported\n"
	}
	return "400 bad request\n"
}

// finish leaves the connection in a state fit for the next request, or for its
// end. It reports which.
func (c *conn) finish() bool {
	in := c.in
	switch {
	case in.upgraded:
		return false
	case !in.ended:
		// What was collected may go; the client sees that it is not all.
		_ = c.w.flush()
		if in.begun && in.out.mode == byClose {
			reset(c.nc) // its end would look like the answer's
		}
		return false
	case in.keep && c.discardBody():
		c.rd.restart()
		c.rest()
		return true
	case !in.Body.Done() || len(c.rd.buffered()) > 0 || !c.socket().silent():
		// To close a connection with bytes unread may take the answer back.
		c.linger()
	}
	return false
}

// rest gives back at once what is cheap to take again when the next request
// comes, so that a rush of connections that then idle does not hold it.
func (c *conn) rest() {
	if len(c.rd.buffered()) > 0 {
		return
	}
	c.w.release()
	if c.rd.raw.usable() || poison { // others need one to wait with
		c.rd.drop()
	}
}

// discardBody reads what the handler left of the request's body, which is not
// much, or Begin would not have promised to keep the connection.
func (c *conn) discardBody() bool {
	body := &c.in.Body
	if body.Done() {
		return true
	}
	limit := time.Now().Add(maxLinger)
	for {
		body.timeout = max(1, time.Until(limit))
		if _, err := body.next(); err != nil {
			return body.Done()
		}
	}
}

// linger ends our half of the connection and gives the client a while to read
// the answer and to end its own.
func (c *conn) linger() {
	if !closeWrite(c.nc) {
		return
	}
	c.rd.drop()
	buffer := getSmall()
	defer putBuffer(buffer)
	socket := socketOf(c.nc)
	if socket.SetReadDeadline(time.Now().Add(maxLinger)) != nil {
		return
	}
	for discarded := 0; discarded < maxDiscard; {
		n, err := socket.Read(buffer)
		if discarded += n; err != nil {
			return
		}
	}
}
