package lb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// maxReadAhead is the largest body that [Exchange.ReadAhead] reads, in bytes.
const maxReadAhead = 64 << 10

// ReadAhead reads the body before the request is sent, if it is known to be small:
// a target may answer without reading it, and the next one wants it nevertheless.
// Larger ones, and those whose length nobody knows, are left alone, and read is
// false.
//
// If the client does not send what it has announced, the exchange is answered, and
// failed is true.
func (x *Exchange) ReadAhead() (body []byte, read, failed bool) {
	if x.Body == nil || x.Length < 1 || x.Length > maxReadAhead {
		return nil, false, false
	}
	// No room is made for what was announced and has not come.
	body, err := io.ReadAll(io.LimitReader(x.Body, x.Length))
	if err == nil && int64(len(body)) < x.Length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		x.Outcome.Err = fmt.Errorf("reading the request's body: %w", err)
		x.answerBrokenBody(err)
		return nil, false, true
	}
	x.Body = bytes.NewReader(body)
	return body, true, false
}

// answerBrokenBody answers an exchange whose body could not be read.
func (x *Exchange) answerBrokenBody(err error) {
	refusal, refused := errors.AsType[*h1.Refusal](err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), refused && refusal.Status == http.StatusRequestTimeout:
		x.AnswerText(http.StatusRequestTimeout, "408 request timeout")
	case errors.Is(err, errBodyTooLarge), errors.Is(err, errMessageTooLarge):
		x.AnswerText(http.StatusRequestEntityTooLarge, refusalText(http.StatusRequestEntityTooLarge))
	case isClientGone(x, err):
		x.Outcome.Status = StatusClientGone
	default:
		x.AnswerText(http.StatusBadRequest, "400 bad request")
	}
}
