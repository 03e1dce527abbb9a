package middleware

import (
	"bufio"
	"net"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/internal/lbtest/balancer"
	"github.com/sluiceproxy/sluice/lb"
)

// chained has a bare route and one through the middlewares of a usual one, to the
// same upstream.
var chained = []string{
	"traefik.http.routers.bare.rule=PathPrefix(`/bare`)",
	"traefik.http.routers.chain.rule=PathPrefix(`/chain`)",
	"traefik.http.routers.chain.middlewares=strip,fields,small,limit,again",
	"traefik.http.middlewares.strip.stripprefix.prefixes=/chain",
	"traefik.http.middlewares.fields.headers.customrequestheaders.X-Team=blue",
	"traefik.http.middlewares.fields.headers.framedeny=true",
	"traefik.http.middlewares.fields.headers.contenttypenosniff=true",
	"traefik.http.middlewares.small.compress=true",
	"traefik.http.middlewares.limit.ratelimit.average=100000000",
	"traefik.http.middlewares.limit.ratelimit.burst=100000000",
	"traefik.http.middlewares.again.retry.attempts=3",
}

// BenchmarkRoute has requests forwarded for real, over one connection, with client
// and upstream in this process.
func BenchmarkRoute(b *testing.B) {
	front := serve(b, chained, answering(b))
	for _, route := range []string{"bare", "chain"} {
		b.Run(route, func(b *testing.B) {
			roundTrip := asking(b, front, route)
			b.ReportAllocs()
			for b.Loop() {
				roundTrip()
			}
		})
	}
}

// asking returns what makes one request for a route, always over the same
// connection, and allocates nothing.
func asking(t testing.TB, front, route string) (roundTrip func()) {
	t.Helper()
	conn, err := net.Dial("tcp", front)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	request := []byte("GET /" + route + "/x HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n")
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

// answering starts an upstream that answers all requests alike.
func answering(t testing.TB) string {
	t.Helper()
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\nhello")
	return lbtest.Serve(t, func(nc *net.TCPConn) {
		for r := bufio.NewReader(nc); ; {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) > len("\r\n") {
				continue
			}
			if _, err := nc.Write(answer); err != nil {
				return
			}
		}
	})
}

// serve runs a load balancer with one service of one instance.
func serve(t testing.TB, tags []string, upstream string) (front string) {
	t.Helper()
	return balancer.Start(t, tags, []string{upstream}, func(o *lb.ServerOptions) { o.Table.Middlewares = NewRegistry() })
}
