package h1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

// client talks to a server in raw bytes.
type client struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func newClient(t testing.TB, addr string) *client {
	nc := dial(t, addr)
	return &client{t, nc, bufio.NewReader(nc)}
}

func (c *client) send(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, raw); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer. The body's error is part of it.
func (c *client) answer(method string) (resp *http.Response, body string, err error) {
	c.t.Helper()
	resp, err = http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// wants checks an answer with a whole body.
func (c *client) wants(method string, status int, body string) *http.Response {
	c.t.Helper()
	resp, got, err := c.answer(method)
	if resp.StatusCode != status || got != body || err != nil {
		c.t.Errorf("the answer is %d %q, %v, want %d %q (%v)", resp.StatusCode, got, err, status, body, resp.Header)
	}
	return resp
}

// informed reads the final answer behind any number of interim ones.
func (c *client) informed() *http.Response {
	c.t.Helper()
	for {
		if resp, _, _ := c.answer("GET"); resp.StatusCode >= 200 {
			return resp
		}
	}
}

// closed checks that there is nothing more to come.
func (c *client) closed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); len(rest) > 0 || err != nil {
		c.t.Errorf("the connection goes on with %q, %v", rest, err)
	}
}
