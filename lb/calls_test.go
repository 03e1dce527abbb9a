package lb

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// callMessage is one message as it is sent.
func callMessage(length int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(length)), make([]byte, length)...)
}

// called is what a call came to.
type called struct {
	status, message string // of gRPC
	body            int    // bytes of the answer's
	err             error
}

// call makes a call of gRPC to a listener without TLS.
func call(t *testing.T, url string, body []byte, header ...string) (*http.Response, called) {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	request, err := http.NewRequestWithContext(t.Context(), "POST", url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc+proto")
	request.Header.Set("TE", "trailers")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	c := called{answer.Header.Get("Grpc-Status"), answer.Header.Get("Grpc-Message"), len(text), err}
	if c.status == "" {
		c.status, c.message = answer.Trailer.Get("Grpc-Status"), answer.Trailer.Get("Grpc-Message")
	}
	return answer, c
}

// callBackend answers each call with a message of as many bytes as its first one.
func callBackend(t *testing.T) string {
	address := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		var head [5]byte
		if _, err := io.ReadFull(r.Body, head[:]); err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		if r.Header.Get("X-Early") != "" {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(callMessage(int(binary.BigEndian.Uint32(head[1:])) + len(r.Header.Get("X-More"))))
		w.Header().Set("Grpc-Status", "0")
	})
	return strings.TrimPrefix(address, "h2c://")
}

// What the load balancer answers itself is a status of gRPC on a listener for
// calls, and for calls only.
func TestCallsWithoutRoute(t *testing.T) {
	p := pass(t, func(o *ServerOptions) { o.NoRouteStatus = 410 }, "127.0.0.1:0;proto=grpc", "127.0.0.1:0")
	p.set("down", []string{"127.0.0.1:1"}, "urlprefix-/down.Shop proto=grpc")
	url := "http://" + p.address(0)
	for path, want := range map[string]string{"/shop.Shop/Buy": "5", "/down.Shop/Buy": "14"} {
		answer, got := call(t, url+path, callMessage(3))
		if answer.StatusCode != 200 || got.status != want || got.message == "" || got.body != 0 || got.err != nil ||
			answer.Header.Get("Content-Type") != "application/grpc" {
			t.Errorf("%s: %s %v, %+v, want status %s", path, answer.Status, answer.Header, got, want)
		}
	}
	if answer, got := call(t, url+"/shop.Shop/Buy", nil, "Content-Type: text/plain"); answer.StatusCode != 200 || got.status != "5" {
		t.Errorf("of two types the first counts: %s %+v", answer.Status, got)
	}
	if answer, got := call(t, "http://"+p.address(1)+"/shop.Shop/Buy", nil); answer.StatusCode != 410 || got.status != "" {
		t.Errorf("on another listener: %s %+v", answer.Status, got)
	}
	resp, err := client(t).Get(url + "/nothing")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 410 {
		t.Errorf("a request that is no call: %s", resp.Status)
	}
}

func TestCallsForNamedHosts(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=grpc", "127.0.0.1:0")
	p.set("shop", []string{callBackend(t)}, "urlprefix-shop.test/ proto=grpc")
	for _, test := range []struct {
		name     string
		listener int
		fields   []string
		status   string
	}{
		{"named", 0, []string{"dsthost: shop.test"}, "0"},
		{"in other case", 0, []string{"dsthost: Shop.TEST"}, "0"},
		{"not named", 0, nil, "5"},
		{"another", 0, []string{"dsthost: other.test"}, "5"},
		{"two", 0, []string{"dsthost: shop.test", "dsthost: shop.test"}, "5"},
		{"no host", 0, []string{"dsthost: shop.test/x"}, "5"},
		{"not for calls", 1, []string{"dsthost: shop.test"}, ""},
	} {
		if _, got := call(t, "http://"+p.address(test.listener)+"/shop.Shop/Buy", callMessage(0), test.fields...); got.status != test.status {
			t.Errorf("%s: %+v, want status %s", test.name, got, test.status)
		}
	}
}

func TestMessagesOfCallsAreLimited(t *testing.T) {
	const most = 20_000
	p := pass(t, func(o *ServerOptions) { o.MaxCallMessage = most }, "127.0.0.1:0;proto=grpc", "127.0.0.1:0")
	p.set("shop", []string{callBackend(t)}, "urlprefix-/ proto=grpc")
	for _, test := range []struct {
		name     string
		listener int
		sent     []byte
		fields   []string
		status   string
		body     int
	}{
		{"as large as may be", 0, callMessage(most), nil, "0", most + 5},
		{"many", 0, bytes.Repeat(callMessage(most), 5), nil, "0", most + 5},
		{"too large", 0, callMessage(most + 1), nil, "8", 0},
		{"the second is too large", 0, append(callMessage(1), callMessage(most+1)...), nil, "8", 0},
		{"too large after the answer has begun", 0, append(callMessage(1), callMessage(most+1)...), []string{"X-Early: yes"}, "8", 0},
		{"the answer is too large", 0, callMessage(most), []string{"X-More: 1"}, "8", 0},
		{"no limit elsewhere", 1, callMessage(most + 1), nil, "0", most + 6},
	} {
		_, got := call(t, "http://"+p.address(test.listener)+"/shop.Shop/Buy", test.sent, test.fields...)
		if got.status != test.status || got.body != test.body || got.err != nil {
			t.Errorf("%s: %+v, want status %s and %d bytes", test.name, got, test.status, test.body)
		}
	}
	eventually(t, "all calls have ended", func() bool { return p.Metrics().InFlight == 0 })
	if m := p.Metrics().Targets[0]; m.Failures != 0 {
		t.Errorf("the target is blamed: %+v", m)
	}
}

// However messages are cut on the way, the same are told apart.
func TestCallMessagesInParts(t *testing.T) {
	whole := append(callMessage(3), append(callMessage(0), callMessage(300)...)...)
	for size := 1; size <= len(whole); size++ {
		for most, fits := range map[int]bool{300: true, 299: false} {
			m, err := callMessages{most: most, oversized: new(atomic.Bool)}, error(nil)
			for rest := whole; len(rest) > 0 && err == nil; rest = rest[min(size, len(rest)):] {
				err = m.pass(rest[:min(size, len(rest))])
			}
			if fits != (err == nil) {
				t.Fatalf("in parts of %d, %d bytes allowed: %v", size, most, err)
			}
		}
	}
}

func TestCallStatuses(t *testing.T) {
	for status, want := range map[int]int{
		400: 2, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 8, 421: 9, 429: 8, 431: 8, 500: 2, 502: 14, 503: 14, 504: 4,
	} {
		if got := callStatus(status); got != want {
			t.Errorf("%d is %d, not %d", status, got, want)
		}
	}
	if got := fieldText("100 % größer"); got != "100 %25 gr%C3%B6%C3%9Fer" {
		t.Error(got)
	}
}
