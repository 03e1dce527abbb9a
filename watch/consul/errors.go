package consul

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/sluiceproxy/sluice/watch"
)

// ResponseError is an answer that is no data: a refusal, an overload, a fault.
// It wraps [watch.ErrDenied], [watch.ErrInvalid] or [watch.ErrNotFound] where that
// is what it says.
type ResponseError struct {
	Method string
	// URL names what was asked, without parameters.
	URL    string
	Status int
	// Message is the beginning of the body if that was plain text.
	Message string
	// Needs says which rights the token may lack, for a refusal.
	Needs string

	kind  error
	after time.Duration
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Needs != "" {
		text += "; the token needs " + e.Needs
	}
	return text
}

// Unwrap returns what kind of refusal it was, or nil.
func (e *ResponseError) Unwrap() error { return e.kind }

// RetryAfter is how long the agent wants to be left alone; 0 if it said nothing.
func (e *ResponseError) RetryAfter() time.Duration { return e.after }

func newResponseError(url string, resp *http.Response, body []byte, q call, now time.Time) *ResponseError {
	e := &ResponseError{
		Method:  q.verb(),
		URL:     url,
		Status:  resp.StatusCode,
		Message: message(resp, body),
		after:   retryAfter(resp.Header.Get("Retry-After"), now),
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.kind = watch.ErrDenied
		// Consul says so itself when the token is unknown; naming rights then
		// would lead astray.
		if !strings.Contains(e.Message, "ACL not found") {
			e.Needs = q.needs
		}
	case http.StatusBadRequest:
		e.kind = watch.ErrInvalid
	case http.StatusNotFound:
		if q.named {
			e.kind = watch.ErrNotFound
		}
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		// Not followed: the token must not travel to another host.
		e.Message = "redirects are not followed"
	}
	return e
}

// message picks what a person wants to read of an error's body: one short
// line. A page of HTML comes from a proxy, not from Consul.
func message(resp *http.Response, body []byte) string {
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return "an HTML page, not Consul's answer"
	}
	const most = 200
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.TrimSpace(string(body[:min(len(body), most)])))
	if len(body) > most {
		text += "…"
	}
	return text
}

// retryAfter reads both forms RFC 9110 section 10.2.3 allows.
func retryAfter(value string, now time.Time) time.Duration {
	const most = time.Hour // a slip of the other side must not stop us for ever
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, most)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), most)
	}
	return 0
}

// silence is the error of a request that was not answered in so long.
type silence time.Duration

func (s silence) Error() string { return "no answer within " + time.Duration(s).String() }

// Timeout tells silence from a connection that broke.
func (silence) Timeout() bool { return true }

// hint adds what is most likely meant where an agent hangs up on a client that
// has no certificate. It learns of that after its handshake, so that it may
// see the alert, or no more than a connection that breaks.
func (c *client) hint(err error) error {
	if !c.bare || c.answered.Load() {
		return err
	}
	at, _ := errors.AsType[*net.OpError](err)
	alert := at != nil && at.Op == "remote error"
	broken := errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		strings.HasSuffix(err.Error(), "http2: client conn could not be established")
	if !alert && !broken {
		return err
	}
	return fmt.Errorf("%w (does the agent want a client certificate? set -consul-ssl-cert)", err)
}

// requestError says what failed below HTTP. The url.Error it gets repeats the
// whole URL, and the layers below it the address; the cause is enough.
func requestError(ctx context.Context, asked string, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	} else if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = errno
	}
	return fmt.Errorf("%s: %w", asked, err)
}
