package middleware

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// compress compresses the bodies of answers for clients that accept it.
type compress struct {
	encodings []string // in the order of preference
	fallback  string   // for clients that say nothing; empty is none
	least     int
	excluded  []string // media types, or else:
	included  []string
	pattern   *regexp.Regexp // nil: any

	writers map[string]*sync.Pool // of encoder
	replies sync.Pool             // of *compressReply
}

// encoder compresses to a writer.
type encoder interface {
	io.Writer
	Flush() error
	Close() error
	Reset(w io.Writer)
}

// How much is compressed before it is worth it: what proxies use by default.
const (
	leastBody   = 1024
	brotliLevel = 4
)

func newEncoder(encoding string) (encoder, error) {
	switch encoding {
	case "gzip":
		return kgzip.NewWriterLevel(nil, gzip.BestSpeed)
	case "br":
		return brotli.NewWriterLevel(nil, brotliLevel), nil
	case "zstd":
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(128<<10))
	}
	return nil, fmt.Errorf("%q is no encoding known here (gzip, br, zstd)", encoding)
}

func newCompress(s *spec.Compress) (*compress, error) {
	c := &compress{
		encodings: s.Encodings, fallback: s.DefaultEncoding, least: cmp.Or(s.MinResponseBody, leastBody),
		writers: map[string]*sync.Pool{},
	}
	if len(c.encodings) == 0 {
		c.encodings = []string{"gzip", "br", "zstd"}
	}
	for _, encoding := range slices.Concat(c.encodings, []string{cmp.Or(c.fallback, c.encodings[0])}) {
		if _, err := newEncoder(encoding); err != nil {
			return nil, err
		}
		c.writers[encoding] = &sync.Pool{New: func() any {
			e, _ := newEncoder(encoding) // as it was possible once
			return e
		}}
	}
	var err error
	if c.excluded, err = mediaTypes(s.ExcludedContentTypes); err == nil {
		c.included, err = mediaTypes(s.IncludedContentTypes)
	}
	if s.Pattern != "" && err == nil {
		c.pattern, err = regexp.Compile(s.Pattern)
	}
	c.replies.New = func() any { return new(compressReply) }
	return c, err
}

func mediaTypes(texts []string) ([]string, error) {
	var types []string
	for _, text := range texts {
		t, _, err := mime.ParseMediaType(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no media type: %w", text, err)
		}
		types = append(types, t)
	}
	return types, nil
}

// Serve implements [lb.Middleware].
func (c *compress) Serve(x *lb.Exchange, next lb.Handler) {
	if x.Request.Method == http.MethodHead {
		next.Serve(x)
		return
	}
	r := c.replies.Get().(*compressReply) //nolint:errcheck,forcetypeassert // all that is put there
	*r = compressReply{Reply: x.Reply, compress: c, encoding: c.choose(&x.Header), held: r.held[:0]}
	x.Reply = r
	next.Serve(x)
	x.Reply = r.Reply
	r.release()
	*r = compressReply{held: r.held[:0]}
	c.replies.Put(r)
}

// choose is the encoding a client likes best of ours, or empty (RFC 9110
// §12.5.3). Of those it likes equally, our first counts.
func (c *compress) choose(h *lb.Header) string {
	if !h.Has("Accept-Encoding") {
		return c.fallback
	}
	best, most := "", 0.0
	for _, encoding := range c.encodings {
		if q := quality(h, encoding); q > most {
			best, most = encoding, q
		}
		if most >= 1 {
			break // nothing is liked better
		}
	}
	return best
}

// quality is what weight a client gives an encoding.
func quality(h *lb.Header, encoding string) float64 {
	star := 0.0
	for element := range h.Tokens("Accept-Encoding") {
		name, parameter, _ := strings.Cut(element, ";")
		name = strings.TrimSpace(name)
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			q, _ = strconv.ParseFloat(value, 64)
		}
		switch {
		case strings.EqualFold(name, encoding), encoding == "gzip" && strings.EqualFold(name, "x-gzip"):
			return q
		case name == "*":
			star = q
		}
	}
	return star
}

// compresses reports whether answers of this head are of a kind to compress.
func (c *compress) compresses(status int, h *lb.Header) bool {
	switch {
	case status < 200, status == http.StatusNoContent, status == http.StatusNotModified, status == http.StatusPartialContent,
		h.Has("Content-Encoding"), h.Has("Content-Range"), h.HasToken("Cache-Control", "no-transform"):
		return false
	}
	if c.pattern != nil && !c.pattern.MatchString(h.Get("Content-Type")) {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case strings.HasPrefix(kind, "application/grpc"), kind == "text/event-stream":
		return false
	case len(c.included) > 0:
		return slices.Contains(c.included, kind)
	}
	return !slices.Contains(c.excluded, kind)
}

// compressReply compresses a body once it is known to be large enough; until
// then it holds head and body back.
type compressReply struct {
	lb.Reply
	compress *compress
	encoding string

	state   compressState
	status  int
	header  *lb.Header
	held    []byte
	encoder encoder
}

type compressState uint8

const (
	passing compressState = iota // as it comes
	holding
	compressing
)

// Begin implements [lb.Reply].
func (r *compressReply) Begin(status int, h *lb.Header, length int64) error {
	if !r.compress.compresses(status, h) {
		return r.Reply.Begin(status, h, length)
	}
	if !h.HasToken("Vary", "Accept-Encoding") {
		h.Append("Vary", "Accept-Encoding")
	}
	if r.encoding == "" || length >= 0 && length < int64(r.compress.least) {
		return r.Reply.Begin(status, h, length)
	}
	r.status, r.header, r.state = status, h, holding
	if length >= 0 {
		return r.start()
	}
	return nil
}

// start goes over to compressing.
func (r *compressReply) start() error {
	h := r.header
	h.Set("Content-Encoding", r.encoding)
	h.Del("Accept-Ranges")
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		h.Set("ETag", "W/"+tag) // equal in meaning, not in bytes (RFC 9110 §8.8.1)
	}
	if err := r.Reply.Begin(r.status, h, -1); err != nil {
		return err
	}
	r.encoder = r.compress.writers[r.encoding].Get().(encoder) //nolint:errcheck,forcetypeassert // all that is put there
	r.encoder.Reset(r.Reply)
	r.state = compressing
	if len(r.held) == 0 {
		return nil
	}
	_, err := r.encoder.Write(r.held)
	return err
}

// Write implements [lb.Reply].
func (r *compressReply) Write(p []byte) (int, error) {
	switch r.state {
	case passing:
		return r.Reply.Write(p)
	case holding:
		if r.held = append(r.held, p...); len(r.held) < r.compress.least {
			return len(p), nil
		}
		return len(p), r.start()
	}
	return r.encoder.Write(p)
}

// Flush implements [lb.Reply]. Who flushes before the end has a stream: it
// cannot be held back until there is enough of it.
func (r *compressReply) Flush() error {
	switch r.state {
	case passing:
		return r.Reply.Flush()
	case holding:
		if err := r.start(); err != nil {
			return err
		}
	}
	if err := r.encoder.Flush(); err != nil {
		return err
	}
	return r.Reply.Flush()
}

// End implements [lb.Reply].
func (r *compressReply) End(trailer *lb.Header) error {
	switch r.state {
	case holding:
		if err := r.Reply.Begin(r.status, r.header, int64(len(r.held))); err != nil {
			return err
		}
		if _, err := r.Reply.Write(r.held); err != nil {
			return err
		}
	case compressing:
		if err := r.encoder.Close(); err != nil {
			return err
		}
	}
	return r.Reply.End(trailer)
}

// release gives the encoder back.
func (r *compressReply) release() {
	if r.encoder != nil {
		r.encoder.Reset(nil)
		r.compress.writers[r.encoding].Put(r.encoder)
	}
}
