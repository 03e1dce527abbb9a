package h1

import (
	"bytes"
	"math"
)

// maxExtensions bounds the chunk extensions of one body, all together.
const maxExtensions = 16 << 10

// chunks decodes chunked framing (RFC 9112 §7.1), strictly: the only line end is
// CR LF, and sizes have no white space. Extensions are checked and dropped.
type chunks struct {
	state      chunkState
	digits     int
	left       int64 // of the size as read so far, or of the chunk's data
	extensions int
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	extensionName
	extensionNamed
	extensionValue
	extensionToken
	extensionQuoted
	extensionEscape
	extensionQuotedEnd
	chunkLineEnd // LF behind the size's CR
	chunkData
	chunkDataCR
	chunkDataLF
	// chunksEnd: the last chunk's line is over; what follows is a trailer
	// section, which may be empty.
	chunksEnd
)

// decode consumes n bytes of b. It stops behind the first data it finds, which
// lies within those bytes, at chunksEnd, or when all of b is consumed.
func (c *chunks) decode(b []byte) (data []byte, n int, err *Refusal) {
	for n < len(b) && c.state != chunksEnd {
		if c.state == chunkData {
			size := int(min(c.left, int64(len(b)-n)))
			data = b[n : n+size]
			if c.left -= int64(size); c.left == 0 {
				c.state = chunkDataCR
			}
			return data, n + size, nil
		}
		if err := c.step(b[n]); err != nil {
			return nil, n, err
		}
		n++
	}
	return nil, n, nil
}

// step takes one byte of framing.
func (c *chunks) step(b byte) *Refusal {
	switch c.state {
	case chunkSize:
		return c.stepSize(b)
	case chunkLineEnd:
		return c.stepLineEnd(b)
	case chunkDataCR:
		if b != '\r' {
			return errChunkEnd
		}
		c.state = chunkDataLF
		return nil
	case chunkDataLF:
		if b != '\n' {
			return errChunkEnd
		}
		*c = chunks{extensions: c.extensions}
		return nil
	}
	if c.extensions++; c.extensions > maxExtensions {
		return errChunkExts
	}
	return c.stepExtension(b)
}

func (c *chunks) stepSize(b byte) *Refusal {
	const maxDigits = 16
	switch {
	case classes[b]&isHexDigit != 0:
		if c.digits++; c.digits > maxDigits || c.left > math.MaxInt64>>4 {
			return errChunkSize
		}
		c.left = c.left<<4 | int64(unhex(b))
	case c.digits == 0:
		return errChunkSize
	case b == '\r':
		c.state = chunkLineEnd
	case b == ';':
		c.state = extensionName
	default:
		return errChunkLine
	}
	return nil
}

func (c *chunks) stepLineEnd(b byte) *Refusal {
	switch {
	case b != '\n':
		return errChunkLine
	case c.left == 0:
		c.state = chunksEnd
	default:
		c.state = chunkData
	}
	return nil
}

// stepExtension takes a byte of ";name=value", where a value may be a quoted
// string. The white space RFC 9112 has recipients put up with is not accepted.
func (c *chunks) stepExtension(b byte) *Refusal {
	token := classes[b]&isToken != 0
	text := b == '\t' || b >= ' ' && b != 0x7f
	next := func(state chunkState, ok bool) *Refusal {
		if !ok {
			return errChunkLine
		}
		c.state = state
		return nil
	}
	switch c.state {
	case extensionName:
		return next(extensionNamed, token)
	case extensionNamed:
		if token {
			return nil
		}
		if b == '=' {
			return next(extensionValue, true)
		}
	case extensionValue:
		if b == '"' {
			return next(extensionQuoted, true)
		}
		return next(extensionToken, token)
	case extensionToken:
		if token {
			return nil
		}
	case extensionQuoted:
		switch b {
		case '"':
			return next(extensionQuotedEnd, true)
		case '\\':
			return next(extensionEscape, true)
		}
		return next(extensionQuoted, text)
	case extensionEscape:
		return next(extensionQuoted, text)
	}
	switch b {
	case '\r':
		return next(chunkLineEnd, true)
	case ';':
		return next(extensionName, true)
	}
	return errChunkLine
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return lower(c) - 'a' + 10
}

// trailers collects and parses a trailer section. Trailers are rare, so that
// they may cost an allocation.
type trailers struct {
	Fields  Fields
	section []byte
	line    int
}

// take consumes n bytes of b, and reports whether they are the section's end.
func (t *trailers) take(b []byte, limits *Limits) (n int, done bool, err *Refusal) {
	for n < len(b) {
		newline := bytes.IndexByte(b[n:], '\n')
		end := len(b)
		if newline >= 0 {
			end = n + newline + 1
		}
		if len(t.section)+end-n > limits.TrailerBytes {
			return n, false, errTrailerLong
		}
		t.section = append(t.section, b[n:end]...)
		if n = end; newline < 0 {
			break
		}
		if done, err = t.parseLine(limits); done || err != nil {
			return n, done, err
		}
	}
	return n, false, nil
}

// parseLine parses the line the section ends with.
func (t *trailers) parseLine(limits *Limits) (done bool, err *Refusal) {
	start, end := t.line, len(t.section)-1
	t.line = len(t.section)
	t.Fields.buf = t.section
	if end == start || t.section[end-1] != '\r' {
		return false, errBareLF
	}
	if end--; end == start {
		return true, nil
	}
	if len(t.Fields.lines) >= limits.Fields {
		return false, errTrailerLong
	}
	if t.Fields.parseLine(t.section, start, end) != nil {
		return false, errTrailerField
	}
	return false, nil
}

func (t *trailers) reset() {
	t.Fields.reset()
	t.section, t.line = t.section[:0], 0
}
