package middleware

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// echoing answers as a server of gRPC that returns what it is given, message by
// message, with trailers.
func echoing(t *testing.T) handler {
	return func(x *lb.Exchange) {
		if x.Trailer == nil || x.Trailer() == nil {
			t.Error("the server is not asked for trailers")
		}
		h := header("Content-Type: "+x.Header.Get("Content-Type"), "X-Length: "+map[bool]string{true: "unknown"}[x.Length < 0])
		if err := x.Reply.Begin(200, h, 5); err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(x.Body)
		if err != nil {
			x.Outcome.Err = err
			return
		}
		for _, part := range bytes.SplitAfter(body, []byte("|")) {
			x.Reply.Write(part)
			x.Reply.Flush()
		}
		x.Reply.End(header("Grpc-Status: 0", "Grpc-Message: fine"))
	}
}

const trailers = "\x80\x00\x00\x00\x24grpc-status: 0\r\ngrpc-message: fine\r\n"

func TestGRPCWeb(t *testing.T) {
	m := made(t, &spec.GRPCWeb{AllowOrigins: []string{"https://shop.test"}})
	text := base64.StdEncoding.EncodeToString
	for _, test := range []struct{ name, kind, body, wantKind, want string }{
		{"binary", "application/grpc-web+proto", "one|two", "application/grpc-web+proto", "one|two" + trailers},
		{"plain", "Application/GRPC-Web", "one", "application/grpc-web", "one" + trailers},
		{"parameters", "application/grpc-web; x=y", "one", "application/grpc-web; x=y", "one" + trailers},
		{"text", "application/grpc-web-text+proto", text([]byte("one|two")), "application/grpc-web-text+proto", text([]byte("one|")) + text([]byte("two")) + text([]byte(trailers))},
		{"text in parts", "application/grpc-web-text", text([]byte("on")) + text([]byte("e|two")), "application/grpc-web-text", text([]byte("one|")) + text([]byte("two")) + text([]byte(trailers))},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, r := exchange(t, "POST http://lb.test/x", "Content-Type: "+test.kind, "Origin: https://shop.test")
			x.Body, x.Length = iotest.OneByteReader(strings.NewReader(test.body)), int64(len(test.body))
			m.Serve(x, echoing(t))
			if got := r.header.Get("Content-Type"); got != test.wantKind || r.length != -1 || !r.ended {
				t.Errorf("an answer of %q, length %d, ended %v", got, r.length, r.ended)
			}
			if got := r.body.String(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			if (r.header.Get("X-Length") == "unknown") != strings.Contains(test.name, "text") {
				t.Error("the length of the body is told wrong")
			}
			if r.header.Get("Access-Control-Allow-Origin") != "https://shop.test" ||
				r.header.Get("Access-Control-Expose-Headers") != "Content-Type, Vary, X-Length, grpc-status, grpc-message" {
				t.Errorf("%v", r.header)
			}
			if x.Reply != lb.Reply(r) {
				t.Error("the reply is not put back")
			}
		})
	}
}

// What is no answer of gRPC goes as it is, also to who asked for text.
func TestGRPCWebOfOtherAnswers(t *testing.T) {
	m := made(t, &spec.GRPCWeb{})
	x, r := exchange(t, "POST http://lb.test/x", "Content-Type: application/grpc-web-text", "Origin: https://shop.test")
	m.Serve(x, upstream(503, "no server", "Content-Type: text/plain"))
	if r.status != 503 || r.body.String() != "no server" || r.length != 9 || r.header.Has("Access-Control-Allow-Origin") || r.header.Get("Vary") != "Origin" {
		t.Errorf("%d %q, %v", r.status, &r.body, r.header)
	}
	// A status without a message is in the head.
	x, r = exchange(t, "POST http://lb.test/x", "Content-Type: application/grpc-web-text")
	m.Serve(x, upstream(200, "", "Content-Type: application/grpc", "Grpc-Status: 12"))
	if r.header.Get("Grpc-Status") != "12" || r.header.Get("Content-Type") != "application/grpc-web-text" || r.body.Len() > 0 || !r.ended {
		t.Errorf("%q, %v", &r.body, r.header)
	}
}

func TestGRPCWebLeavesOthersAlone(t *testing.T) {
	m := made(t, &spec.GRPCWeb{AllowOrigins: []string{"*"}})
	for request, lines := range map[string][]string{
		"POST http://lb.test/1":    {"Content-Type: application/grpc"},
		"POST http://lb.test/2":    {"Content-Type: application/grpc-website"},
		"POST http://lb.test/3":    {},
		"PUT http://lb.test/4":     {"Content-Type: application/grpc-web"},
		"OPTIONS http://lb.test/5": {"Origin: https://a.test", "Access-Control-Request-Method: POST"},
		"OPTIONS http://lb.test/6": {"Origin: https://a.test", "Access-Control-Request-Headers: x-grpc-web"},
	} {
		x, r := exchange(t, request, lines...)
		asked := x.Header.Clone()
		m.Serve(x, handler(func(x *lb.Exchange) {
			if x.Reply != lb.Reply(r) || x.Header.Get("Content-Type") != asked.Get("Content-Type") {
				t.Errorf("%s is translated", request)
			}
			x.Answer(200, header("X-Passed: yes"), "")
		}))
		if !r.header.Has("X-Passed") {
			t.Errorf("%s is not passed on", request)
		}
	}
}

func TestGRPCWebPreflight(t *testing.T) {
	m := made(t, &spec.GRPCWeb{AllowOrigins: []string{"https://shop.test"}})
	for _, test := range []struct {
		origin, method string
		allowed        bool
	}{
		{"https://shop.test", "POST", true},
		{"https://shop.test.evil", "POST", false},
		{"https://shop.test", "PUT", false},
		{"", "POST", false},
	} {
		x, r := exchange(t, "OPTIONS http://lb.test/x", "Origin: "+test.origin, "Access-Control-Request-Method: "+test.method,
			"Access-Control-Request-Headers: content-type,X-Grpc-Web")
		m.Serve(x, handler(func(*lb.Exchange) { t.Error("it is passed on") }))
		if r.header.Has("Access-Control-Allow-Origin") != test.allowed || r.status != 200 || !r.ended {
			t.Errorf("%+v: %d %v", test, r.status, r.header)
		}
		if test.allowed && r.header.Get("Access-Control-Allow-Headers") != "Content-Type, X-Grpc-Web" {
			t.Error(r.header)
		}
	}
}

func TestBase64Body(t *testing.T) {
	long := bytes.Repeat([]byte("some text that is longer than the buffer "), 500)
	for _, test := range []struct {
		text, want string
		ok         bool
	}{
		{"", "", true},
		{"YQ==", "a", true},
		{"YQ==YWI=YWJj", "aababc", true},
		{base64.StdEncoding.EncodeToString(long), string(long), true},
		{"YWJj" + "YW", "", false},
		{"YWJj" + "Y W=", "", false},
		{"====", "", false},
	} {
		for name, reader := range map[string]io.Reader{
			"at once": strings.NewReader(test.text), "bytewise": iotest.OneByteReader(strings.NewReader(test.text)),
			"with its end": iotest.DataErrReader(strings.NewReader(test.text)),
		} {
			got, err := io.ReadAll(&base64Body{from: reader})
			if (err == nil) != test.ok || err == nil && string(got) != test.want {
				t.Errorf("%.20q %s: %.20q, %v, want %.20q, %v", test.text, name, got, err, test.want, test.ok)
			}
		}
	}
}

func FuzzBase64Body(f *testing.F) {
	f.Add("YQ==YWI=YWJj", 3)
	f.Add("YQ==", 1)
	f.Add("Y=Q=", 2)
	f.Fuzz(func(t *testing.T, text string, split int) {
		got, err := io.ReadAll(&base64Body{from: strings.NewReader(text)})
		again, errAgain := io.ReadAll(&base64Body{from: iotest.HalfReader(strings.NewReader(text))})
		if (err == nil) != (errAgain == nil) || err == nil && !bytes.Equal(got, again) {
			t.Fatalf("%q, %v, and in other parts %q, %v", got, err, again, errAgain)
		}
		if split < 0 || split > len(text) || err != nil {
			return
		}
		parts := base64.StdEncoding.EncodeToString([]byte(text[:split])) + base64.StdEncoding.EncodeToString([]byte(text[split:]))
		if got, err := io.ReadAll(&base64Body{from: strings.NewReader(parts)}); err != nil || string(got) != text {
			t.Fatalf("%q, %v, want %q", got, err, text)
		}
	})
}
