package lb

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// wireClient talks to a server in raw bytes.
type wireClient struct {
	t  testing.TB
	nc *net.TCPConn
	r  *bufio.Reader
}

func (r *rig) dial() *wireClient {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(60 * time.Second))
	return &wireClient{r.t, nc.(*net.TCPConn), bufio.NewReader(nc)}
}

func (c *wireClient) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, text); err != nil {
		c.t.Fatal(err)
	}
}

// head reads the head of an answer.
func (c *wireClient) head() string {
	c.t.Helper()
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if b.WriteString(line); err != nil {
			c.t.Fatalf("reading a head: %v, after %q", err, b.String())
		}
		if line == "\r\n" {
			return b.String()
		}
	}
}

// body reads n bytes.
func (c *wireClient) body(n int) string {
	c.t.Helper()
	b := make([]byte, n)
	if n, err := io.ReadFull(c.r, b); err != nil {
		c.t.Fatalf("reading a body: %v, after %q", err, b[:n])
	}
	return string(b)
}

// rest reads to the end of the connection.
func (c *wireClient) rest() string {
	b, _ := io.ReadAll(c.r)
	return string(b)
}

// closed checks that the connection ends and nothing more comes.
func (c *wireClient) closed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); len(rest) > 0 || err != nil {
		c.t.Errorf("the connection goes on with %q, %v", rest, err)
	}
}
