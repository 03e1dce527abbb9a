package h1

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// scripted is a connection that reads what it was given, in pieces, and forgets
// what is written.
type scripted struct {
	net.Conn
	pieces []string
	end    error
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, s.end
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; s.pieces[0] == "" {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error)      { return len(p), nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) Close() error                     { return nil }
func (s *scripted) LocalAddr() net.Addr              { return nil }
func (s *scripted) RemoteAddr() net.Addr             { return nil }

// bodyOf is a body that comes in pieces of the size, or at once if that is 0.
func bodyOf(raw string, size int, f framing) (*Body, *reader) {
	conn := &scripted{end: io.EOF}
	for ; size > 0 && len(raw) > size; raw = raw[size:] {
		conn.pieces = append(conn.pieces, raw[:size])
	}
	conn.pieces = append(conn.pieces, raw)
	rd, limits := &reader{}, DefaultLimits()
	rd.init(conn, getSmall)
	b := &Body{}
	b.start(rd, f, &limits, time.Minute)
	return b, rd
}

// readBody reads a chunked body in the ways there are, which must agree.
func readBody(t testing.TB, raw string) (body string, trailer []Field, left string, err error) {
	t.Helper()
	for i, size := range []int{0, 1, 2, 7} {
		b, rd := bodyOf(raw, size, framing{mode: byChunks, length: -1})
		var out strings.Builder
		var e error
		if i%2 == 0 {
			_, e = b.WriteTo(&out)
		} else {
			_, e = io.CopyBuffer(struct{ io.Writer }{&out}, struct{ io.Reader }{b}, make([]byte, 3))
		}
		if i == 0 {
			body, err = out.String(), e
			for _, f := range b.Trailer().Append(nil) {
				trailer = append(trailer, Field{strings.Clone(f.Name), strings.Clone(f.Value)})
			}
			left = string(rd.buffered())
		} else if !errors.Is(e, err) || out.String() != body {
			t.Errorf("in pieces of %d: %q, %v; at once: %q, %v", size, out.String(), e, body, err)
		}
		if done := e == nil; b.Done() != done {
			t.Errorf("done: %v, though the error is %v", b.Done(), e)
		}
		rd.drop()
	}
	return body, trailer, left, err
}

var refusedChunks = []struct {
	name, raw string
	want      *Refusal
}{
	{"hex prefix", "0x5\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"negative", "-1\r\nhello\r\n0\r\n\r\n", errChunkSize},
	{"plus sign", "+5\r\nhello\r\n0\r\n\r\n", errChunkSize},
	{"underscore", "1_0\r\nhello world!!!!!\r\n0\r\n\r\n", errChunkLine},
	{"leading space", " 5\r\nhello\r\n0\r\n\r\n", errChunkSize},
	{"trailing space", "5 \r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"trailing tab", "5\t\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"empty", "\r\nhello\r\n0\r\n\r\n", errChunkSize},
	{"not hex", "g\r\nhello\r\n0\r\n\r\n", errChunkSize},
	{"64 bits", "FFFFFFFFFFFFFFFF\r\nhello", errChunkSize},
	{"63 bits and one", "8000000000000000\r\nhello", errChunkSize},
	{"overflow to 5", "10000000000000005\r\nhello\r\n0\r\n\r\n", errChunkSize},
	{"17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n", errChunkSize},
	{"line end LF", "5\nhello\r\n0\r\n\r\n", errChunkLine},
	{"line end CR", "5\rhello\r\n0\r\n\r\n", errChunkLine},
	{"line end CR X", "5\rX\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"bare semicolon", "5;\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"extension with LF", "5;\nhello\r\n0\r\n\r\n", errChunkLine},
	{"extension with LF behind a name", "5;a\nhello\r\n0\r\n\r\n", errChunkLine},
	{"extension with NUL", "5;\x00ext\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"extension with CR", "5;a\rX\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"extension without a value", "5;a=\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"extension with a space", "5;a b\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"quoted extension with CR LF", "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"quoted extension and more", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"escaped LF", "5;a=\"\\\n\"\r\nhello\r\n0\r\n\r\n", errChunkLine},
	{"long extension", "5;" + strings.Repeat("a", maxExtensions+1), errChunkExts},
	{"many extensions", strings.Repeat("1;"+strings.Repeat("a", 1000)+"\r\na\r\n", 17) + "0\r\n\r\n", errChunkExts},
	{"data too long", "5\r\nhello!!\r\n0\r\n\r\n", errChunkEnd},
	{"data ends with LF", "5\r\nhello\n0\r\n\r\n", errChunkEnd},
	{"data ends with X LF", "5\r\nhelloX\n0\r\n\r\n", errChunkEnd},
	{"data ends with CR alone", "5\r\nhello\r0\r\n\r\n", errChunkEnd},
	{"data without an end", "5\r\nhello0\r\n\r\n", errChunkEnd},
	{"cut in the size", "5", errBodyCut},
	{"cut in the data", "5\r\nhel", errBodyCut},
	{"cut behind the data", "5\r\nhello\r\n", errBodyCut},
	{"cut in the trailer", "0\r\n", errBodyCut},
	{"cut in a trailer's line", "0\r\nX: y", errBodyCut},
	{"last line LF", "0\r\n\n", errBareLF},
	{"trailer with LF", "0\r\nX: y\n\r\n", errBareLF},
	{"trailer without a colon", "0\r\nX\r\n\r\n", errTrailerField},
	{"folded trailer", "0\r\nX: y\r\n z\r\n\r\n", errTrailerField},
	{"trailer with NUL", "0\r\nX: y\x00\r\n\r\n", errTrailerField},
	{"too long a trailer", "0\r\nX: " + strings.Repeat("y", 8<<10), errTrailerLong},
	{"too many trailers", "0\r\n" + strings.Repeat("X:y\r\n", 101) + "\r\n", errTrailerLong},
}

func TestChunksRefused(t *testing.T) {
	for _, test := range refusedChunks {
		t.Run(test.name, func(t *testing.T) {
			if _, _, _, err := readBody(t, test.raw); !errors.Is(err, test.want) {
				t.Errorf("%.80q: %v, want %v", test.raw, err, test.want)
			}
		})
	}
}

func TestChunksAccepted(t *testing.T) {
	for _, test := range []struct{ name, raw, body, trailer string }{
		{"one", "5\r\nhello\r\n0\r\n\r\nGET", "hello", ""},
		{"two", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET", "hello world", ""},
		{"none", "0\r\n\r\nGET", "", ""},
		{"zeros", "0000000000000005\r\nhello\r\n000\r\n\r\nGET", "hello", ""},
		{"capitals", "A\r\nhelloworld\r\n0\r\n\r\nGET", "helloworld", ""},
		{"extension", "5;a\r\nhello\r\n0;b=c\r\n\r\nGET", "hello", ""},
		{"extensions", "5;a=b;c=\"d\\\"; e\";f\r\nhello\r\n0\r\n\r\nGET", "hello", ""},
		{"line ends as data", "4\r\n\r\n\r\n\r\n0\r\n\r\nGET", "\r\n\r\n", ""},
		{"trailer", "5\r\nhello\r\n0\r\nX-Sum: abc\r\nY:\r\n\r\nGET", "hello", "X-Sum=abc Y="},
	} {
		body, trailer, left, err := readBody(t, test.raw)
		var fields []string
		for _, f := range trailer {
			fields = append(fields, f.Name+"="+f.Value)
		}
		if body != test.body || strings.Join(fields, " ") != test.trailer || left != "GET" || err != nil {
			t.Errorf("%s: %q, trailer %q, left %q, %v", test.name, body, fields, left, err)
		}
	}
}

func TestBodyByLength(t *testing.T) {
	b, rd := bodyOf("hello world", 4, framing{mode: byLength, length: 5})
	defer rd.drop()
	body, err := io.ReadAll(b)
	if string(body) != "hello" || err != nil || !b.Done() {
		t.Errorf("%q, %v, done %v", body, err, b.Done())
	}
	b, cut := bodyOf("hel", 0, framing{mode: byLength, length: 5})
	defer cut.drop()
	if body, err = io.ReadAll(b); string(body) != "hel" || !errors.Is(err, errBodyCut) || b.Done() {
		t.Errorf("cut: %q, %v, done %v", body, err, b.Done())
	}
}

func TestBodyUntilClose(t *testing.T) {
	b, rd := bodyOf("hello", 2, framing{mode: byClose, length: -1})
	defer rd.drop()
	if body, err := io.ReadAll(b); string(body) != "hello" || err != nil || !b.Done() {
		t.Errorf("%q, %v, done %v", body, err, b.Done())
	}
}
