package h1

import "bytes"

// response is the head of an answer.
type response struct {
	Fields Fields

	status int
	minor  uint8
	body   framing
	unsure bool // both a length and chunks came: not a peer to go on talking to

	started bool
	line    int
	scanned int
}

func (r *response) reset() {
	lines := r.Fields.lines[:0]
	*r = response{}
	r.Fields.lines = lines
}

// parse goes on parsing the head at the start of b as [Request.parse] does.
// Unlike there a line may end with LF alone: the client gets lines made anew,
// and many small servers are sloppy in that. asked is the request's method.
func (r *response) parse(b []byte, asked string, limits *Limits) (int, *Refusal) {
	for {
		newline := bytes.IndexByte(b[r.scanned:], '\n')
		if newline < 0 {
			r.scanned = len(b)
			if len(b) >= limits.HeadBytes {
				return 0, errAnswerLong
			}
			return 0, r.checkPartial(b)
		}
		start, end := r.line, r.scanned+newline
		next := end + 1
		if next > limits.HeadBytes {
			return 0, errAnswerLong
		}
		if end > start && b[end-1] == '\r' {
			end--
		}
		r.line, r.scanned = next, next
		switch {
		case !r.started:
			r.started = true
			if err := r.parseStatusLine(b[start:end]); err != nil {
				return 0, err
			}
		case end > start:
			if len(r.Fields.lines) >= limits.Fields {
				return 0, errAnswerLong
			}
			if err := r.Fields.parseLine(b, start, end); err != nil {
				return 0, err.asAnswer()
			}
		default:
			r.Fields.buf = b
			return next, r.finish(asked)
		}
	}
}

// checkPartial refuses at once what does not begin as HTTP does.
func (r *response) checkPartial(b []byte) *Refusal {
	const start = "HTTP/1."
	if n := min(len(b), len(start)); !r.started && string(b[:n]) != start[:n] {
		return errStatusLine
	}
	return nil
}

// parseStatusLine takes "HTTP/1.1 200 OK" apart. The reason may be missing with
// its space; no one needs it, and none is passed on.
func (r *response) parseStatusLine(line []byte) *Refusal {
	const least = "HTTP/1.1 200"
	if len(line) < len(least) || string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return errStatusLine
	}
	if len(line) > len(least) && line[len(least)] != ' ' {
		return errStatusLine
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return errStatus
		}
		r.status = r.status*10 + int(c-'0')
	}
	if r.status < 100 {
		return errStatus
	}
	if !isValue(line[len(least):]) {
		return errStatusLine
	}
	r.minor = line[7] - '0'
	return nil
}

// finish finds out how the body is framed (RFC 9112 §6.3).
func (r *response) finish(asked string) *Refusal {
	f := &r.Fields
	length := int64(-1)
	if f.has(kindLength) {
		var err *Refusal
		if length, err = r.parseLengths(); err != nil {
			return err.asAnswer()
		}
	}
	chunked := f.has(kindCoding)
	if chunked {
		if r.minor == 0 {
			return errCoding10.asAnswer()
		}
		if err := f.checkCoding(); err != nil {
			return err.asAnswer()
		}
		// Chunks win, the length is dropped.
		r.unsure = length >= 0
	}
	switch {
	case asked == "HEAD" || r.status == 304:
		if chunked {
			length = -1
		}
		r.body = framing{noBody, length}
	case r.status < 200 || r.status == 204:
		r.body = framing{noBody, -1}
	case chunked:
		r.body = framing{byChunks, -1}
	case length >= 0:
		r.body = framing{byLength, length}
	default:
		r.body = framing{byClose, -1}
	}
	return nil
}

// parseLengths accepts lines that say the same in the same words: one is sent on.
func (r *response) parseLengths() (int64, *Refusal) {
	text := r.Fields.value(r.Fields.first(kindLength))
	for i := range r.Fields.lines {
		if l := &r.Fields.lines[i]; l.kind == kindLength && r.Fields.value(l) != text {
			return 0, errLengthTwice
		}
	}
	return parseLength(text)
}

// persists reports whether the peer keeps the connection open behind the body.
func (r *response) persists() bool {
	switch {
	case r.unsure || r.body.mode == byClose || r.Fields.hasToken(kindConnection, "close"):
		return false
	case r.minor == 0:
		return r.Fields.hasToken(kindConnection, "keep-alive")
	}
	return true
}
