//go:build !race

package lb

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/accesslog"
)

func TestForwardingAllocatesNothing(t *testing.T) {
	for _, format := range []string{"", "json", "details"} {
		roundTrip := forwardOne(t, format)
		roundTrip() // connects
		if n := testing.AllocsPerRun(2000, roundTrip); n != 0 {
			t.Errorf("access log %q: %v allocations for a forwarded request, want none", format, n)
		}
	}
}

func BenchmarkForward(b *testing.B) {
	for _, format := range []string{"off", "json", "combined", "details"} {
		b.Run("log="+format, func(b *testing.B) {
			roundTrip := forwardOne(b, strings.TrimPrefix(format, "off"))
			b.ReportAllocs()
			for b.Loop() {
				roundTrip()
			}
		})
	}
}

// forwardOne returns what has one GET forwarded, always over the same
// connection, with an access log if a format is given, or with details. Neither it nor the upstream, which is of this process too,
// allocates.
func forwardOne(t testing.TB, format string) (roundTrip func()) {
	t.Helper()
	address := rawBackend(t, func(_ string, conn net.Conn, r *bufio.Reader) {
		answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello")
		for {
			if _, err := conn.Write(answer); err != nil {
				return
			}
			for blank := false; !blank; {
				line, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				blank = len(line) == len("\r\n")
			}
		}
	})
	route := testRoute{prefix: "/", backends: []string{address}}
	var r *rig
	switch format {
	case "":
		r = start(t, nil, route)
	case "details":
		r = start(t, func(o *ServerOptions) { o.DetailBounds = []float64{0.1, 0.3, 1.2, 5} }, route)
	default:
		logged := startLogged(t, nil, accesslog.Options{Format: format}, route)
		logged.text.Grow(64 << 20) // which the test shall not count
		r = logged.rig
	}
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	request := []byte("GET /x HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\n\r\n")
	buffer := make([]byte, 4<<10)
	return func() {
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(buffer); err != nil || string(buffer[:n][9:12]) != "200" {
			t.Fatalf("%q, error %v, want a 200", buffer[:n], err)
		}
	}
}
