package accesslog

import (
	"crypto/tls"
	"net/netip"
	"strings"
	"time"
)

// Entry is what there is to tell of one request. What is not known is zero, and
// shown as "-" in text and left out in JSON.
type Entry struct {
	// Start is when the request's head had come, Duration the time from then to
	// the answer's end.
	Start    time.Time
	Duration time.Duration

	// Entrypoint is the name of the listener, or its address if it has none.
	Entrypoint    string
	Remote, Local netip.AddrPort
	// ForwardedFor is the field X-Forwarded-For as sent by a proxy that is believed.
	ForwardedFor string
	// User is the name the client has proved to be its own, Claimed one that it has
	// not.
	User, Claimed string
	// Protocol is "HTTP/1.1", Scheme "http" or "https".
	Protocol, Scheme string
	Method           string
	// Authority is the host as sent, with its port if it was sent.
	Authority string
	// Path and Query are as sent; Query has its leading question mark.
	Path, Query string
	// CleanPath is the path that routes are found by, in the client's encoding.
	CleanPath string
	// Line is the first line as it came of a request that could not be
	// understood, and Method, Path and Query are not known then.
	Line string
	// Header is the request's as sent, Forwarded as it is passed on; nil is none.
	Header, Forwarded Header
	// TLS is the state of the client's connection, nil if it is not encrypted.
	TLS *tls.ConnectionState

	// Status is what the client was answered; 499 if it was gone.
	Status int
	// Sent and Received are the sizes of the answer's and the request's body as
	// far as they were transferred, in bytes.
	Sent, Received int64
	// Answer is the header the client was sent.
	Answer Header
	// Truncated is set when the answer broke off after it had begun.
	Truncated bool
	// Err is why the request failed.
	Err error

	// Route, Dialect and Service are empty if no route was found.
	Route, Dialect, Service string
	// Internal is set if the load balancer itself is the service.
	Internal bool

	// TraceID and SpanID are those of the request in a trace, in hexadecimal digits.
	TraceID, SpanID string

	// Tries is how many targets were tried, and Retries how many of them because
	// another one had failed. What follows is of the last one.
	Tries, Retries              int
	TargetScheme, TargetAddress string
	// Pool is whom it was picked from, as NAME@DIALECT.
	Pool string
	// TargetPath and TargetQuery are what it was asked for.
	TargetPath, TargetQuery string
	// TargetStatus is 0 if it did not answer. TargetSent is the size of its
	// answer's body, in bytes.
	TargetStatus int
	TargetSent   int64
	// TargetWait is the time from the first try to the head of its answer,
	// TargetTook that to its end.
	TargetWait, TargetTook time.Duration
	// TargetHeader is that of its answer.
	TargetHeader Header
}

// dropQuery takes out all that is known of the query.
func (e *Entry) dropQuery() {
	e.Query, e.TargetQuery = "", ""
	e.Line, _, _ = strings.Cut(e.Line, "?")
}

// Header is a header section.
type Header interface {
	// Len is the number of lines.
	Len() int
	// Line returns one of them.
	Line(i int) (name, value string)
}
