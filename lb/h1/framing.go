package h1

import "math"

// framing is how the end of a body is found (RFC 9112 §6).
type framing struct {
	mode   bodyMode
	length int64 // for byLength; what a bodyless answer announced, or -1, for noBody
}

type bodyMode uint8

const (
	noBody bodyMode = iota
	byLength
	byChunks
	byClose // only answers, and only what is sent to HTTP/1.0 clients
)

// parseLength reads 1*DIGIT.
func parseLength(s string) (int64, *Refusal) {
	if s == "" {
		return 0, errLength
	}
	n := int64(0)
	for i := range len(s) {
		d := int64(s[i]) - '0'
		if d < 0 || d > 9 || n > (math.MaxInt64-d)/10 {
			return 0, errLength
		}
		n = n*10 + d
	}
	return n, nil
}

// checkCoding accepts one line with the one element chunked, which is all this
// engine can decode.
func (f *Fields) checkCoding() *Refusal {
	if f.twice&(1<<kindCoding) != 0 {
		return errCodingTwice
	}
	coding := f.value(f.first(kindCoding))
	switch {
	case EqualNames(coding, "chunked"):
		return nil
	case EqualNames(coding, "identity") || !isName(coding):
		// RFC 9112 has no identity any more; and a list is none of ours.
		return errCoding
	}
	return errCoding501
}
