package h1

import "fmt"

// Refusal is why a message was not accepted as it came: a request, which is then
// answered with Status and its connection closed, or an upstream's answer, where
// Status is what the client is to be told.
type Refusal struct {
	// Status is 400, 405, 408, 414, 431, 501 or 505 for a request, and 502 or 504
	// for an upstream's answer.
	Status int
	// Reason is one of a small fixed set of words, fit for a metric's label.
	Reason string

	text string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Reason, r.text) }

// What a request is refused for.
var (
	errBareLF       = &Refusal{400, "line-end", "a line does not end with CR LF"}
	errRequestLine  = &Refusal{400, "request-line", "the first line is not method, target and version, with one space between"}
	errMethod       = &Refusal{400, "method", "the method is not a token of at most 64 bytes"}
	errNoConnect    = &Refusal{405, "method", "CONNECT is not served"}
	errNoTrace      = &Refusal{405, "method", "TRACE is not served"}
	errVersion      = &Refusal{400, "version", "the version is not HTTP/ and two digits with a dot between"}
	errVersion505   = &Refusal{505, "version", "the version is neither HTTP/1.1 nor HTTP/1.0"}
	errTarget       = &Refusal{400, "target", "the target is no path, no absolute http URL, and not the asterisk of OPTIONS"}
	errTargetByte   = &Refusal{400, "target", "the target holds a byte that is not allowed in a URI"}
	errTargetEscape = &Refusal{400, "target", "the target's path holds a percent sign without two hex digits"}
	errTargetLong   = &Refusal{414, "target", "the request line is longer than the limit for heads"}
	errHeadLong     = &Refusal{431, "head-size", "the head is longer than the limit"}
	errFieldCount   = &Refusal{431, "head-size", "the head has more fields than the limit"}
	errHeadSlow     = &Refusal{408, "timeout", "the head did not come in time"}
	errHeadCut      = &Refusal{400, "cut", "the connection ended within the head"}

	errFold       = &Refusal{400, "field", "a line of the head starts with white space"}
	errFieldName  = &Refusal{400, "field", "a field has no name of token characters with a colon right behind"}
	errFieldValue = &Refusal{400, "field", "a field's value holds a control byte"}
	errLookalike  = &Refusal{400, "field", "a field's name is that of a framing field but for an underscore"}

	errHostMissing  = &Refusal{400, "host", "the Host field is missing"}
	errHostTwice    = &Refusal{400, "host", "the Host field is there more than once"}
	errHost         = &Refusal{400, "host", "the host is not a name or address with an optional port from 1 to 65535"}
	errHostMismatch = &Refusal{400, "host", "the Host field and the target's authority differ"}

	errLength       = &Refusal{400, "length", "the Content-Length is not a decimal number below 2^63"}
	errLengthTwice  = &Refusal{400, "length", "there is more than one Content-Length"}
	errLengthCoding = &Refusal{400, "length", "there are both a Content-Length and a Transfer-Encoding"}
	errCoding       = &Refusal{400, "coding", "the Transfer-Encoding is not exactly one final chunked"}
	errCodingTwice  = &Refusal{400, "coding", "the Transfer-Encoding field is there more than once"}
	errCoding10     = &Refusal{400, "coding", "a Transfer-Encoding came with HTTP/1.0"}
	errCoding501    = &Refusal{501, "coding", "the Transfer-Encoding is not known"}

	errBodySlow = &Refusal{408, "timeout", "the body did not advance in time"}
	errBodyCut  = &Refusal{400, "cut", "the connection ended within the body"}
)

// What a chunked body of either side is refused for; see [Refusal.asAnswer].
var (
	errChunkSize    = &Refusal{400, "chunk", "a chunk's size is not one to sixteen hex digits below 2^63"}
	errChunkLine    = &Refusal{400, "chunk", "a chunk's size is not followed by CR LF or a well-formed extension"}
	errChunkExts    = &Refusal{400, "chunk", "the extensions of the body's chunks are too long"}
	errChunkEnd     = &Refusal{400, "chunk", "a chunk's data is not followed by CR LF"}
	errTrailerLong  = &Refusal{400, "trailer", "the trailer section is longer than the limit"}
	errTrailerField = &Refusal{400, "trailer", "the trailer section holds a malformed field"}
)

// What an upstream's answer is refused for.
var (
	errStatusLine   = &Refusal{502, "status-line", "the answer's first line is not version, status and reason"}
	errStatus       = &Refusal{502, "status", "the answer's status is not from 100 to 999"}
	errAnswerLong   = &Refusal{502, "head-size", "the head of the answer is longer than the limit"}
	errAnswerCut    = &Refusal{502, "cut", "the connection ended within the head of the answer"}
	errAnswerNone   = &Refusal{502, "cut", "the connection ended before the answer"}
	errAnswerSlow   = &Refusal{504, "timeout", "the answer did not come in time"}
	errAnswerStuck  = &Refusal{504, "timeout", "the body of the answer did not advance in time"}
	errUnasked101   = &Refusal{502, "upgrade", "the upstream switched protocols unasked"}
	errOther101     = &Refusal{502, "upgrade", "the upstream switched to another protocol than asked"}
	errInterimFlood = &Refusal{502, "head-size", "the interim answers are longer than the limit for heads"}
)

// asAnswer is the refusal for an answer that has the fault of a request.
func (r *Refusal) asAnswer() *Refusal {
	if r.Status >= 500 && r.Status != 501 && r.Status != 505 {
		return r
	}
	return &Refusal{502, r.Reason, r.text}
}
