package middleware

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// failing fails as a target that does not answer does.
func failing(progress h1.Progress) handler {
	return func(x *lb.Exchange) {
		x.Outcome.Tries++
		x.Outcome.Err = fmt.Errorf("forwarding: %w", &h1.SendError{Progress: progress, Err: errors.New("reset")})
		x.AnswerText(502, "502 bad gateway")
	}
}

// inTurn serves each request by the next of the handlers.
func inTurn(handlers ...handler) handler {
	i := -1
	return func(x *lb.Exchange) {
		i++
		handlers[i](x)
	}
}

func TestRetry(t *testing.T) {
	const sent = h1.NothingSent + 1
	never := handler(func(*lb.Exchange) { t.Error("tried once more") })
	for name, test := range map[string]struct {
		spec    spec.Retry
		request string
		targets []handler
		status  int
		tries   int
	}{
		"network":              {spec.Retry{Attempts: 3}, "GET", []handler{failing(sent), failing(sent), upstream(200, "ok")}, 200, 3},
		"no more attempts":     {spec.Retry{Attempts: 2}, "GET", []handler{failing(sent), failing(sent), never}, 502, 2},
		"one attempt":          {spec.Retry{Attempts: 1}, "GET", []handler{failing(sent), never}, 502, 1},
		"POST not sent":        {spec.Retry{Attempts: 2}, "POST", []handler{failing(h1.NothingSent), upstream(200, "ok")}, 200, 2},
		"POST sent":            {spec.Retry{Attempts: 2}, "POST", []handler{failing(sent), never}, 502, 1},
		"POST, if allowed":     {spec.Retry{Attempts: 2, RetryNonIdempotentMethods: true}, "POST", []handler{failing(sent), upstream(200, "ok")}, 200, 2},
		"network off":          {spec.Retry{Attempts: 2, DisableOnNetworkError: true}, "GET", []handler{failing(sent), never}, 502, 1},
		"status":               {spec.Retry{Attempts: 2, Status: []string{"500-599"}}, "GET", []handler{upstream(503, "bad"), upstream(200, "ok")}, 200, 2},
		"status of POST":       {spec.Retry{Attempts: 2, Status: []string{"503"}}, "POST", []handler{upstream(503, "bad"), never}, 503, 1},
		"another status":       {spec.Retry{Attempts: 2, Status: []string{"503"}}, "GET", []handler{upstream(500, "bad"), never}, 500, 1},
		"the last one's again": {spec.Retry{Attempts: 2, Status: []string{"503"}}, "GET", []handler{upstream(503, "a"), upstream(503, "b"), never}, 503, 2},
	} {
		x, r := exchange(t, test.request+" http://h/p", "X-A: b")
		made(t, &test.spec).Serve(x, handler(func() func(x *lb.Exchange) {
			next := inTurn(test.targets...)
			return func(x *lb.Exchange) {
				if x.RawPath != "/p" || x.Header.Get("X-A") != "b" {
					t.Errorf("%s: a try began with path %s and header %v", name, x.RawPath, x.Header)
				}
				// What later steps of the chain do must not pile up.
				if err := x.AddPrefix("/added"); err != nil {
					t.Error(err)
				}
				x.Header.Set("X-A", "changed")
				next(x)
			}
		}()))
		if r.status != test.status || x.Outcome.Tries != test.tries || x.Outcome.Status != test.status {
			t.Errorf("%s: answered %d (outcome %d) after %d tries", name, r.status, x.Outcome.Status, x.Outcome.Tries)
		}
	}
}

func TestRetryEndsWhateverIsAskedFor(t *testing.T) {
	for _, s := range []spec.Retry{{Attempts: math.MaxInt}, {Attempts: math.MaxInt, MaxRequestBody: math.MaxInt64}} {
		tries := 0
		x, r := exchange(t, "POST http://h/")
		x.Body, x.Length = strings.NewReader("hello"), 5
		made(t, &s).Serve(x, handler(func(x *lb.Exchange) {
			tries++
			failing(h1.NothingSent)(x)
		}))
		if tries != maxTries || r.status != 502 {
			t.Errorf("%+v: tried %d times, want %d, and answered %d", s, tries, maxTries, r.status)
		}
	}
}

func TestRetrySendsTheBodyAgain(t *testing.T) {
	read := func(then handler) handler {
		return func(x *lb.Exchange) {
			if body, err := io.ReadAll(x.Body); string(body) != "hello" || err != nil {
				t.Errorf("a try read %q, %v", body, err)
			}
			then(x)
		}
	}
	part := func(then handler) handler {
		return func(x *lb.Exchange) {
			io.ReadFull(x.Body, make([]byte, 2))
			then(x)
		}
	}
	for name, test := range map[string]struct {
		room   int64
		chain  handler
		status int
	}{
		"in full": {0, inTurn(read(failing(9)), part(failing(9)), read(upstream(200, ""))), 200},
		"no room": {4, inTurn(read(failing(9))), 502},
	} {
		x, r := exchange(t, "PUT http://h/")
		x.Body, x.Length = strings.NewReader("hello"), 5
		made(t, &spec.Retry{Attempts: 3, MaxRequestBody: test.room}).Serve(x, test.chain)
		if r.status != test.status {
			t.Errorf("%s: answered %d, want %d", name, r.status, test.status)
		}
	}
}

// A target may answer before it has read a small body, and have what was left of
// it interrupted: the next one is sent all of it.
func TestRetryBeforeTheBodyIsRead(t *testing.T) {
	interrupting := func(then handler) handler {
		return func(x *lb.Exchange) {
			h1.Interrupt(x.Body)
			then(x)
			h1.Resume(x.Body)
		}
	}
	whole := func(x *lb.Exchange) {
		body, err := io.ReadAll(x.Body)
		upstream(200, string(body))(x)
		if err != nil {
			t.Error(err)
		}
	}
	for length, status := range map[int]int{5: 200, 100_000: 503} { // of the first, if there is no second
		x, r := exchange(t, "PUT http://h/")
		x.Body, x.Length = strings.NewReader(strings.Repeat("x", length)), int64(length)
		made(t, &spec.Retry{Attempts: 2, Status: []string{"503"}}).Serve(x, inTurn(interrupting(upstream(503, "")), whole))
		if r.status != status || status == 200 && r.body.Len() != length {
			t.Errorf("%d bytes: answered %d with %d bytes", length, r.status, r.body.Len())
		}
	}
}

func TestRetryPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, r := exchange(t, "GET http://h/")
		began := time.Now()
		made(t, &spec.Retry{Attempts: 3, InitialInterval: time.Second}).
			Serve(x, inTurn(failing(9), failing(9), upstream(200, "")))
		if took := time.Since(began); r.status != 200 || took < 1500*time.Millisecond || took > 3*time.Second {
			t.Errorf("answered %d after %v, want pauses of up to 1 and 2 s, and of half that at least", r.status, took)
		}
		x, r = exchange(t, "GET http://h/")
		made(t, &spec.Retry{Attempts: 9, InitialInterval: time.Second, Timeout: time.Second}).
			Serve(x, inTurn(failing(9), failing(9), failing(9), failing(9)))
		if r.status != 502 {
			t.Errorf("after the timeout: %d", r.status)
		}
	})
}

func TestBuffering(t *testing.T) {
	m := made(t, &spec.Buffering{MaxRequestBody: 8, MemRequestBody: 2, MaxResponseBody: 8, MemResponseBody: 2})
	echo := handler(func(x *lb.Exchange) {
		body, err := io.ReadAll(x.Body)
		if err != nil || x.Length != int64(len(body)) {
			t.Errorf("read %q of %d bytes, %v", body, x.Length, err)
		}
		upstream(200, string(body), "X-A: b")(x)
	})
	for name, test := range map[string]struct {
		body   io.Reader
		length int64
		chain  handler
		status int
		answer string
	}{
		"from memory":      {strings.NewReader("a"), 1, echo, 200, "a"},
		"from a file":      {strings.NewReader("abcdefgh"), -1, echo, 200, "abcdefgh"},
		"too long":         {strings.NewReader("abcdefghi"), -1, echo, 413, "Request Entity Too Large\n"},
		"said to be":       {strings.NewReader(""), 9, echo, 413, "Request Entity Too Large\n"},
		"a client's fault": {io.MultiReader(strings.NewReader("a"), errorReader{}), -1, echo, 400, "Bad Request\n"},
		"long answer":      {strings.NewReader("a"), 1, upstream(200, "abcdefghi"), 500, "Internal Server Error\n"},
		"broken answer": {strings.NewReader("a"), 1, func(x *lb.Exchange) {
			x.Reply.Begin(200, &lb.Header{}, 5)
			x.Reply.Write([]byte("a"))
			x.Outcome.Err, x.Outcome.Truncated = errors.New("reset"), true
		}, 502, "Bad Gateway\n"},
	} {
		x, r := exchange(t, "POST http://h/")
		x.Body, x.Length = test.body, test.length
		m.Serve(x, test.chain)
		if r.status != test.status || r.body.String() != test.answer || !r.ended || x.Outcome.Truncated {
			t.Errorf("%s: answered %d %q, ended %v, %+v", name, r.status, r.body.String(), r.ended, x.Outcome)
		}
		if r.status == 200 && (r.length != int64(len(test.answer)) || r.header.Get("X-A") != "b") {
			t.Errorf("%s: length %d, header %v", name, r.length, r.header)
		}
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		for _, file := range left {
			if strings.HasPrefix(file.Name(), "sluice-body-") {
				t.Errorf("%s is left", file.Name())
			}
		}
	}
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestBufferingRetries(t *testing.T) {
	m := made(t, &spec.Buffering{RetryExpression: `RequestMethod() == "PUT" && (IsNetworkError() || ResponseCode() >= 500) && Attempts() < 3`})
	read := func(then handler) handler {
		return func(x *lb.Exchange) {
			if body, _ := io.ReadAll(x.Body); string(body) != "hello" {
				t.Errorf("a try read %q", body)
			}
			then(x)
		}
	}
	for _, test := range []struct {
		method string
		chain  handler
		status int
	}{
		{"PUT", inTurn(read(failing(9)), read(upstream(503, "no")), read(upstream(200, "yes"))), 200},
		{"PUT", inTurn(read(failing(9)), read(failing(9)), read(failing(9))), 502},
		{"POST", inTurn(read(failing(9))), 502},
	} {
		x, r := exchange(t, test.method+" http://h/")
		x.Body, x.Length = bytes.NewBufferString("hello"), 5
		if m.Serve(x, test.chain); r.status != test.status {
			t.Errorf("%s: answered %d, want %d", test.method, r.status, test.status)
		}
	}
}

func TestCircuitBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := made(t, &spec.CircuitBreaker{Expression: "NetworkErrorRatio() > 0.5 || ResponseCodeRatio(500, 502, 0, 600) > 0.5"})
		ask := func(target handler) int {
			x, r := exchange(t, "GET http://h/")
			m.Serve(x, target)
			time.Sleep(100 * time.Millisecond)
			return r.status
		}
		good, bad := upstream(200, ""), failing(9)
		if first, second := ask(good), ask(bad); first != 200 || second != 502 {
			t.Fatalf("closed: %d, %d", first, second)
		}
		ask(bad) // two of three
		opened := time.Now()
		if state, ok := m.(lb.Breaker).Breaker(); !ok || state != (lb.BreakerState{Open: true, Trips: 1}) {
			t.Errorf("open: %+v", state)
		}
		for range 50 {
			if status := ask(good); status != 503 {
				t.Fatalf("open: %d", status)
			}
		}
		time.Sleep(10*time.Second - time.Since(opened))
		if state, _ := m.(lb.Breaker).Breaker(); state != (lb.BreakerState{Recovering: true, Trips: 1}) {
			t.Errorf("recovering: %+v", state)
		}
		passed := 0
		for range 90 { // recovering: from none to half
			if ask(good) == 200 {
				passed++
			}
		}
		if passed < 10 || passed > 45 {
			t.Errorf("%d of 90 passed while recovering", passed)
		}
		time.Sleep(2 * time.Second)
		for range 20 {
			if status := ask(good); status != 200 {
				t.Fatalf("closed again: %d", status)
			}
		}
	})
}

func TestWindow(t *testing.T) {
	now := time.Unix(1000, 0)
	var w window
	for i := range 100 {
		w.add(now, 200+100*(i%4), time.Duration(i+1)*time.Millisecond)
	}
	if got := w.statusRatio(now, 500, 600, 200, 600); got != 0.25 {
		t.Errorf("ratio %v", got)
	}
	if got := w.latencyAt(now, 50).Seconds(); got < 0.044 || got > 0.057 {
		t.Errorf("median %v, want 0.05 within 12 %%", got)
	}
	if got := w.latencyAt(now, 100).Seconds(); got < 0.088 || got > 0.113 {
		t.Errorf("maximum %v, want 0.1 within 12 %%", got)
	}
	w.add(now.Add(5*time.Second), 502, 0)
	if got := w.networkErrorRatio(now.Add(9 * time.Second)); got != 1.0/101 {
		t.Errorf("network errors %v", got)
	}
	if got := w.networkErrorRatio(now.Add(10 * time.Second)); got != 1 {
		t.Errorf("after ten seconds: %v", got)
	}
	if got := w.networkErrorRatio(now.Add(time.Minute)); got != 0 {
		t.Errorf("after a minute: %v", got)
	}
}

// Bodies without a maximum do not fill the disk: all files together have one.
func TestBufferingIsBounded(t *testing.T) {
	r := NewRegistry()
	r.Spool(10)
	m, err := r.Middleware("test", &spec.Buffering{MemRequestBody: 2, MemResponseBody: 2})
	if err != nil {
		t.Fatal(err)
	}
	send := func(request, answer string, meanwhile func()) int {
		x, reply := exchange(t, "POST http://h/")
		x.Body, x.Length = strings.NewReader(request), -1
		m.Serve(x, handler(func(x *lb.Exchange) {
			meanwhile()
			upstream(http.StatusOK, answer).Serve(x)
		}))
		return reply.status
	}
	nothing := func() {}
	for _, test := range []struct {
		name, request, answer string
		want                  int
	}{
		{"in memory", "12", "12", http.StatusOK},
		{"all of the room", "1234567890", "", http.StatusOK},
		{"more than there is", "12345678901", "", http.StatusRequestEntityTooLarge},
		{"an answer of more than there is", "", "12345678901", http.StatusInternalServerError},
		{"both", "123456", "123456", http.StatusInternalServerError},
	} {
		if got := send(test.request, test.answer, nothing); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if got := send("123456", "", func() {
		if got := send("123456", "", nothing); got != http.StatusServiceUnavailable {
			t.Errorf("while another one takes the room: %d", got)
		}
	}); got != http.StatusOK {
		t.Errorf("the one that takes it: %d", got)
	}
	func() {
		defer func() { _ = recover() }()
		send("123456", "", func() { panic("a defect") })
	}()
	if used := r.spool.used.Load(); used != 0 {
		t.Errorf("%d bytes are taken for nothing", used)
	}
}

// What was not answered goes another way, where it is served once: it is not for us to
// try again.
func TestBufferingLeavesWhatIsNotAnswered(t *testing.T) {
	m := made(t, &spec.Buffering{RetryExpression: "Attempts() < 3"})
	x, r := exchange(t, "GET http://h/")
	asked := 0
	m.Serve(x, handler(func(*lb.Exchange) { asked++ }))
	if asked != 1 || r.status != 0 {
		t.Errorf("tried %d times, answered %d", asked, r.status)
	}
}

// What a defect ends is answered by the server, through the client's own reply: that of
// the tries is somebody else's by then, and nobody delivers what is held back.
func TestReplyAfterADefect(t *testing.T) {
	for _, s := range []spec.Middleware{&spec.Retry{Attempts: 3}, &spec.Buffering{}} {
		m := made(t, s)
		x, r := exchange(t, "GET http://h/")
		func() {
			defer func() { _ = recover() }()
			m.Serve(x, handler(func(*lb.Exchange) { panic("defect") }))
		}()
		if x.Reply != lb.Reply(r) {
			t.Errorf("%T: the exchange would be answered through %T", s, x.Reply)
		}
	}
}
