package h1

import "bytes"

// maxMethod bounds a method's length; the longest registered one has 17 bytes.
const maxMethod = 64

// Request is the head of a request. Its strings point into the connection's
// buffer.
type Request struct {
	Fields Fields

	method, target span
	path, query    span // query with its question mark
	authority      authority
	minor          uint8 // the version is HTTP/1.minor
	form           targetForm
	body           framing
	lenient        bool // both a length and chunks came, and were let through

	// Where parsing stands, for heads that come in pieces.
	started bool // the request line is parsed
	blank   bool // an empty line was skipped before it
	line    int  // start of the line that is not complete
	scanned int  // how far no line end was found
}

type span struct{ start, end uint32 }

func (s span) of(b []byte) []byte { return b[s.start:s.end] }

// Limits bound what is read before a message is understood.
type Limits struct {
	// HeadBytes is for a head with its request or status line.
	HeadBytes int
	// Fields is for the number of fields in a head.
	Fields int
	// Requests is for the number of requests a connection may bring; 0 is none.
	Requests int
	// TrailerBytes is for a trailer section.
	TrailerBytes int
	// AllowTrace lets the method TRACE through.
	AllowTrace bool
	// AllowLengthWithChunks lets a request through that has both a
	// Content-Length and a Transfer-Encoding: the former is dropped, and the
	// connection is closed behind the answer (RFC 9112 §6.3).
	AllowLengthWithChunks bool
}

// DefaultLimits are 32 KiB and 100 fields in a head, and 8 KiB of trailers.
func DefaultLimits() Limits {
	return Limits{HeadBytes: 32 << 10, Fields: 100, TrailerBytes: 8 << 10}
}

func (r *Request) reset() {
	lines := r.Fields.lines[:0]
	*r = Request{}
	r.Fields.lines = lines
}

// parse goes on parsing the head at the start of b, which is what it was given
// the last time and more. It returns the length of the head when that is
// complete, and 0 before.
func (r *Request) parse(b []byte, limits *Limits) (int, *Refusal) {
	for {
		newline := bytes.IndexByte(b[r.scanned:], '\n')
		if newline < 0 {
			r.scanned = len(b)
			return 0, r.checkPartial(b, limits)
		}
		end := r.scanned + newline
		start, next := r.line, end+1
		if next > limits.HeadBytes {
			return 0, r.tooLong(b[start:])
		}
		if end == start || b[end-1] != '\r' {
			return 0, errBareLF
		}
		r.line, r.scanned = next, next
		if err := r.parseLine(b, start, end-1, limits); err != nil {
			return 0, err
		}
		if end-1 == start && r.started {
			r.Fields.buf = b
			return next, r.finish(limits)
		}
	}
}

// checkPartial looks at a head without its end: some can be refused already.
func (r *Request) checkPartial(b []byte, limits *Limits) *Refusal {
	rest := b[r.line:]
	switch {
	case len(b) >= limits.HeadBytes:
		return r.tooLong(rest)
	case !r.started && len(rest) > 0 && rest[0] != '\r' && classes[rest[0]]&isToken == 0:
		// Not HTTP at all; the line end may never come.
		return errMethod
	}
	return nil
}

func (r *Request) tooLong(line []byte) *Refusal {
	if r.started {
		return errHeadLong
	}
	if space := bytes.IndexByte(line, ' '); space < 0 || space > maxMethod {
		return errMethod
	}
	return errTargetLong
}

func (r *Request) parseLine(b []byte, start, end int, limits *Limits) *Refusal {
	switch {
	case r.started && start == end:
		return nil
	case r.started && len(r.Fields.lines) >= limits.Fields:
		return errFieldCount
	case r.started:
		return r.Fields.parseLine(b, start, end)
	case start == end && !r.blank:
		// RFC 9112 §2.2: old clients send one empty line too many behind a body.
		r.blank = true
		return nil
	}
	r.started = true
	return r.parseRequestLine(b, start, end, limits)
}

func (r *Request) parseRequestLine(b []byte, start, end int, limits *Limits) *Refusal {
	line := b[start:end]
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	switch {
	case first < 0 || first == last:
		return errRequestLine
	case first == 0 || first > maxMethod || !all(line[:first], isToken):
		return errMethod
	}
	if err := r.parseVersion(line[last+1:]); err != nil {
		return err
	}
	r.method = span{uint32(start), uint32(start + first)}
	r.target = span{uint32(start + first + 1), uint32(start + last)}
	switch view(line[:first]) {
	case "CONNECT":
		return errNoConnect
	case "TRACE":
		if !limits.AllowTrace {
			return errNoTrace
		}
	}
	return r.parseTarget(b)
}

func (r *Request) parseVersion(version []byte) *Refusal {
	const example = "HTTP/1.1"
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	switch {
	case view(version) == "HTTP/1.1":
		r.minor = 1
	case view(version) == "HTTP/1.0":
		r.minor = 0
	case len(version) == len(example) && string(version[:5]) == "HTTP/" &&
		digit(version[5]) && version[6] == '.' && digit(version[7]):
		return errVersion505
	default:
		return errVersion
	}
	return nil
}

// finish looks at what only the whole head can tell.
func (r *Request) finish(limits *Limits) *Refusal {
	if err := r.parseHost(); err != nil {
		return err
	}
	f := &r.Fields
	r.body = framing{mode: noBody, length: 0}
	if f.has(kindLength) {
		if f.twice&(1<<kindLength) != 0 {
			return errLengthTwice
		}
		length, err := parseLength(f.value(f.first(kindLength)))
		if err != nil {
			return err
		}
		if length > 0 {
			r.body = framing{mode: byLength, length: length}
		}
	}
	if !f.has(kindCoding) {
		return nil
	}
	if r.minor == 0 {
		return errCoding10
	}
	if err := f.checkCoding(); err != nil {
		return err
	}
	if r.lenient = f.has(kindLength); r.lenient && !limits.AllowLengthWithChunks {
		return errLengthCoding
	}
	r.body = framing{mode: byChunks, length: -1}
	return nil
}

// Method is the method as sent: methods differ by case.
func (r *Request) Method() string {
	m := view(r.method.of(r.Fields.buf))
	// Constants, for they may be kept.
	switch m {
	case "GET":
		return "GET"
	case "POST":
		return "POST"
	case "HEAD":
		return "HEAD"
	case "PUT":
		return "PUT"
	case "DELETE":
		return "DELETE"
	case "PATCH":
		return "PATCH"
	case "OPTIONS":
		return "OPTIONS"
	}
	return m
}

// Protocol is "HTTP/1.1" or "HTTP/1.0".
func (r *Request) Protocol() string {
	if r.minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// Length is that of the body in bytes: 0 without one, -1 if only its end tells.
func (r *Request) Length() int64 { return r.body.length }

// HasBody reports whether there is a body with at least one byte or with chunks.
func (r *Request) HasBody() bool { return r.body.mode != noBody }

// TakesTrailers reports whether the client asked for trailers (TE: trailers).
func (r *Request) TakesTrailers() bool { return r.Fields.hasToken(kindTE, "trailers") }

// Upgrade is what the client wants to change to: the value of Upgrade if
// Connection names that field and the version is HTTP/1.1, else "".
func (r *Request) Upgrade() string {
	if r.minor == 0 || !r.Fields.has(kindUpgrade) || !r.Fields.hasToken(kindConnection, "upgrade") {
		return ""
	}
	return r.Fields.value(r.Fields.first(kindUpgrade))
}

// expects reports whether the client waits for 100 Continue. Other expectations
// are ignored, as RFC 9110 §10.1.1 lets a server do.
func (r *Request) expects() bool {
	return r.HasBody() && r.minor > 0 && r.Fields.hasToken(kindExpect, "100-continue")
}

// persists reports whether the connection may carry another request (RFC 9112
// §9.3).
func (r *Request) persists() bool {
	switch {
	case r.lenient || r.Fields.hasToken(kindConnection, "close"):
		return false
	case r.minor == 0:
		return r.Fields.hasToken(kindConnection, "keep-alive")
	}
	return true
}
