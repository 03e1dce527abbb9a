package lb

import (
	"net/http"
	"strconv"
	"strings"
)

// retryAfter is what clients are told to wait when there is nothing to serve
// them with at the moment, in seconds.
const retryAfter = 1

// AnswerText answers with a line of text of the load balancer's own.
func (x *Exchange) AnswerText(status int, text string) {
	if x.isCall() {
		x.answerCall(status, callStatus(status), text)
		return
	}
	h := &Header{}
	h.Add("Content-Type", "text/plain; charset=utf-8")
	h.Add("X-Content-Type-Options", "nosniff")
	switch status {
	case http.StatusServiceUnavailable:
		h.Add("Retry-After", strconv.Itoa(retryAfter))
	case http.StatusMethodNotAllowed:
		// RFC 9110 §15.5.6 wants to know what is allowed; that is up to the route.
		h.Add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	x.Answer(status, h, text+"\n")
}

// Redirect answers with another place. What cannot be part of a field is
// escaped.
func (x *Exchange) Redirect(status int, to string) {
	h := &Header{}
	h.Add("Location", fieldSafe(to))
	x.Answer(status, h, "")
}

// fieldSafe escapes control characters, spaces and what is not ASCII.
func fieldSafe(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f {
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Answer answers with a body of the load balancer's own, which is left out if
// the method is HEAD. It takes h over. What goes wrong is in the outcome.
func (x *Exchange) Answer(status int, h *Header, text string) {
	x.Outcome.Status = status
	err := x.Reply.Begin(status, h, int64(len(text)))
	if err == nil && x.Request.Method != http.MethodHead && text != "" {
		var n int
		n, err = x.Reply.Write([]byte(text))
		x.Outcome.Sent += int64(n)
	}
	if err == nil {
		err = x.Reply.End(nil)
	}
	if err != nil && x.Outcome.Err == nil {
		x.Outcome.Err = err
	}
}
