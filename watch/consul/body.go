package consul

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// Bounds on bodies, in bytes. 100,000 services fit into an answer; what is larger is
// not Consul's, or would leave no memory for anything else.
const (
	maxAnswer  = 256 << 20 // of one
	maxAnswers = 512 << 20 // of all that are being read at a time
	maxRefusal = 64 << 10  // of one that only tells why there is none: the rest is not read
)

// room is what bodies may take.
type room struct {
	one, all int64
	used     atomic.Int64
}

// read reads the body of an answer.
func (r *room) read(resp *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode != http.StatusNotFound {
		_, err := b.ReadFrom(io.LimitReader(resp.Body, maxRefusal))
		return b.Bytes(), err
	}
	if n := resp.ContentLength; n > 0 && n < 64<<20 {
		b.Grow(int(n) + bytes.MinRead)
	}
	body := &roomyBody{of: r, from: resp.Body}
	defer func() { r.used.Add(-body.size) }()
	_, err := b.ReadFrom(body)
	return b.Bytes(), err
}

// roomyBody ends with an error where there is no more room.
type roomyBody struct {
	of   *room
	from io.Reader
	size int64
}

// Read implements [io.Reader].
func (b *roomyBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.size += int64(n)
	switch used := b.of.used.Add(int64(n)); {
	case b.size > b.of.one:
		return n, fmt.Errorf("it has more than %d bytes", b.of.one)
	case used > b.of.all:
		return n, fmt.Errorf("all answers being read have more than %d bytes", b.of.all)
	}
	return n, err
}
