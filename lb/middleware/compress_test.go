package middleware

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func decoded(t *testing.T, encoding string, body []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r); err == nil {
			defer z.Close()
		}
		r = z
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestCompress(t *testing.T) {
	long := strings.Repeat("text ", 1000)
	for name, test := range map[string]struct {
		spec     spec.Compress
		method   string
		accept   string
		status   int
		body     string
		header   string
		encoding string
	}{
		"gzip":             {spec.Compress{}, "GET", "gzip", 200, long, "ETag: \"a\"", "gzip"},
		"brotli":           {spec.Compress{}, "GET", "br", 200, long, "A: b", "br"},
		"zstd":             {spec.Compress{}, "GET", "zstd", 200, long, "A: b", "zstd"},
		"our preference":   {spec.Compress{}, "GET", "zstd, br, gzip", 200, long, "A: b", "gzip"},
		"theirs":           {spec.Compress{}, "GET", "gzip;q=0.5, br", 200, long, "A: b", "br"},
		"own preference":   {spec.Compress{Encodings: []string{"zstd", "gzip"}}, "GET", "*", 200, long, "A: b", "zstd"},
		"forbidden":        {spec.Compress{}, "GET", "gzip;q=0, *", 200, long, "A: b", "br"},
		"unknown":          {spec.Compress{}, "GET", "deflate", 200, long, "A: b", ""},
		"nothing said":     {spec.Compress{}, "GET", "", 200, long, "A: b", ""},
		"default encoding": {spec.Compress{DefaultEncoding: "gzip"}, "GET", "", 200, long, "A: b", "gzip"},
		"HEAD":             {spec.Compress{}, "HEAD", "gzip", 200, long, "A: b", ""},
		"short":            {spec.Compress{}, "GET", "gzip", 200, "short", "A: b", ""},
		"short enough":     {spec.Compress{MinResponseBody: 5}, "GET", "gzip", 200, "short", "A: b", "gzip"},
		"encoded":          {spec.Compress{}, "GET", "gzip", 200, long, "Content-Encoding: x", ""},
		"part":             {spec.Compress{}, "GET", "gzip", 206, long, "Content-Range: x", ""},
		"no-transform":     {spec.Compress{}, "GET", "gzip", 200, long, "Cache-Control: a, no-transform", ""},
		"gRPC":             {spec.Compress{}, "GET", "gzip", 200, long, "Content-Type: application/grpc+proto", ""},
		"events":           {spec.Compress{}, "GET", "gzip", 200, long, "Content-Type: text/event-stream", ""},
		"excluded":         {spec.Compress{ExcludedContentTypes: []string{"image/png"}}, "GET", "gzip", 200, long, "Content-Type: Image/PNG; x=y", ""},
		"not included":     {spec.Compress{IncludedContentTypes: []string{"image/png"}}, "GET", "gzip", 200, long, "Content-Type: text/html", ""},
		"included":         {spec.Compress{IncludedContentTypes: []string{"text/html"}}, "GET", "gzip", 200, long, "Content-Type: text/html", "gzip"},
	} {
		var lines []string
		if test.accept != "" {
			lines = append(lines, "Accept-Encoding: "+test.accept)
		}
		m := made(t, &test.spec)
		for _, known := range []bool{true, false} { // whether the length is
			x, r := exchange(t, test.method+" http://h/", lines...)
			m.Serve(x, handler(func(x *lb.Exchange) {
				length := int64(len(test.body))
				if !known {
					length = -1
				}
				x.Reply.Begin(test.status, header(test.header), length)
				for chunk := range strings.SplitAfterSeq(test.body, " ") {
					io.WriteString(x.Reply, chunk)
				}
				x.Reply.End(nil)
			}))
			encoding := r.header.Get("Content-Encoding")
			if encoding == "x" {
				encoding = ""
			}
			if encoding != test.encoding || r.status != test.status || !r.ended {
				t.Errorf("%s: answered %d encoded as %q, ended %v", name, r.status, encoding, r.ended)
			}
			if body := decoded(t, encoding, r.body.Bytes()); body != test.body {
				t.Errorf("%s: %d bytes of body, want %d", name, len(body), len(test.body))
			}
			if encoding != "" && (r.length != -1 && known || r.header.Get("Vary") != "Accept-Encoding") {
				t.Errorf("%s: length %d, header %v", name, r.length, r.header)
			}
			if name == "gzip" && r.header.Get("ETag") != `W/"a"` {
				t.Errorf("the tag is still %s", r.header.Get("ETag"))
			}
			if x.Reply != lb.Reply(r) {
				t.Errorf("%s: the exchange did not get its reply back", name)
			}
		}
	}
}

func TestCompressDoesNotHoldUpStreams(t *testing.T) {
	x, r := exchange(t, "GET http://h/", "Accept-Encoding: gzip")
	made(t, &spec.Compress{}).Serve(x, handler(func(x *lb.Exchange) {
		x.Reply.Begin(200, &lb.Header{}, -1)
		x.Reply.Write([]byte("first "))
		x.Reply.Flush()
		if len(r.flushed) != 1 || r.flushed[0] == 0 {
			t.Errorf("after a flush the client has %v bytes", r.flushed)
		}
		x.Reply.Write([]byte("second"))
		x.Reply.End(nil)
	}))
	if got := decoded(t, "gzip", r.body.Bytes()); got != "first second" {
		t.Errorf("got %q", got)
	}
}

// discard is a Reply that keeps nothing.
type discard struct{ recorder }

func (d *discard) Begin(int, *lb.Header, int64) error { return nil }
func (d *discard) Write(p []byte) (int, error)        { return len(p), nil }
func (d *discard) Flush() error                       { return nil }

// What a chain of the usual middlewares costs by itself.
func BenchmarkChain(b *testing.B) {
	registry := NewRegistry()
	chain := lb.Handler(handler(func(x *lb.Exchange) {
		x.Outcome = lb.Outcome{Status: 200, TargetStatus: 200}
		x.Reply.Begin(200, &x.Header, 128)
		x.Reply.Write(make([]byte, 128))
		x.Reply.End(nil)
	}))
	for _, s := range []spec.Middleware{
		&spec.Retry{Attempts: 3}, &spec.RateLimit{Average: 1e9, Burst: 1e9}, &spec.Compress{},
		&spec.Headers{FrameDeny: true, ContentTypeNosniff: true, Request: map[string]string{"X-A": "b"}},
	} {
		m, err := registry.Middleware(s.Kind(), s)
		if err != nil {
			b.Fatal(err)
		}
		chain = link{m, chain}
	}
	x, _ := exchange(b, "GET http://h/", "Accept-Encoding: gzip", "User-Agent: x", "Accept: */*")
	x.Reply = &discard{}
	was := x.Checkpoint()
	b.ReportAllocs()
	for b.Loop() {
		x.Rewind(was)
		chain.Serve(x)
	}
}

type link struct {
	m    lb.Middleware
	next lb.Handler
}

func (l link) Serve(x *lb.Exchange) { l.m.Serve(x, l.next) }
