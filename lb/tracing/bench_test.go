//go:build unix

package tracing

import (
	"bufio"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb"
)

// BenchmarkForward has requests forwarded for real, over one connection, with client,
// upstream and collector, which looks at nothing, in this process. cpu-ns/op is the
// processor time of all of them.
func BenchmarkForward(b *testing.B) {
	for name, rate := range map[string]float64{"off": math.NaN(), "sampled=0": 0, "sampled=0.01": 0.01, "sampled=1": 1} {
		b.Run(name, func(b *testing.B) {
			roundTrip := forwardOne(b, rate)
			roundTrip() // connects
			b.ReportAllocs()
			before := processorTime()
			for b.Loop() {
				roundTrip()
			}
			b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// forwardOne returns what has one GET forwarded, without tracing if the rate is NaN.
func forwardOne(b *testing.B, rate float64) (roundTrip func()) {
	address := lbtest.Serve(b, func(nc *net.TCPConn) {
		answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello")
		for r := bufio.NewReader(nc); ; {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == len("\r\n") {
				if _, err := nc.Write(answer); err != nil {
					return
				}
			}
		}
	})
	var tracer lb.Tracer
	if !math.IsNaN(rate) {
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		b.Cleanup(collector.Close)
		o := DefaultOptions()
		o.Endpoint, o.SampleRate, o.Logger = collector.URL, rate, slogTo(b.Output())
		tracer, _ = run(b, o)
	}
	nc, err := net.Dial("tcp", balance(b, world{tags: app, instances: []string{address}}, tracer))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { nc.Close() })
	request := []byte("GET /app HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\n\r\n")
	buffer := make([]byte, 4<<10)
	return func() {
		if _, err := nc.Write(request); err != nil {
			b.Fatal(err)
		}
		if n, err := nc.Read(buffer); err != nil || string(buffer[:n][9:12]) != "200" {
			b.Fatalf("%q, error %v, want a 200", buffer[:n], err)
		}
	}
}
