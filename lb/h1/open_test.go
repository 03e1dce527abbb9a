package h1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestOpening(t *testing.T) {
	remote, bound := netip.MustParseAddrPort("192.0.2.1:5"), netip.MustParseAddrPort("198.51.100.2:443")
	var mu sync.Mutex
	var ended []netip.AddrPort
	s, addr := startServer(t, func(in *Inbound) {
		text := fmt.Sprintf("%v to %v", in.Remote(), in.Bound())
		_ = in.Begin(200, nil, int64(len(text)))
		_, _ = io.WriteString(in, text)
		_ = in.End(nil)
	}, func(o *Options) {
		o.Opening.Open = func(_ context.Context, nc net.Conn) (Opened, error) {
			first := make([]byte, 1)
			if _, err := io.ReadFull(nc, first); err != nil {
				return Opened{}, err
			}
			if first[0] == '!' {
				return Opened{}, errors.New("not wanted")
			}
			return Opened{Conn: struct{ net.Conn }{nc}, Remote: remote, Bound: bound}, nil
		}
		o.Opening.Closed = func(remote netip.AddrPort) {
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, remote)
		}
	})
	for text, want := range map[string]string{
		"?GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": "192.0.2.1:5 to 198.51.100.2:443",
		"!GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": "",
	} {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(nc, text)
		answer, _ := io.ReadAll(nc) // may be reset
		nc.Close()
		if !strings.HasSuffix(string(answer), want) || want == "" && len(answer) > 0 {
			t.Errorf("%q: the answer is %q, want %q at its end", text, answer, want)
		}
	}
	s.Close()
	mu.Lock()
	defer mu.Unlock()
	if len(ended) != 1 || ended[0] != remote {
		t.Errorf("told of the end of %v, want %v alone", ended, remote)
	}
}

func TestRequestsPerConnection(t *testing.T) {
	_, addr := startServer(t, echo, func(o *Options) { o.Limits.Requests = 3 })
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 5))
	all, _ := io.ReadAll(nc)
	if n := strings.Count(string(all), "HTTP/1.1 200"); n != 3 {
		t.Errorf("%d answers, want 3", n)
	}
	if n := strings.Count(string(all), "Connection: close"); n != 1 {
		t.Errorf("%d answers close the connection, want the last one alone:\n%s", n, all)
	}
}

func TestAgeOfConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := DefaultOptions()
		o.Timeouts.Age = time.Minute
		s := NewServer(o, echo)
		client, server := net.Pipe()
		go s.ServeConn(server)
		answers := 0
		for {
			if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Fatalf("after %d answers: %v", answers, err)
			}
			buffer := make([]byte, 4<<10)
			n, err := client.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			answers++
			if strings.Contains(string(buffer[:n]), "Connection: close") {
				break
			}
			time.Sleep(25 * time.Second)
		}
		if answers != 4 {
			t.Errorf("answer %d closes the connection, want the 4th, 75s after the start", answers)
		}
		client.Close()
		s.Close()
	})
}
